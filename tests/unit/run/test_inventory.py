"""What is left behind and whom we touched, measured by what the engine holds."""

from __future__ import annotations

import pytest

from lifecycle.run.inventory import Inventory, Thing, foreign_touched, left_behind, take
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


def identity(engine: Engine, kind: str, name: str) -> str:
    thing = engine.things[kind][name]
    return str(thing.get("Id") or thing["Name"])


def test_everything_on_the_engine_is_taken_with_the_name_people_use(engine: Engine) -> None:
    engine.add("image", "untagged", RepoTags=["<none>:<none>"])
    engine.add("image", "bare", RepoTags=None)
    found = take(engine.daemon)
    assert {str(t) for t in found.values()} == {
        "container theirs",
        *(f"image {identity(engine, 'image', n)[:12]}" for n in ("untagged", "bare")),
        "image debian:bookworm",
        "network bridge",
        "volume data",
    }


def test_an_untouched_engine_is_clean(engine: Engine) -> None:
    before = take(engine.daemon)
    every = {key[1] for key in before}
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
    ids = {identity(engine, kind, "as-written")}
    assert left_behind(before, take(engine.daemon), "r1", ids) == [f"{kind} as-written"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_others_made_meanwhile_is_not_ours(engine: Engine, kind: str) -> None:
    before = take(engine.daemon)
    engine.add(kind, "new")
    assert left_behind(before, take(engine.daemon), "r1", ()) == []


def test_what_was_there_before_is_not_left_behind(engine: Engine) -> None:
    engine.add("container", "kept-r1")
    before = take(engine.daemon)
    assert left_behind(before, before, "r1", {identity(engine, "container", "kept-r1")}) == []


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
    before, target = take(engine.daemon), identity(engine, kind, name)
    del engine.things[kind][name]
    assert foreign_touched(before, take(engine.daemon), {target}) == [f"{kind} {name} is gone"]
    assert foreign_touched(before, take(engine.daemon), ()) == []  # its owner did that


def test_a_container_of_others_that_we_stopped_is_told(engine: Engine) -> None:
    before, target = take(engine.daemon), identity(engine, "container", "theirs")
    engine.things["container"]["theirs"]["State"] = "exited"
    assert foreign_touched(before, take(engine.daemon), {target}) == [
        "container theirs was 'running', is 'exited'"
    ]


def test_a_tag_of_others_that_we_moved_is_told() -> None:
    def tagged(*tags: str) -> Inventory:
        thing = Thing("image", "sha256:1", ", ".join(tags), " ".join(tags))
        return {("image", "sha256:1"): thing}

    assert foreign_touched(tagged("a:1", "b:1"), tagged("b:1"), {"sha256:1"}) == [
        "image a:1, b:1 was 'a:1 b:1', is 'b:1'"
    ]
