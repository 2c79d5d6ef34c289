"""A file of the work folder, written whole, and nothing outside of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lifecycle.run.outcome import StepResult
from tests.fakes.world import FakeWorld


def written(world: FakeWorld, step: str, *, before: Any = None) -> StepResult:
    """The result of a write step; ``before`` does something in the work folder first."""
    live = world.run(f"  - docker ps\n  - {{write: {step}}}\n")
    live.step(0)
    if before:
        before(world.session.folder)
    return live.step(1)


def test_what_was_written_is_looked_at(world: FakeWorld) -> None:
    result = written(world, "a/b.txt, content: 'two words', mode: '0640'")
    (check,) = result.checks
    assert (check.about, check.status, check.source) == (
        *("write a/b.txt", "kept", "stat on this machine"),
    )
    assert check.expected == {"owner": os.geteuid(), "mode": "0640", "bytes": 9}
    assert check.actual == check.expected
    assert (world.session.folder / "a/b.txt").read_text() == "two words"
    assert (result.ran, result.command) == (True, "write: a/b.txt")


def test_without_a_mode_everybody_may_read_it(world: FakeWorld) -> None:
    (check,) = written(world, "a, content: x").checks
    assert check.actual == {"owner": os.geteuid(), "mode": "0644", "bytes": 1}


def test_bytes_are_counted_not_characters(world: FakeWorld) -> None:
    (check,) = written(world, "a, content: 한").checks
    assert check.status == "kept"
    assert (world.session.folder / "a").read_bytes() == "한".encode()


def test_a_longer_file_is_written_anew(world: FakeWorld) -> None:
    written(world, "a, content: x", before=lambda f: (f / "a").write_text("long text"))
    assert (world.session.folder / "a").read_text() == "x"


def link(folder: Path) -> None:
    (folder / "a").symlink_to("/etc/passwd")


def linked_folder(folder: Path) -> None:
    (folder / "b").symlink_to("/tmp")


def hard(folder: Path) -> None:
    (folder / "other").write_text("theirs")
    os.link(folder / "other", folder / "a")


def folder_in_the_way(folder: Path) -> None:
    (folder / "a").mkdir()


def file_in_the_way(folder: Path) -> None:
    (folder / "b").write_text("x")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "a")


@pytest.mark.parametrize(
    ("before", "name", "told"),
    [
        (link, "a", "a is a link, which a write does not follow"),
        (linked_folder, "b/c", "b is a link, which a write does not follow"),
        (hard, "a", "the file has another name, perhaps outside the work folder"),
        (folder_in_the_way, "a", "Is a directory"),
        (file_in_the_way, "b/c", "b is there, and no regular file"),
        (pipe, "a", "a is there, and no regular file"),
    ],
)
def test_what_is_in_the_way_is_told_and_stays(
    world: FakeWorld, before: Any, name: str, told: str
) -> None:
    if before is file_in_the_way:
        told = "Not a directory"
    result = written(world, f"{name}, content: mine", before=before)
    (check,) = result.checks
    assert (check.about, check.expected, check.status) == (f"write {name}", "written", "broken")
    assert (check.actual, check.source) == (told, "this machine")
    assert result.ran
    if before is hard:
        assert (world.session.folder / "other").read_text() == "theirs"
