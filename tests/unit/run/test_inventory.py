"""What is left behind and whom we touched, measured by what the engine holds."""

from __future__ import annotations

import pytest

from lifecycle.run.inventory import Inventory, Thing, foreign_touched, key_of, left_behind, take
from tests.unit.run.samples import Engine

KINDS = ("container", "image", "volume", "network")


@pytest.fixture
def engine() -> Engine:
    made = Engine()
    made.add("container", "theirs", State="running")
    made.add("image", "debian:bookworm")
    made.add("volume", "data")
    made.add("network", "bridge")
    return made


def key(engine: Engine, kind: str, name: str) -> tuple[str, str]:
    thing = engine.things[kind][name]
    return key_of(kind, (thing.get("RepoTags") or [name])[0], str(thing.get("Id") or name))


def test_everything_on_the_engine_is_taken_with_the_name_people_use(engine: Engine) -> None:
    engine.add("image", "untagged", RepoTags=["<none>:<none>"])
    engine.add("image", "bare", RepoTags=None)
    found = take(engine.daemon)
    assert {str(t) for t in found.values()} == {
        "container theirs",
        *(f"image {engine.things['image'][n]['Id'][:12]}" for n in ("untagged", "bare")),
        "image debian:bookworm",
        "network bridge",
        "volume data",
    }


def test_an_untouched_engine_is_clean(engine: Engine) -> None:
    before = take(engine.daemon)
    every = set(before)
    assert foreign_touched(before, take(engine.daemon), every) == []
    assert left_behind(before, take(engine.daemon), "r1", every) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_made_and_left_is_known_by_its_name(engine: Engine, kind: str) -> None:
    before = take(engine.daemon)
    engine.add(kind, "x-r1")
    engine.add(kind, "x-r2")  # somebody else's run, at the same time
    assert left_behind(before, take(engine.daemon), "r1", ()) == [f"{kind} x-r1"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_made_and_left_is_known_by_its_id(engine: Engine, kind: str) -> None:
    before = take(engine.daemon)
    engine.add(kind, "as-written")
    made = {key(engine, kind, "as-written")}
    assert left_behind(before, take(engine.daemon), "r1", made) == [f"{kind} as-written"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_others_made_meanwhile_is_not_ours(engine: Engine, kind: str) -> None:
    before = take(engine.daemon)
    engine.add(kind, "new")
    assert left_behind(before, take(engine.daemon), "r1", ()) == []


def test_what_was_there_before_is_not_left_behind(engine: Engine) -> None:
    engine.add("container", "kept-r1")
    before = take(engine.daemon)
    assert left_behind(before, before, "r1", {key(engine, "container", "kept-r1")}) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("container", "theirs"),
        ("image", "debian:bookworm"),
        ("volume", "data"),
        ("network", "bridge"),
    ],
)
def test_a_thing_of_others_that_we_removed_is_told(engine: Engine, kind: str, name: str) -> None:
    before, target = take(engine.daemon), key(engine, kind, name)
    del engine.things[kind][name]
    assert foreign_touched(before, take(engine.daemon), {target}) == [f"{kind} {name} is gone"]
    assert foreign_touched(before, take(engine.daemon), ()) == []  # its owner did that


def test_a_container_of_others_that_we_stopped_is_told(engine: Engine) -> None:
    before, target = take(engine.daemon), key(engine, "container", "theirs")
    engine.things["container"]["theirs"]["State"] = "exited"
    assert foreign_touched(before, take(engine.daemon), {target}) == [
        "container theirs was 'running', is 'exited'"
    ]


def tagged(**tags: str) -> Inventory:
    return {("image", t): Thing("image", t, t, identity) for t, identity in tags.items()}


def test_a_tag_of_others_that_we_moved_is_told() -> None:
    before, after = tagged(theirs="sha256:1"), tagged(theirs="sha256:2")
    assert foreign_touched(before, after, {("image", "theirs")}) == [
        "image theirs was 'sha256:1', is 'sha256:2'"
    ]


def test_another_run_that_removes_its_own_tag_of_the_same_image_is_not_us() -> None:
    before = tagged(another="sha256:1")
    ours = {("image", "ours"), ("image", "sha256:1")}
    assert foreign_touched(before, {}, ours) == []
