"""Files of this machine that we may not see, and the person may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.checks.host import remove, state_of, text_of
from lifecycle.engine.subject import current_subject

ME = current_subject()


@pytest.fixture
def squashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that this process is refused, as root is on a NAS; what it runs is not."""
    path = tmp_path / "mine"
    path.write_text("hello")
    path.chmod(0o640)

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    for does in ("stat", "open", "unlink"):
        monkeypatch.setattr(Path, does, refused)
    return path


def test_the_person_is_asked_for_what_we_may_not_see(squashed: Path) -> None:
    state = state_of(squashed, ME)
    assert state
    assert (state.uid, state.gid, state.mode, state.is_file) == (ME.uid, ME.gid, "640", True)
    assert text_of(squashed, ME) == "hello"


def test_the_person_removes_what_we_may_not(
    squashed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert remove(squashed, ME)
    monkeypatch.undo()
    assert not squashed.exists()


def test_what_neither_may_see_is_not_there(squashed: Path) -> None:
    other = squashed.parent / "other"
    assert state_of(other, ME) is None
    assert text_of(other, ME) is None


@pytest.mark.parametrize("look", [state_of, text_of])
def test_what_does_not_exist_needs_nobody_asked(
    look: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: Any) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr("lifecycle.checks.host.as_person", ask)
    assert look(tmp_path / "missing", ME) is None


def test_a_file_that_is_gone_already_is_removed(tmp_path: Path) -> None:
    assert remove(tmp_path / "missing", ME)


def test_a_folder_is_no_file_to_remove(tmp_path: Path) -> None:
    assert not remove(tmp_path, ME)
    assert tmp_path.exists()
