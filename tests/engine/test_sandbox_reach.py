"""A sandbox is reached by its own run alone, and opens no more of its host than the way out."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from lifecycle.sandbox.open import open_sandbox
from lifecycle.sandbox.shell import wait_until
from tests.engine.lan import ASK, Lan, base_pulls, lan, listening, publish
from tests.engine.test_sandbox import docker
from tests.engine.test_sandbox_end import ROOTS, Holder, Machine, assert_gone, hold, machine

__all__ = ["hold", "lan", "machine"]  # fixtures

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox needs root"),
]

PERSON = ("setpriv", "--reuid=64321", "--regid=64321", "--clear-groups")


@pytest.fixture(scope="module", autouse=True)
def _cached(sandboxes_alone: None) -> None:
    """The artifacts are in the cache, so that a machine without a way out can have a sandbox."""
    assert sandboxes_alone is None
    with open_sandbox(say=print):
        pass


def test_nobody_but_its_engine_reaches_the_registry(lan: Lan, hold: Callable[..., Holder]) -> None:
    info = hold().up()
    inner = docker(info, "inspect", "-f", "{{.NetworkSettings.IPAddress}}", "lifecycle-registry")
    targets = [f"{info.address}:5000", "127.0.0.1:5000", "[::1]:5000"]
    targets += [f"{inner}:5000"] if inner else []
    for who in (lan.machine, lan.neighbour, lan.behind):
        assert lan.answered(who, *targets) == []
    assert lan.answered(lan.machine, *targets, prefix=PERSON) == []
    base_pulls(info)
    within = lan.machine.words("nsenter", f"--net={info.netns}", "--")
    said = subprocess.run(
        [*within, sys.executable, "-c", ASK, targets[1]], check=True, capture_output=True, text=True
    ).stdout
    assert said.startswith(targets[1])


def test_a_container_does_not_reach_the_registry(lan: Lan, hold: Callable[..., Holder]) -> None:
    info = hold().up()
    assert lan.machine
    gateway = "exec 3<>/dev/tcp/$(sed -n 's/^eth0\\t00000000\\t\\(..\\)\\(..\\)\\(..\\)\\(..\\).*/"
    gateway += "0x\\4.0x\\3.0x\\2.0x\\1/p' /proc/net/route)/5000"
    with pytest.raises(AssertionError, match="refused"):
        docker(info, "run", "--rm", info.base_image, "bash", "-c", gateway)
    other = f"exec 3<>/dev/tcp/{info.address}/5000"
    with pytest.raises(AssertionError, match="refused"):
        docker(info, "run", "--rm", info.base_image, "bash", "-c", other)


def test_what_is_published_is_for_this_host_alone(lan: Lan, hold: Callable[..., Holder]) -> None:
    info = hold().up()
    inner = f"{publish(info)}:5000"
    published = f"{info.address}:8080"
    assert wait_until(lambda: lan.answered(lan.machine, published) == [published], limit=40)
    assert lan.answered(lan.machine, published, prefix=PERSON) == [published]
    lan.machine.run("ip", "route", "add", f"{inner[:-5]}/32", "via", info.address)
    # Somebody else's firewall comes later, and lets everything through.
    lan.machine.run("iptables", "-I", "FORWARD", "-j", "ACCEPT")
    lan.machine.run("iptables", "-t", "nat", "-I", "POSTROUTING", "-j", "MASQUERADE")
    lan.machine.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    for who in (lan.neighbour, lan.behind):
        assert lan.answered(who, published, inner) == []
    assert lan.answered(lan.machine, inner) == []


def test_one_sandbox_does_not_reach_another(lan: Lan, hold: Callable[..., Holder]) -> None:
    one, other = hold().up(), hold().up()
    assert lan.machine
    for info in (one, other):
        publish(info)
    for here, there in ((one, other), (other, one)):
        own = f"{here.address}:8080"
        within = Machine(here.netns)
        assert wait_until(partial(answers, lan, within, own), limit=40)
        assert lan.answered(within, f"{there.address}:8080", f"{there.address}:5000") == []


def answers(lan: Lan, who: Machine, address: str) -> bool:
    """Whether a registry answered there."""
    return lan.answered(who, address) == [address]


def test_a_host_that_forwarded_nothing_forwards_for_the_sandbox_alone(
    lan: Lan, hold: Callable[..., Holder]
) -> None:
    before = lan.machine.forwarding()
    holder = hold()
    info = holder.up()
    with listening(lan.neighbour, 81), listening(lan.behind, 82):
        assert lan.answered(Machine(info.netns), "198.51.100.1:81") == ["198.51.100.1:81"]
        assert lan.answered(lan.neighbour, "203.0.113.2:82") == []
        assert lan.answered(lan.behind, "198.51.100.1:81") == []
        assert lan.answered(Machine(info.netns), "203.0.113.2:82") == []
    assert lan.machine.run("cat", "/proc/sys/net/ipv4/ip_forward") == "0\n"
    assert holder.end("\n") == 0
    assert lan.machine.forwarding() == before


def test_a_host_that_forwards_goes_on_with_it(lan: Lan, hold: Callable[..., Holder]) -> None:
    lan.machine.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    before = lan.machine.state()
    holder = hold()
    info = holder.up()
    with listening(lan.neighbour, 81), listening(lan.behind, 82):
        for when in ("up", "ended"):
            assert lan.answered(lan.neighbour, "203.0.113.2:82") == ["203.0.113.2:82"], when
            assert lan.answered(lan.behind, "198.51.100.1:81") == ["198.51.100.1:81"], when
            assert when == "ended" or holder.end("\n") == 0
    assert_gone(info.id, lan.machine, before)


def test_what_a_killed_one_had_opened_is_closed_by_a_sweep_from_another_network(
    lan: Lan, hold: Callable[..., Holder]
) -> None:
    before = lan.machine.state()
    live, dead = hold(), hold()
    kept, left = live.up(), dead.up()
    dead.process.kill()
    dead.process.wait(30)
    with open_sandbox(say=print):
        pass
    assert lan.machine.state()["forward"] != before["forward"]
    with listening(lan.neighbour, 81):
        assert lan.answered(Machine(kept.netns), "198.51.100.1:81") == ["198.51.100.1:81"]
    live.process.kill()
    live.process.wait(30)
    with open_sandbox(say=print):
        pass
    for sandbox in (kept.id, left.id):
        assert_gone(sandbox, lan.machine, before)


def test_nobody_else_writes_or_lists_any_of_it_whatever_roots_umask(
    hold: Callable[..., Holder],
) -> None:
    proxy = "http_proxy=http://lab:hidden-word@proxy.invalid:3128"
    info = hold("env", proxy, "sh", "-c", 'umask 0; exec "$@"', "sh").up()
    data = ROOTS[1] / info.id / "data"
    shut = {data / name: 0o007 for name in ("docker", "containerd", "registry")}
    for top in (root / info.id for root in ROOTS):
        for folder, folders, files in os.walk(top):
            here = Path(folder)
            folders[:] = [name for name in folders if here / name not in shut]
            for path in (here, *(here / name for name in files)):
                state = path.lstat()
                writers = 0o002 if path == Path(info.state_dir, "docker.sock") else 0o022
                links = stat.S_ISLNK(state.st_mode)
                roots = stat.S_ISSOCK(state.st_mode) and state.st_gid == 0
                assert links or roots or not state.st_mode & writers, path
                assert state.st_uid == 0, path
    for path, bits in shut.items():
        assert not path.stat().st_mode & bits, path
    lab = ("cat", info.lab_file)
    member = ("setpriv", "--reuid=64321", "--regid=64321", f"--groups={info.socket_gid}")
    assert b"hidden-word" in subprocess.run([*member, *lab], check=True, capture_output=True).stdout
    for words in (lab, ("ls", *map(str, ROOTS)), ("ls", str(data / "registry" / "store"))):
        ran = subprocess.run([*PERSON, *words], check=False, capture_output=True, text=True)
        assert "Permission denied" in ran.stderr, words
        assert ran.stdout == ""


def test_the_command_has_the_umask_of_whoever_started_it() -> None:
    command = f"umask 077; exec {sys.executable} -m lifecycle.cli sandbox -- sh -c umask"
    ran = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
    assert ran.stdout == "0077\n"
