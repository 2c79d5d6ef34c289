"""Whether a sandbox lives is told by the locks that it holds, from wherever it is looked at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lifecycle.sandbox.claim import locked, sandboxes
from lifecycle.sandbox.info import SandboxInfo
from lifecycle.sandbox.open import open_sandbox, sweep_sandboxes
from lifecycle.sandbox.shell import wait_until
from tests.engine.lan import Lan, base_pulls, lan, listening, publish
from tests.engine.test_sandbox_end import ROOTS, Holder, Machine, assert_gone, hold, machine

__all__ = ["hold", "lan", "machine"]  # fixtures

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox needs root"),
]

PERSON = ("setpriv", "--reuid=64321", "--regid=64321", "--clear-groups")
OURS = "0" * 8


@pytest.fixture(scope="module", autouse=True)
def _cached(sandboxes_alone: None) -> None:
    """The artifacts are in the cache, so that a machine without a way out can have a sandbox."""
    assert sandboxes_alone is None
    with open_sandbox(say=print):
        pass


def own(*folders: str, mounts: tuple[str, ...] = ("unshare", "-m")) -> tuple[str, ...]:
    """Words that start a program for which other folders are at these places."""
    mount = "".join(f"mount -t tmpfs own {folder} && " for folder in folders)
    return (*mounts, "sh", "-c", mount + 'exec "$@"', "sh")


PROCESSES = ("unshare", "-pf", "--kill-child", "--mount-proc")
WAYS = {
    "own mounts": own(),
    "own run": own("/run"),
    "own var lib": own("/var/lib"),
    "own of both": own("/run", "/var/lib"),
    "own processes": own(mounts=PROCESSES),
    "own processes and run": own("/run", mounts=PROCESSES),
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))


def up(holder: Holder) -> SandboxInfo:
    """Its sandbox, with something published, as it is seen from here."""
    info, there = holder.up(), f"/proc/{holder.process.pid}/root"
    socket = info.docker_host.removeprefix("unix://")
    info = replace(info, docker_host=f"unix://{there}{socket}", netns=f"{there}{info.netns}")
    publish(info)
    return info


def assert_lives(lan: Lan, info: SandboxInfo) -> None:
    """Its engine and its registry answer, and its network leads inwards and outwards."""
    base_pulls(info)
    published = f"{info.address}:8080"
    assert wait_until(lambda: lan.answered(lan.machine, published) == [published], limit=40)
    assert lan.answered(Machine(info.netns), "198.51.100.1:81") == ["198.51.100.1:81"]


@each_way
def test_sandboxes_that_see_the_machine_otherwise_leave_each_other_alone(
    lan: Lan, hold: Callable[..., Holder], way: tuple[str, ...]
) -> None:
    before = lan.machine.state()
    with listening(lan.neighbour, 81):
        first = hold()
        plain = up(first)
        second = hold(*way)
        other = up(second)
        assert_lives(lan, plain)
        assert first.end("\n") == 0
        assert_lives(lan, other)
        third = hold()
        later = up(third)
        assert_lives(lan, other)
        assert second.end("\n") == 0
        assert_lives(lan, later)
        assert third.end("\n") == 0
    for sandbox in (plain, other, later):
        assert_gone(sandbox.id, lan.machine, before)


@pytest.mark.parametrize("way", [w for w in WAYS if w != "own of both"])
def test_one_that_saw_the_machine_otherwise_is_swept_when_it_is_dead(
    lan: Lan, hold: Callable[..., Holder], way: str
) -> None:
    before = lan.machine.state()
    holder = hold(*WAYS[way])
    info = holder.up()
    holder.process.kill()
    holder.process.wait(30)
    # The kernel may be ending the processes of its namespace yet.
    assert wait_until(partial(_swept, info.id), limit=60)
    assert_gone(info.id, lan.machine, before)


def _swept(sandbox: str) -> bool:
    """Sweep; whether that one is gone, by this sweep or by another test's."""
    sweep_sandboxes(say=print)
    return sandbox not in sandboxes()


