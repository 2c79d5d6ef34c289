"""What is left behind and whom we touched, measured by what the engine holds."""

from __future__ import annotations

import pytest

from lifecycle.run.ownership.inventory import claimed, had_image, key_of, left_behind, take
from tests.fakes.daemon import FakeDaemon

KINDS = ("container", "image", "volume", "network")
THEIRS = [
    ("container", "theirs"),
    ("image", "debian:bookworm"),
    ("volume", "data"),
    ("network", "bridge"),
]


@pytest.fixture
def engine() -> FakeDaemon:
    made = FakeDaemon(networks=())
    made.add("container", "theirs", State={"Status": "running"})
    made.add("image", "debian:bookworm")
    made.add("volume", "data")
    made.add("network", "bridge")
    return made


def identity(engine: FakeDaemon, kind: str, name: str) -> str:
    thing = engine.there(kind, name)
    return str(thing.get("Id") or thing["Name"])


def key(engine: FakeDaemon, kind: str, name: str) -> tuple[str, str]:
    return key_of(kind, name, identity(engine, kind, name))


def test_everything_on_the_engine_is_taken_with_the_name_people_use(engine: FakeDaemon) -> None:
    old = engine.add("image", "", f"sha256:{'1' * 64}", RepoTags=["<none>:<none>"])
    bare = engine.add("image", "", f"sha256:{'2' * 64}", RepoTags=[])
    engine.add("image", "", RepoTags=["a:1", "b:1"])
    found = take(engine)
    assert {str(t) for t in found.values()} == {
        "container theirs",
        "image debian:bookworm",
        "image a:1",
        "image b:1",
        f"image {old[:12]}",
        f"image {bare[:12]}",
        "network bridge",
        "volume data",
    }
    assert all(key == (thing.kind, thing.id) for key, thing in found.items())


@pytest.mark.parametrize(("kind", "name"), THEIRS)
def test_a_thing_has_the_key_that_the_ledger_s_words_give_it(
    engine: FakeDaemon, kind: str, name: str
) -> None:
    assert key(engine, kind, name) in take(engine)


def test_an_image_is_known_by_its_id_whatever_its_tag(engine: FakeDaemon) -> None:
    before = take(engine)
    assert had_image(before, identity(engine, "image", "debian:bookworm"))
    assert not had_image(before, identity(engine, "container", "theirs"))
    full = "sha256:" + "ab" * 32
    assert key_of("image", full, full) == ("image", full)


def test_an_untouched_engine_is_clean(engine: FakeDaemon) -> None:
    before = take(engine)
    assert claimed(before, take(engine), set(before)) == []
    assert left_behind(before, take(engine), {k: t.id for k, t in before.items()}) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x-r1", "as-written:1"])
def test_what_we_made_and_left_is_known_by_its_id(engine: FakeDaemon, kind: str, name: str) -> None:
    before = take(engine)
    engine.add(kind, name)
    made = {key(engine, kind, name): identity(engine, kind, name)}
    assert left_behind(before, take(engine), made) == [f"{kind} {name}"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["new", "x-r1", "dbg-x-r1"])
def test_what_others_made_meanwhile_is_not_ours_whatever_its_name(
    engine: FakeDaemon, kind: str, name: str
) -> None:
    before = take(engine)
    engine.add(kind, name)
    assert left_behind(before, take(engine), {}) == []


@pytest.mark.parametrize("kind", ["container", "image", "network"])
def test_a_name_of_ours_that_somebody_took_since_is_theirs(engine: FakeDaemon, kind: str) -> None:
    before = take(engine)
    engine.add(kind, "shared:1", "f" * 64)
    made = {key_of(kind, "shared:1", "e" * 64): "e" * 64}
    assert left_behind(before, take(engine), made) == []


def test_a_tag_that_others_gave_to_the_image_we_built_is_not_ours(engine: FakeDaemon) -> None:
    before = take(engine)
    made = engine.add("image", "x-r1:latest", RepoTags=["x-r1:latest", "lee/x:latest"])
    keys = {key_of("image", "x-r1:latest", made): made}
    assert left_behind(before, take(engine), keys) == ["image x-r1:latest"]


def test_what_was_there_before_is_not_left_behind(engine: FakeDaemon) -> None:
    made = engine.add("container", "kept-r1")
    before = take(engine)
    assert left_behind(before, before, {key(engine, "container", "kept-r1"): made}) == []


@pytest.mark.parametrize(("kind", "name"), THEIRS)
def test_a_thing_of_others_that_we_took_for_ours_and_removed_is_told(
    engine: FakeDaemon, kind: str, name: str
) -> None:
    before, target = take(engine), key(engine, kind, name)
    del engine.things[kind][identity(engine, kind, name)]
    assert claimed(before, take(engine), {target}) == [f"{kind} {name} is gone"]
    assert claimed(before, take(engine), ()) == []  # its owner did that


def test_a_container_of_others_that_we_stopped_is_told(engine: FakeDaemon) -> None:
    before, target = take(engine), key(engine, "container", "theirs")
    engine.change("container", "theirs", State={"Status": "exited"})
    assert claimed(before, take(engine), {target}) == [
        "container theirs was 'running', is 'exited'"
    ]


def test_a_tag_of_others_that_we_moved_is_told(engine: FakeDaemon) -> None:
    before, target = take(engine), key(engine, "image", "debian:bookworm")
    was = identity(engine, "image", "debian:bookworm")
    now = engine.make_image("debian:bookworm")
    assert claimed(before, take(engine), {target}) == [
        f"image debian:bookworm was {was!r}, is {now!r}"
    ]
