"""Flags of names, addresses and mounts: kept and broken, by the real CLI and daemon."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.flags_network import CONTAINERS, FILES, ROWS
from tests.engine.harness import Place, Ran, docker
from tests.engine.held import Held, Row, holding

pytestmark = pytest.mark.engine
LONG_SINCE = 26
"""The major version of the CLI from which --network takes all that `network connect` does."""


@contextmanager
def _spread(folder: Path) -> Iterator[str]:
    """A folder that is a shared mount; or why it can't be one here."""
    folder.mkdir()
    made = subprocess.run(["mount", "--bind", folder, folder], check=False, capture_output=True)
    if made.returncode:
        yield f"no folder can be made a shared mount here: {made.stderr.decode().strip()}"
        return
    try:
        subprocess.run(["mount", "--make-shared", folder], check=True)
        yield ""
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _missing(spread: str) -> dict[str, str]:
    """What can't be made here: a CLI may not read all of --network yet."""
    version = re.search(r"\d+", docker("--version"))
    old = version is not None and int(version[0]) < LONG_SINCE
    reasons = {
        "long": f"docker before {LONG_SINCE} reads only some keys of --network" if old else "",
        "spread": spread,
    }
    return {on: reason for on, reason in reasons.items() if reason}


@pytest.fixture(scope="module")
def held(shared_place: Place, base_image: str) -> Iterator[Held]:
    """Every container once, by the CLI; the tests only look."""
    word, folder = shared_place.word, shared_place.folder
    (folder / "open").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    docker("network", "create", "--subnet", "172.31.77.0/24", f"{word}-n")
    six = ("--ipv6", "--subnet", "fd31:79::/64", "--subnet", "172.31.76.0/24")
    docker("network", "create", *six, f"{word}-6")
    with (
        _spread(folder / "spread") as spread,
        holding(shared_place, base_image, missing=_missing(spread)) as made,
    ):
        for name, flags in CONTAINERS.items():
            made.make(name, flags)
            if name == "bridge":  # a link on a network is to one that is there
                docker("network", "connect", f"{word}-n", made.name(name))
        yield made
    docker("volume", "rm", f"{word}-v", f"{word}-w")
    docker("network", "rm", f"{word}-n", f"{word}-6")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_flag_promises_is_kept_everywhere_it_is_seen(held: Held, row: Row) -> None:
    held.assert_kept(row)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_another_value_is_broken_everywhere_it_is_seen(held: Held, row: Row) -> None:
    held.assert_broken(row)


def test_all_ports_are_published_only_where_it_was_asked(held: Held) -> None:
    assert [c.status for c in held.asked("bridge", "-P")] == ["kept"]
    assert [c.status for c in held.asked("net", "-P")] == ["broken"]


def test_on_a_network_of_ones_own_the_name_server_is_out_of_sight(held: Held) -> None:
    checks = held.asked("net", "--dns 192.0.2.53")
    assert [c.status for c in checks] == ["kept", "unverified"]
    assert "out of sight" in checks[1].source
    assert held.asked("net", "--dns 192.0.2.54")[0].status == "broken"


PORTS = """
scenario: ports
steps:
  - name: made
    command: >-
      docker run -d --name MINE-p -p ${{ run.port(8431) }}:7001/udp
      -p ${{ run.port(8432) }}:7002 -p 127.0.0.1:${{ run.port(8433) }}:7003
      -p 127.0.0.1:${{ run.port(8434) }}:7004/udp
      -p 127.0.0.1:${{ run.port(8435) }}:7005 -p 127.0.0.2:${{ run.port(8436) }}:7005
      -p '[::1]:${{ run.port(8437) }}:7005' ${{ lab.base_image }} sleep 600
  - docker stop -t 0 MINE-p
  - name: again
    command: docker start MINE-p
"""


@pytest.fixture(scope="module")
def ports(shared_place: Place, in_sandbox: SandboxInfo) -> Ran:
    """A run that publishes ports, UDP too, and some on the engine's own loopback."""
    assert in_sandbox.netns
    return shared_place.run(str(shared_place.write("ports.yaml", PORTS)))


@pytest.mark.parametrize("step", ["made", "again"])
def test_every_published_port_answers_udp_and_loopback_too(ports: Ran, step: str) -> None:
    checks = [c for c in ports.step(step)["checks"] if "answers" in c["about"]]
    assert [(c["status"], c["about"]) for c in checks if c["status"] != "kept"] == []
    assert sorted(c["source"].split()[0] for c in checks) == [*"aa", *["connected"] * 5]


def test_a_port_of_udp_that_nobody_reaches_does_not_answer(held: Held) -> None:
    from lifecycle.facts.model import ContainerFacts
    from lifecycle.facts.port_probe import try_port

    seen = held.daemon.container(held.name("bridge"))
    assert seen is not None
    nowhere = replace(held.world, address="127.0.0.9")
    answer = try_port(held.daemon, ContainerFacts("c", now=seen), "7002/udp", nowhere)
    assert answer.answered is False
