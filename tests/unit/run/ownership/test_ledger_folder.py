"""A folder of ledgers is its reader's own, or nothing in it is read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.cli import main
from lifecycle.run.ownership.ledger import Ledger, LedgerError
from lifecycle.run.ownership.ledger_reader import (
    all_records,
    drop_unfinished,
    read,
)
from tests.unit.run.ownership.conftest import RUN

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
ANOTHER = 54321


NOT_BELIEVED = r"no ledger in .* is read or written"


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o777)


def _open_to_its_group(folder: Path) -> None:
    folder.chmod(0o770)


def _above_open_to_all(folder: Path) -> None:
    folder.parent.chmod(0o777)


def _given(folder: Path) -> None:
    os.chown(folder, ANOTHER, ANOTHER)


def _home_of_another(folder: Path) -> None:
    os.chown(folder.parent.parent, ANOTHER, ANOTHER)


def _through_a_link_of_another(folder: Path) -> None:
    real = folder.with_name("real")
    folder.rename(real)
    folder.symlink_to(real)
    os.chown(folder, ANOTHER, ANOTHER, follow_symlinks=False)


STRANGE = [_open_to_all, _open_to_its_group, _above_open_to_all]
GIVEN = [_given, _home_of_another, _through_a_link_of_another]


@pytest.mark.parametrize("spoil", [*STRANGE, *(pytest.param(g, marks=as_root) for g in GIVEN)])
def test_of_a_folder_that_others_have_a_hand_in_nothing_is_read(
    folder: Path, ledger: Ledger, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(folder)
    monkeypatch.setattr(json, "loads", lambda _: pytest.fail("a line of it was read"))
    for ask in (all_records, drop_unfinished):
        with pytest.raises(LedgerError, match=NOT_BELIEVED):
            ask(folder)
    with pytest.raises(LedgerError, match=NOT_BELIEVED):
        read(ledger.path)
    with pytest.raises(LedgerError, match=NOT_BELIEVED):
        Ledger(folder, "r99999999", "ENGINE", "a")


@as_root
def test_root_with_a_person_s_home_acts_on_nothing_that_they_wrote(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "home"
    victim = tmp_path / "lifecycle-r0123abcd"
    victim.mkdir()
    ledgers = home / "docker-lifecycle" / "ledgers"
    made = Ledger(ledgers, RUN, "ENGINE", "unix:///run/lifecycle-sandbox/gone/docker.sock")
    made.intend("folder", str(victim))
    os.close(made._file)
    for path in (home, made.path):
        os.chown(path, ANOTHER, ANOTHER)
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    assert main(["sweep"]) == 4
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"since others could write one there: {home} belongs to uid {ANOTHER}" in told
    assert "type sudo -H or su -" in told
    assert victim.exists()
    assert made.path.exists()


@as_root
def test_root_makes_no_folder_in_a_person_s_home(folder: Path) -> None:
    home = folder.parent.parent
    os.chown(home, ANOTHER, ANOTHER)
    with pytest.raises(LedgerError):
        Ledger(folder, RUN, "ENGINE", "a")
    assert list(home.iterdir()) == []
