"""Flags of names, addresses and mounts: kept and broken, by the real CLI and daemon."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from lifecycle.checks.check import Check
from lifecycle.checks.facts import World
from lifecycle.command.parse import parse
from lifecycle.engine.daemon import Daemon
from lifecycle.engine.gpu import Gpus
from lifecycle.engine.sandbox import SandboxInfo
from lifecycle.engine.subject import current_subject
from lifecycle.run.hold import hold
from tests.engine.flags_network import CONTAINERS, FILES, ROWS, Row
from tests.engine.harness import Place, Ran, docker

pytestmark = pytest.mark.engine
LONG_SINCE = 26
"""The major version of the CLI from which --network takes all that `network connect` does."""


@dataclass
class Made:
    """The containers, and how lines about them are written."""

    daemon: Daemon
    world: World
    image: str
    place: Place

    def words(self, flags: str) -> list[str]:
        """The words of some flags."""
        text = flags.replace("MINE", self.place.word)
        return shlex.split(text.replace("FOLDER", str(self.place.folder)))

    def asked(self, on: str, flags: str) -> list[Check]:
        """What is found of one flag: the checks that are about it."""
        line = parse(["docker", "run", *self.words(flags), self.image])
        name = f"{self.place.word}-{on}"
        checks = hold(self.daemon, name, line, self.world, inside=True)
        return [c for c in checks if c.about.startswith(f"{line.options[0].written}:")]


def _why_not(on: str) -> str:
    """Why a container can't be made with this CLI: it does not read all of its --network yet."""
    version = re.search(r"\d+", docker("--version"))
    old = on == "long" and version is not None and int(version[0]) < LONG_SINCE
    return f"docker before {LONG_SINCE} reads only some keys of --network" if old else ""


def _needs(on: str) -> None:
    if _why_not(on):
        pytest.skip(_why_not(on))


@pytest.fixture(scope="module")
def made(shared_place: Place, base_image: str) -> Iterator[Made]:
    """Every container once, by the CLI; the tests only look."""
    daemon = Daemon(os.environ["DOCKER_HOST"], os.environ)
    none = Gpus("none", (), "not asked")
    world = World(current_subject(), none, shares_machine=daemon.shares_machine)
    made = Made(daemon, world, base_image, shared_place)
    (shared_place.folder / "open").mkdir()
    for name, text in FILES.items():
        (shared_place.folder / name).write_text(text)
    docker("network", "create", "--subnet", "172.31.77.0/24", f"{shared_place.word}-n")
    six = ("--ipv6", "--subnet", "fd31:79::/64", "--subnet", "172.31.76.0/24")
    docker("network", "create", *six, f"{shared_place.word}-6")
    for name, flags in CONTAINERS.items():
        if _why_not(name):
            continue
        words = ["-d", f"--name={shared_place.word}-{name}", *made.words(flags)]
        docker("run", *words, base_image, "sleep", "600")
        if name == "bridge":  # a link on a network is to one that is there
            docker("network", "connect", f"{shared_place.word}-n", f"{shared_place.word}-{name}")
    yield made
    docker("rm", "-fv", *(f"{shared_place.word}-{name}" for name in CONTAINERS))
    docker("volume", "rm", f"{shared_place.word}-v", f"{shared_place.word}-w")
    docker("network", "rm", f"{shared_place.word}-n", f"{shared_place.word}-6")
    daemon.close()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_a_flag_promises_is_kept_everywhere_it_is_seen(made: Made, row: Row) -> None:
    _needs(row.on)
    found = made.asked(row.on, row.true)
    statuses = [c.status for c in found]
    assert statuses.count("kept") >= row.places, found
    assert "broken" not in statuses, found


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_another_value_is_broken_everywhere_it_is_seen(made: Made, row: Row) -> None:
    _needs(row.on)
    found = made.asked(row.on, row.untrue)
    assert [c.status for c in found].count("broken") >= (row.untrue_places or row.places), found


def test_all_ports_are_published_only_where_it_was_asked(made: Made) -> None:
    assert [c.status for c in made.asked("bridge", "-P")] == ["kept"]
    assert [c.status for c in made.asked("net", "-P")] == ["broken"]


def test_on_a_network_of_ones_own_the_name_server_is_out_of_sight(made: Made) -> None:
    checks = made.asked("net", "--dns 192.0.2.53")
    assert [c.status for c in checks] == ["kept", "unverified"]
    assert "out of sight" in checks[1].source
    assert made.asked("net", "--dns 192.0.2.54")[0].status == "broken"


PORTS = """
scenario: ports
steps:
  - name: made
    command: >-
      docker run -d --name MINE-p -p ${{ run.port(8431) }}:7001/udp
      -p ${{ run.port(8432) }}:7002 -p 127.0.0.1:${{ run.port(8433) }}:7003
      -p 127.0.0.1:${{ run.port(8434) }}:7004/udp ${{ lab.base_image }} sleep 600
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
    assert sorted(c["source"].split()[0] for c in checks) == ["a", "a", "connected", "connected"]


def test_a_port_of_udp_that_nobody_reaches_does_not_answer(made: Made) -> None:
    from lifecycle.checks.facts import ContainerFacts
    from lifecycle.checks.reach import try_port

    seen = made.daemon.container(f"{made.place.word}-bridge")
    assert seen is not None
    nowhere = replace(made.world, address="127.0.0.9")
    answer = try_port(made.daemon, ContainerFacts("c", now=seen), "7002/udp", nowhere)
    assert answer.answered is False