def test_an_engine_that_cannot_be_ended_from_here_is_left_whole(
    lan: Lan, hold: Callable[..., Holder]
) -> None:
    holder = hold()
    info = holder.up()
    holder.process.kill()
    holder.process.wait(30)
    code = "from lifecycle.sandbox.open import sweep_sandboxes; sweep_sandboxes(say=print)"
    words = lan.machine.words(*WAYS["own processes"], sys.executable, "-c", code)
    said = subprocess.run(words, check=True, text=True, capture_output=True).stdout
    assert "Still there: control group" in said
    assert "another pid namespace" in said
    base_pulls(info)
    assert info.id in sweep_sandboxes(say=print)


@pytest.fixture
def folders() -> Iterator[list[Path]]:
    """The folders of a sandbox that is none, with nothing in them."""
    with locked():
        made = [root / OURS for root in ROOTS]
        for folder in made:
            folder.mkdir()
    yield made
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
    sweep_sandboxes(say=print)


def lock(folder: Path, inode: int = 0) -> None:
    """Make a lock that nobody holds."""
    file = folder / "alive"
    file.touch()
    file.write_text(json.dumps({"inode": inode or file.stat().st_ino}))


def test_folders_whose_lock_nobody_holds_are_removed(folders: list[Path]) -> None:
    for folder in folders:
        lock(folder)
    assert OURS in sweep_sandboxes(say=print)
    assert not any(folder.exists() for folder in folders)


def _copied(folder: Path) -> None:
    lock(folder, inode=1)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "alive")


def _link(folder: Path) -> None:
    lock(folder)
    (folder / "alive").rename(folder / "elsewhere")
    (folder / "alive").symlink_to("elsewhere")


def _folder(folder: Path) -> None:
    (folder / "alive").mkdir()


def _none(_: Path) -> None:
    pass


def _not_told(folder: Path) -> None:
    (folder / "alive").write_text("[" * 500)


@pytest.mark.parametrize("made", [_copied, _pipe, _link, _folder, _none, _not_told])
@pytest.mark.parametrize("which", [0, 1])
def test_what_no_lock_tells_of_is_left_alone_and_named(
    folders: list[Path], made: Callable[[Path], None], which: int
) -> None:
    made(folders[which])
    lock(folders[1 - which])
    said: list[str] = []
    assert OURS not in sweep_sandboxes(say=said.append)
    assert all(folder.exists() for folder in folders)
    assert [text for text in said if OURS in text and f"whether {folders[which]} is in use" in text]


def test_one_of_its_locks_held_is_enough(folders: list[Path]) -> None:
    for folder in folders:
        lock(folder)
    code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); print(flush=True); input()"
    for folder in folders:
        words = (sys.executable, "-c", code, str(folder / "alive"))
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as holder:
            assert holder.stdout
            holder.stdout.readline()
            assert OURS not in sweep_sandboxes(say=print)
            holder.terminate()
    assert OURS in sweep_sandboxes(say=print)


def test_an_unfinished_folder_is_removed_by_the_next(folders: list[Path]) -> None:
    for folder in folders:
        folder.rename(folder.with_suffix(".part"))
    sweep_sandboxes(say=print)
    assert not any(folder.with_suffix(".part").exists() for folder in folders)


def test_no_other_user_can_take_a_lock(hold: Callable[..., Holder]) -> None:
    info = hold().up()
    run, data = (root / info.id for root in ROOTS)
    places = [*ROOTS, run, data, run / "alive", data / "alive"]
    code = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), 6)"
    for place in places:
        words = (*PERSON, sys.executable, "-c", code, str(place))
        ran = subprocess.run(words, check=False, text=True, capture_output=True)
        assert "PermissionError" in ran.stderr, place


@pytest.mark.parametrize("root", ROOTS, ids=["run", "data"])
def test_a_root_that_others_may_write_is_refused(root: Path) -> None:
    root.mkdir(exist_ok=True)
    root.chmod(0o777)
    try:
        words = (sys.executable, "-m", "lifecycle.cli", "sandbox", "--", "true")
        ran = subprocess.run(words, check=False, text=True, capture_output=True)
        assert ran.returncode == 4
        assert f"{root} can be written by everybody: chmod o-w {root}" in ran.stderr
    finally:
        root.chmod(0o711)
        with suppress(OSError):
            root.rmdir()
