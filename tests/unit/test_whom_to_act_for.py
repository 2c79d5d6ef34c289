"""Whom a run acts for is the command line's to say: a mistake there is exit code 4."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.cli import main

Says = Callable[..., str]


@pytest.fixture
def says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Says:
    """What a run says that is refused as this uid; nothing was started."""
    for name in ("LIFECYCLE_SANDBOX", "SUDO_USER", "LIFECYCLE_LAB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("scenario: s\nsteps: [docker ps]\n")

    def refused(*words: str, uid: int) -> str:
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        assert main(["run", "a.yaml", *words]) == 4
        told = capsys.readouterr()
        assert told.out == ""
        assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]
        return told.err

    return refused


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_nobody_of_that_name(says: Says, words: tuple[str, ...]) -> None:
    assert says("--user", "jiwo", *words, uid=0).startswith("no user is named 'jiwo'")
    assert says("--user", "nobody", "--user", "jiwo", *words, uid=0).startswith("no user is named")


def test_root_who_does_not_say_for_whom(says: Says) -> None:
    assert says(uid=0).startswith("you are root, and the guide is for people who are not")


def test_somebody_whom_we_may_not_become(says: Says) -> None:
    assert says("--user", "root", uid=54321).startswith("running as root (uid 0) needs root")


def test_a_dry_run_by_root_needs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    file = tmp_path / "a.yaml"
    file.write_text("scenario: s\nsteps: [docker ps]\n")
    assert main(["run", "--dry-run", str(file)]) == 0
    assert "1. docker ps" in capsys.readouterr().out
