"""The gid of a sandbox's socket is one that nobody has, and that nobody may give themselves."""

from __future__ import annotations

import grp
import os
import subprocess
from pathlib import Path

import pytest

from lifecycle.sandbox import group
from lifecycle.sandbox.shell import SandboxError

FIRST = 2_020_000_000


@pytest.fixture(autouse=True)
def _two(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are two to choose from, and nobody has any."""
    monkeypatch.setattr(group, "_USUAL", range(FIRST, FIRST + 2))
    monkeypatch.setattr(group, "_borne", set)
    monkeypatch.setattr(group, "_lent", lambda _: [])


def test_one_that_another_sandbox_has_is_not_taken() -> None:
    assert {group.choose({FIRST}) for _ in range(50)} == {FIRST + 1}
    assert {group.choose(()) for _ in range(200)} == {FIRST, FIRST + 1}


def test_one_that_a_directory_tells_only_when_asked_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(gid: int) -> object:
        if gid == FIRST:
            return object()
        raise KeyError(gid)

    monkeypatch.setattr(grp, "getgrgid", ask)
    monkeypatch.setattr(grp, "getgrall", list)
    assert {group.choose(()) for _ in range(50)} == {FIRST + 1}


def test_one_that_a_process_bears_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "_borne", lambda: {FIRST})
    assert {group.choose(()) for _ in range(50)} == {FIRST + 1}


def test_one_that_people_may_give_to_their_namespaces_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group, "_lent", lambda _: [range(FIRST - 5, FIRST + 1)])
    assert {group.choose(()) for _ in range(50)} == {FIRST + 1}


def test_where_none_is_free_it_is_said() -> None:
    with pytest.raises(SandboxError, match=f"no group id from {FIRST} to {FIRST + 1} is free"):
        group.choose({FIRST, FIRST + 1})


def test_where_few_ids_exist_one_of_these_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "_mapped", lambda: range(65536))
    assert 64100 <= group.choose(()) < 65534


def test_what_subgid_says_is_read_line_by_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    file = tmp_path / "subgid"
    file.write_text("kim:100000:65536\nbroken\nlee:x:y\n1001:2000000000:10\n")
    assert group._lent(file) == [range(100000, 165536), range(2_000_000_000, 2_000_000_010)]
    assert group._lent(tmp_path / "none") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="to bear another group takes root")
def test_the_groups_of_every_process_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    words = ("setpriv", f"--groups={FIRST}", "cat")
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe) as bearer:
        assert bearer.stdin
        assert bearer.stdout
        bearer.stdin.write(b"x\n")
        bearer.stdin.flush()
        bearer.stdout.readline()  # it is past setpriv
        assert FIRST in group._borne()
        bearer.stdin.close()
    assert set(os.getgroups()) <= group._borne()
