"""A corner of a run's folder is entered by its person alone; what is mounted passes it by."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lifecycle.machine.subject import current_subject, synthetic_subject
from lifecycle.run.session.options import Options
from lifecycle.run.session.people import common_folder, settle
from lifecycle.run.session.person import Person

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
STRANGER = 64321
SECRET = "http://user:s3cret-word@proxy"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A run's own folder, in one that everybody may pass: pytest's own is closed to others."""
    with TemporaryDirectory() as made:
        Path(made).chmod(0o711)
        yield Path(made)


def settled(folder: Path, name: str, uid: int) -> Person:
    here = current_subject()
    subject = synthetic_subject(name, uid, uid, uid, str(folder / name / "home"))
    chosen = subject if os.geteuid() == 0 else replace(here, synthetic=True)
    return settle(chosen, folder / name, Options(), {"LIFECYCLE_LAB": ""}, "unix:///s")


def can(uid: int, *words: str) -> bool:
    done = subprocess.run(words, user=uid, group=uid, extra_groups=[], check=False, cwd="/")
    return done.returncode == 0


def test_a_corner_is_its_persons_and_nobody_elses(folder: Path) -> None:
    person = settled(folder, "me", 64300)
    corner = person.folder.parent
    state = corner.stat()
    assert (state.st_uid, f"{state.st_mode & 0o7777:o}") == (person.subject.uid, "700")
    inside = {path: f"{path.stat().st_mode & 0o7777:o}" for path in corner.iterdir()}
    mounted = {"work", "nas", "home"}
    modes = {path.name: mode for path, mode in inside.items()}
    assert {modes.pop(name) for name in mounted} == {"755"}, "containers of any uid read these"
    assert modes == {"docker": "700", "helpers": "700"}


@needs_root
@pytest.mark.parametrize("where", ["work", "nas", "home"])
def test_no_other_user_of_the_machine_reads_what_is_in_a_corner(folder: Path, where: str) -> None:
    person = settled(folder, "me", 64300)
    file = person.folder.parent / where / "dockerfile"
    file.write_text(SECRET)
    file.chmod(0o644)
    assert can(64300, "cat", str(file))
    assert not can(STRANGER, "cat", str(file))
    assert not can(STRANGER, "ls", str(file.parent))
    assert not can(STRANGER, "ls", str(folder))


@needs_root
def test_one_person_of_a_run_does_not_enter_anothers_corner(folder: Path) -> None:
    (folder / "people").mkdir(mode=0o711)
    minji = settled(folder / "people", "minji", 64300)
    settled(folder / "people", "junho", 64301)
    assert can(64300, "touch", str(minji.folder / "hers"))
    assert not can(64301, "cat", str(minji.folder / "hers"))


@needs_root
def test_what_is_shared_is_shared_by_the_people_of_the_run_alone(folder: Path) -> None:
    people = [settled(folder, name, 64300 + i) for i, name in enumerate(("minji", "junho"))]
    shared = common_folder(folder, people)
    assert can(64300, "touch", str(shared / "hers"))
    assert can(64301, "touch", str(shared / "his"))
    assert can(64301, "cat", str(shared / "hers"))
    assert not can(64301, "rm", "-f", str(shared / "hers"))
    assert not can(STRANGER, "ls", str(shared))
    assert not can(STRANGER, "touch", str(shared / "theirs"))


def test_a_file_system_without_access_lists_shares_with_all_as_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refused)
    shared = common_folder(folder, [])
    assert f"{shared.parent.stat().st_mode & 0o777:o}" == "711"
