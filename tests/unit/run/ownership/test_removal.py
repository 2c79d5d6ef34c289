"""What is removed is proved to be of this run, and what can't be removed is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lifecycle.engine.daemon import EngineError
from lifecycle.machine.this_machine import machine
from lifecycle.run.ownership import removal
from lifecycle.run.ownership.inventory import identity_of
from lifecycle.run.ownership.ledger import Entry
from lifecycle.run.ownership.removal import remove
from tests.fakes.daemon import FakeDaemon


@pytest.fixture
def engine() -> FakeDaemon:
    return FakeDaemon()


def test_a_name_that_anybody_may_use_is_not_removed_without_its_id(engine: FakeDaemon) -> None:
    engine.add("container", "my_test_c")
    check = remove(engine, Entry("container", "my_test_c"), "r1")
    assert check.status == "unverified"
    assert check.source == "left: it is not known to be this run's, and others may use its name"
    assert engine.removed == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("container", "kept"),
        ("image", "unverified"),
        ("network", "kept"),
        ("volume", "unverified"),
    ],
)
def test_a_name_that_went_to_somebody_else_is_not_removed(
    engine: FakeDaemon, kind: Any, status: str
) -> None:
    """What has an id goes by that, and is gone; a tag is a name."""
    engine.add(kind, "shared", "theirs")
    check = remove(engine, Entry(kind, "shared", "ours"), "r1")
    assert check.status == status
    assert engine.removed == []
    if status == "unverified":
        assert check.source == "left: its name belongs to another one now"


@pytest.mark.parametrize("kind", ["container", "image", "network", "volume"])
def test_a_literal_name_of_ours_is_removed_by_its_id(engine: FakeDaemon, kind: Any) -> None:
    made = engine.add(kind, "literal")
    identity = identity_of(engine.things[kind][made])
    check = remove(engine, Entry(kind, "literal", identity), "r1")
    assert check.status == "kept"
    assert engine.removed == ["literal"]


def test_an_image_without_a_name_is_removed_unless_somebody_named_it(engine: FakeDaemon) -> None:
    identity = engine.add("image", "<none>", RepoTags=[])
    entry = Entry("image", identity, identity)
    engine.change("image", identity, RepoTags=["lee/x:latest"])
    assert remove(engine, entry, "r1").source == "left: somebody gave it a name"
    engine.change("image", identity, RepoTags=[])
    assert remove(engine, entry, "r1").status == "kept"
    assert engine.removed == [identity]


def test_a_literal_name_that_is_gone_is_removed(engine: FakeDaemon) -> None:
    assert remove(engine, Entry("image", "debian:bookworm"), "r1").status == "kept"


def test_an_unguessable_name_is_proof_enough(engine: FakeDaemon) -> None:
    engine.add("container", "x-r1")
    assert remove(engine, Entry("container", "x-r1"), "r1").status == "kept"
    assert engine.removed == ["x-r1"]


def test_an_error_of_the_engine_is_a_broken_check(engine: FakeDaemon) -> None:
    engine.add("image", "x-r1")
    engine.refuses["x-r1"] = "conflict: unable to remove x-r1"
    check = remove(engine, Entry("image", "x-r1"), "r1")
    assert (check.status, check.actual) == ("broken", "conflict: unable to remove x-r1")


def test_a_folder_that_stays_is_not_called_removed(tmp_path: Path) -> None:
    folder = tmp_path / "lifecycle-r0123abcd"
    folder.symlink_to(tmp_path)
    check = remove(None, Entry("folder", str(folder)), "r0123abcd")
    assert check.status == "broken"
    assert check.actual == f"{folder}: it is no folder, so it was left"


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("victim", "r0123abcd"),
        ("lifecycle-r0123abcd/../victim", "r0123abcd"),
        ("lifecycle-r99999999", "r0123abcd"),
        ("lifecycle-r0123abcd0", "r0123abcd"),
        ("lifecycle-", ""),
        ("lifecycle-b", "b"),
    ],
)
def test_no_path_goes_that_does_not_bear_the_run_s_own_id(
    tmp_path: Path, kind: Any, name: str, run: str
) -> None:
    (tmp_path / "lifecycle-r0123abcd").mkdir()
    victim = tmp_path / name
    victim.mkdir() if kind == "folder" else victim.touch()
    check = remove(None, Entry(kind, str(victim)), run)
    assert (check.status, check.actual) == ("broken", "left: its name does not bear the run's id")
    assert victim.exists()


def test_this_machine_has_a_name_and_a_boot() -> None:
    assert all(machine().values())
    assert machine() == machine()


def test_a_short_id_is_the_beginning_of_the_thing_s_own(engine: FakeDaemon) -> None:
    made = engine.add("container", "hungry_wing", "1" * 64)
    assert remove(engine, Entry("container", made[:12], made[:12]), "r1").status == "kept"
    assert engine.removed == ["hungry_wing"]


@pytest.mark.parametrize(
    "said",
    [
        "conflict: unable to delete 0 (cannot be forced) - image has dependent child images",
        "conflict: unable to delete 0 - image is being used by stopped container 1",
    ],
)
def test_a_layer_on_which_somebody_s_image_stands_is_left(
    engine: FakeDaemon, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    made = engine.add("image", "<none>", RepoTags=[])

    def refuse(*_: object, **__: object) -> None:
        raise EngineError(said)

    monkeypatch.setattr(engine, "remove_image", refuse)
    check = remove(engine, Entry("image", made, made), "r1")
    assert (check.status, said in check.source) == ("unverified", True)


@pytest.mark.parametrize("ends", [True, False])
def test_a_container_that_somebody_removes_already_is_waited_for(
    engine: FakeDaemon,
    monkeypatch: pytest.MonkeyPatch,
    ends: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(removal, "GOING_LIMIT", 0.2)
    engine.add("container", "x-r1")
    looks: list[str] = []

    def going(_name: str) -> None:
        raise EngineError("removal of container x-r1 is already in progress")

    def look(name: str) -> dict[str, Any] | None:
        looks.append(name)
        return None if ends and len(looks) > 2 else {"Id": "x"}

    monkeypatch.setattr(engine, "remove_container", going)
    monkeypatch.setattr(engine, "container", look)
    check = remove(engine, Entry("container", "x-r1"), "r1")
    assert check.status == ("kept" if ends else "broken")
