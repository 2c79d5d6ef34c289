"""What somebody else could change is not used, and the refusal says what to type."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import environment
from lifecycle.machine import private_folders
from lifecycle.machine.private_folders import why_unsafe
from lifecycle.report.write import ReportError, choose_directory, write_report
from lifecycle.run.locks import LockError, Locks
from lifecycle.sandbox.cache import user_cache
from lifecycle.sandbox.shell import SandboxError
from tests.unit.report.samples import PASSED, report

ANOTHER = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A safe folder two levels down."""
    made = tmp_path / "upper" / "mine"
    made.mkdir(parents=True)
    return made


def everybodys(folder: Path) -> None:
    folder.chmod(0o777)


def anothers(folder: Path) -> None:
    os.chown(folder, ANOTHER, ANOTHER)


def test_a_folder_of_ones_own_is_safe_and_so_is_one_that_is_not_there(folder: Path) -> None:
    assert why_unsafe(folder) == why_unsafe(folder / "a" / "b") == ""


def test_what_everybody_can_write_is_refused_with_what_to_type(folder: Path) -> None:
    everybodys(folder)
    assert why_unsafe(folder) == f"{folder} can be written by everybody: chmod o-w {folder}"


def test_what_everybody_can_write_is_refused_even_when_it_is_sticky(folder: Path) -> None:
    folder.chmod(0o1777)
    assert "can be written by everybody" in why_unsafe(folder)


def test_a_folder_above_may_be_everybodys_only_when_it_is_sticky(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    assert why_unsafe(folder) == ""
    folder.parent.chmod(0o777)
    assert why_unsafe(folder) == why_unsafe(folder / "new")
    assert why_unsafe(folder).endswith(f"everybody: chmod o-w {folder.parent}")


def test_a_link_to_what_everybody_can_write_is_refused(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert why_unsafe(link) == ""
    folder.parent.chmod(0o777)
    assert str(folder.parent) in why_unsafe(link)


@as_root
@pytest.mark.parametrize("above", [False, True])
def test_what_belongs_to_somebody_else_is_refused(folder: Path, *, above: bool) -> None:
    anothers(folder.parent if above else folder)
    assert why_unsafe(folder).endswith(
        f"belongs to uid {ANOTHER}, not to you: ask uid {ANOTHER}, or an admin"
    )


@as_root
def test_the_group_of_a_person_may_write_only_when_it_is_theirs_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    os.chown(folder, 1234, 1234)
    folder.chmod(0o775)
    assert why_unsafe(folder) == ""
    os.chown(folder, 1234, ANOTHER)
    assert why_unsafe(folder) == f"{folder} can be written by its group: chmod g-w {folder}"


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_what_is_roots_is_not_for_a_person_to_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    folder.chmod(mode)
    os.chown(folder, -1, ANOTHER) if os.geteuid() == 0 else None
    owner = folder.stat().st_uid
    monkeypatch.setattr(private_folders, "_way", lambda *_: [folder])
    monkeypatch.setattr(private_folders, "_is_own_group", lambda _: False)
    assert "chmod" in why_unsafe(folder)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1234)
    said = why_unsafe(folder, within=folder.parent)
    assert "chmod" not in said
    assert said.endswith("an admin")


def test_a_checkout_is_trusted_with_what_is_above_it(folder: Path) -> None:
    folder.parent.parent.chmod(0o777)
    assert why_unsafe(folder / ".nox", within=folder) == ""


@as_root
def test_whoever_has_the_checkout_may_have_made_its_environment(folder: Path) -> None:
    inner = folder / ".nox"
    inner.mkdir()
    anothers(folder)
    anothers(inner)
    assert why_unsafe(inner, within=folder) == ""
    os.chown(inner, ANOTHER + 1, ANOTHER)
    assert f"belongs to uid {ANOTHER + 1}" in why_unsafe(inner, within=folder)


# -- who asks -----------------------------------------------------------------------------------


def test_the_sandbox_takes_no_image_that_another_may_have_put_there(folder: Path) -> None:
    cache = user_cache({"XDG_CACHE_HOME": str(folder)}).folder
    cache.mkdir(parents=True)
    everybodys(cache)
    with pytest.raises(SandboxError, match=f"chmod o-w {cache}, or set XDG_CACHE_HOME"):
        user_cache({"XDG_CACHE_HOME": str(folder)})


def test_no_report_goes_to_the_users_state_where_another_can_change_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    everybodys(folder)
    directory = choose_directory(None, folder / "not-there", "k3x9")
    with pytest.raises(ReportError, match=f"chmod o-w {folder}, or choose another place"):
        write_report(report(*PASSED), directory, str)
    assert list(folder.iterdir()) == []


def test_noxw_runs_no_environment_that_another_may_have_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "is_made", lambda _: True)
    (folder / "pyproject.toml").write_text("project = 1\nbuild-system = 1\n[tool.hatch]\n")
    (folder / "requirements.lock").touch()
    made = environment.ready(folder)
    made.mkdir(parents=True)
    everybodys(made)
    with pytest.raises(environment.NoEnvironmentError, match=f"chmod o-w {made}"):
        environment.ready(folder)


@pytest.mark.parametrize(
    ("mode", "said"), [(0o777, "can remove another's lock: chmod"), (0o1777, "")]
)
def test_the_folder_of_locks_must_be_sticky(folder: Path, mode: int, said: str) -> None:
    folder.chmod(mode)
    locks = Locks("ENGINE", "r1", print, folder)
    try:
        locks.take("port-1")
    except LockError as error:
        assert said and said in str(error)  # noqa: PT018 - both are the claim
    else:
        assert not said
    locks.release()


def test_a_link_in_the_place_of_the_folder_of_locks_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(LockError, match="is no folder: it is yours"):
        Locks("ENGINE", "r1", print, tmp_path / "link").take("port-1")


def test_what_others_wrote_of_a_holder_can_not_move_our_terminal(folder: Path) -> None:
    locks = Locks("ENGINE", "r1", print, folder)
    locks.take("port-1")
    next(folder.iterdir()).write_text("\x1b]0;owned\x07\x1b[2J\nme")
    assert locks.holder("port-1").isprintable()
    locks.release()


def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(folder: Path) -> None:
    locks = Locks("ENGINE", "r1", print, folder)
    os.mkfifo(folder / locks._file("port-1"))
    assert locks.holder("port-1") == "somebody"
