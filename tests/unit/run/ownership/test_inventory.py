"""What is left behind and whom we touched, measured by what the engine holds."""

from __future__ import annotations

import pytest

from lifecycle.run.ownership.inventory import claimed, had_image, key_of, left_behind, take
from tests.unit.run.samples import Engine

KINDS = ("container", "image", "volume", "network")
THEIRS = [
    ("container", "theirs"),
    ("image", "debian:bookworm"),
    ("volume", "data"),
    ("network", "bridge"),
]


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


def key(engine: Engine, kind: str, name: str) -> tuple[str, str]:
    return key_of(kind, name, identity(engine, kind, name))


def test_everything_on_the_engine_is_taken_with_the_name_people_use(engine: Engine) -> None:
    engine.add("image", "untagged", RepoTags=["<none>:<none>"])
    engine.add("image", "bare", RepoTags=None)
    engine.add("image", "two", RepoTags=["a:1", "b:1"])
    found = take(engine.daemon)
    assert {str(t) for t in found.values()} == {
        "container theirs",
        "image debian:bookworm",
        "image a:1",
        "image b:1",
        *(f"image {identity(engine, 'image', n)[:12]}" for n in ("untagged", "bare")),
        "network bridge",
        "volume data",
    }
    assert all(key == (thing.kind, thing.id) for key, thing in found.items())


@pytest.mark.parametrize(("kind", "name"), THEIRS)
def test_a_thing_has_the_key_that_the_ledger_s_words_give_it(
    engine: Engine, kind: str, name: str
) -> None:
    assert key(engine, kind, name) in take(engine.daemon)


def test_an_image_is_known_by_its_id_whatever_its_tag(engine: Engine) -> None:
    before = take(engine.daemon)
    assert had_image(before, identity(engine, "image", "debian:bookworm"))
    assert not had_image(before, identity(engine, "container", "theirs"))
    full = "sha256:" + "ab" * 32
    assert key_of("image", full, full) == ("image", full)


def test_an_untouched_engine_is_clean(engine: Engine) -> None:
    before = take(engine.daemon)
    assert claimed(before, take(engine.daemon), set(before)) == []
    assert left_behind(before, take(engine.daemon), {k: t.id for k, t in before.items()}) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x-r1", "as-written:1"])
def test_what_we_made_and_left_is_known_by_its_id(engine: Engine, kind: str, name: str) -> None:
    before = take(engine.daemon)
    engine.add(kind, name)
    made = {key(engine, kind, name): identity(engine, kind, name)}
    assert left_behind(before, take(engine.daemon), made) == [f"{kind} {name}"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["new", "x-r1", "dbg-x-r1"])
def test_what_others_made_meanwhile_is_not_ours_whatever_its_name(
    engine: Engine, kind: str, name: str
) -> None:
    before = take(engine.daemon)
    engine.add(kind, name)
    assert left_behind(before, take(engine.daemon), {}) == []


@pytest.mark.parametrize("kind", ["container", "image", "network"])
def test_a_name_of_ours_that_somebody_took_since_is_theirs(engine: Engine, kind: str) -> None:
    before = take(engine.daemon)
    engine.add(kind, "shared:1", "f" * 64)
    made = {key_of(kind, "shared:1", "e" * 64): "e" * 64}
    assert left_behind(before, take(engine.daemon), made) == []


def test_a_tag_that_others_gave_to_the_image_we_built_is_not_ours(engine: Engine) -> None:
    before = take(engine.daemon)
    made = engine.add("image", "x-r1:latest", RepoTags=["x-r1:latest", "lee/x:latest"])
    keys = {key_of("image", "x-r1:latest", made): made}
    assert left_behind(before, take(engine.daemon), keys) == ["image x-r1:latest"]


def test_what_was_there_before_is_not_left_behind(engine: Engine) -> None:
    made = engine.add("container", "kept-r1")
    before = take(engine.daemon)
    assert left_behind(before, before, {key(engine, "container", "kept-r1"): made}) == []


@pytest.mark.parametrize(("kind", "name"), THEIRS)
def test_a_thing_of_others_that_we_took_for_ours_and_removed_is_told(
    engine: Engine, kind: str, name: str
) -> None:
    before, target = take(engine.daemon), key(engine, kind, name)
    del engine.things[kind][name]
    assert claimed(before, take(engine.daemon), {target}) == [f"{kind} {name} is gone"]
    assert claimed(before, take(engine.daemon), ()) == []  # its owner did that


def test_a_container_of_others_that_we_stopped_is_told(engine: Engine) -> None:
    before, target = take(engine.daemon), key(engine, "container", "theirs")
    engine.things["container"]["theirs"]["State"] = "exited"
    assert claimed(before, take(engine.daemon), {target}) == [
        "container theirs was 'running', is 'exited'"
    ]


def test_a_tag_of_others_that_we_moved_is_told(engine: Engine) -> None:
    before, target = take(engine.daemon), key(engine, "image", "debian:bookworm")
    engine.things["image"]["debian:bookworm"]["Id"] = "sha256:new"
    (told,) = claimed(before, take(engine.daemon), {target})
    assert told.startswith("image debian:bookworm was 'iiii")
    assert told.endswith("is 'sha256:new'")
