"""Files of this machine, which the person for whom a run is sees, or nobody does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.checks.check import Check
from lifecycle.checks.expect.judge_expect import judge_expect
from lifecycle.facts.host_files import may_write, remove, state_of, text_of, touch
from lifecycle.facts.model import World
from lifecycle.machine.subject import Subject, current_subject
from tests.unit.checks.samples import NO_GPUS, with_host_files

ME = current_subject()
ALICE = Subject("alice", 23456, 23457, (23457,), ("alice",), "/", "/bin/sh", 0o027)
SECRET = "the-words-of-root"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for somebody else")


@pytest.fixture
def shared(passable: Path) -> Path:
    """A folder that is alice's, with one of root's beside it that she may not enter."""
    hers = passable / "hers"
    hers.mkdir()
    os.chown(hers, ALICE.uid, ALICE.gid)
    hidden = passable / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "secret").write_text(SECRET)
    (passable / "secret").write_text(SECRET)
    (passable / "secret").chmod(0o640)
    return passable


def judged(path: Path, want: dict[str, Any]) -> list[Check]:
    expect = {"host": {"files": {str(path): want}}}
    facts = with_host_files(World(ALICE, NO_GPUS, shares_machine=True), expect)
    return judge_expect(expect, facts, None)


def linked(hers: Path, to: Path) -> Path:
    link = hers / "link"
    link.symlink_to(to)
    return link


WAYS: dict[str, Callable[[Path], Path]] = {
    "by its name": lambda at: at / "secret",
    "in a folder that she may not enter": lambda at: at / "hidden" / "secret",
    "through a link of hers": lambda at: linked(at / "hers", at / "secret"),
    "through a link of hers into that folder": lambda at: linked(at / "hers", at / "hidden/secret"),
    "by the root of one of our processes": lambda at: Path(f"/proc/{os.getpid()}/root{at}/secret"),
    "the environment of one of our processes": lambda _: Path(f"/proc/{os.getpid()}/environ"),
    "the passwords of this machine": lambda _: Path("/etc/shadow"),
}


@as_root
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", ["contains", "text"])
def test_what_the_person_may_not_read_is_unverified_and_not_shown(
    shared: Path, way: str, key: str
) -> None:
    (check,) = judged(WAYS[way](shared), {key: "zzzz"})
    assert check.status == "unverified"
    assert "cannot be read as alice: permission denied" in str(check)
    assert SECRET not in str(check)
    assert "root:" not in str(check)


@as_root
@pytest.mark.parametrize("want", [{"exists": True}, {"exists": False}, {"mode": "0640"}])
def test_whether_there_is_something_that_the_person_cannot_see_is_not_told(
    shared: Path, want: dict[str, Any]
) -> None:
    for name in ("secret", "nothing"):
        (check,) = judged(shared / "hidden" / name, want)
        assert check.status == "unverified"


@as_root
def test_of_a_file_that_may_be_seen_and_not_read_the_rest_is_judged(shared: Path) -> None:
    checks = judged(shared / "secret", {"mode": "0640", "owner": "root", "contains": "words"})
    assert [c.status for c in checks] == ["kept", "kept", "unverified"]


@as_root
def test_root_writes_and_removes_as_the_person(shared: Path) -> None:
    file = shared / "hers" / "file"
    touch(file, ALICE)
    state = state_of(file, ALICE)
    assert state
    assert (state.uid, state.gid, state.mode) == (ALICE.uid, ALICE.gid, "640")
    assert may_write(file, ALICE)
    assert not may_write(shared / "secret", ALICE)
    assert remove(file, ALICE)
    assert not file.exists()
    assert not remove(shared / "secret", ALICE)
    assert (shared / "secret").exists()


@as_root
@pytest.mark.parametrize("name", ["new", "secret"])
def test_a_link_of_the_person_leads_root_nowhere(shared: Path, name: str) -> None:
    link = linked(shared / "hers", shared / name)
    before = sorted(shared.iterdir())
    with pytest.raises(OSError, match="symbolic"):
        touch(link, ALICE)
    assert sorted(shared.iterdir()) == before


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    linked(tmp_path, tmp_path / "link")
    for path in ("missing", "file/below", "link", "n" * 300):
        assert state_of(tmp_path / path, ME) is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe"):
        text_of(tmp_path / "pipe", ME)


def test_a_file_that_is_gone_already_is_removed(tmp_path: Path) -> None:
    assert remove(tmp_path / "missing", ME)


def test_a_folder_is_no_file_to_remove(tmp_path: Path) -> None:
    assert not remove(tmp_path, ME)
    assert tmp_path.exists()
