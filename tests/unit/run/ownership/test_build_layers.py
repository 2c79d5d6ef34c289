"""What a build made without a name is known by what the engine keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lifecycle.run.ownership.build_layers import above_others, left_over
from lifecycle.run.ownership.ledger import Begun, Entry
from tests.fakes.daemon import FakeDaemon

BASE, A, B, C = (f"sha256:{digit * 64}" for digit in "0abc")


class Layers(FakeDaemon):
    """An engine with a chain of images."""

    def chain(self, *links: tuple[str, str, str, float], tags: tuple[str, ...] = ()) -> None:
        """Each has an id, a parent, the container that it was, and a second."""
        for identity, parent, container, second in links:
            self.add(
                "image",
                identity,
                identity,
                RepoTags=list(tags) if identity == links[-1][0] else [],
                Parent=parent,
                Container=container,
                Created=f"2026-01-01T00:00:{second:012.9f}Z",
                ContainerConfig={"Cmd": ["/bin/sh", "-c", "#(nop) ", f"LABEL at={second}"]},
            )


@pytest.fixture
def engine() -> Layers:
    return Layers()


OURS = [Entry("container", "1" * 12, "1" * 12)]


def found(engine: Layers, entries: list[Entry]) -> list[str]:
    return [e.name for e in left_over(engine, entries)]


def test_an_image_that_a_container_of_ours_became_is_ours(engine: Layers) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "1" * 64, 9))
    assert found(engine, OURS) == [A]


def test_an_image_that_the_builder_named_is_ours(engine: Layers) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "", 9))
    assert found(engine, [Entry("image", "a" * 12, "a" * 12)]) == [A]


def test_what_was_made_on_ours_at_once_is_ours_the_oldest_first(engine: Layers) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "1" * 64, 9), (B, A, "2" * 64, 9.5), (C, B, "", 11))
    assert found(engine, OURS) == [A, B, C]


def test_what_was_made_on_ours_later_is_somebody_else_s(engine: Layers) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "1" * 64, 9), (B, A, "2" * 64, 20))
    assert found(engine, OURS) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda engine: engine.things["image"][A].update(RepoTags=["lee/x:1"]),
        lambda engine: engine.things["image"][B].update(RepoTags=["lee/x:1"]),
    ],
    ids=["ours", "the one on it"],
)
def test_an_image_that_somebody_named_ends_the_chain(
    engine: Layers, change: Callable[[FakeDaemon], None]
) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "1" * 64, 9), (B, A, "2" * 64, 9.5))
    change(engine)
    assert found(engine, OURS) == []


def test_a_chain_without_anything_of_ours_is_left(engine: Layers) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "2" * 64, 1), (B, A, "3" * 64, 1))
    assert found(engine, OURS) == []
    assert found(engine, []) == []


NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
STAGE = ("debian:12", 'LABEL "at"=9', "LABEL at 9.5", "LABEL at=20")


@pytest.mark.parametrize(
    ("stage", "at", "until", "whose"),
    [
        (STAGE, 8, 10, [A, B]),
        (STAGE[:2], 8, 10, [A, B]),
        (("debian:11", *STAGE[1:]), 8, 10, []),
        (("debian:12", "LABEL at=8", STAGE[2]), 8, 10, []),
        (("debian:12", STAGE[2]), 8, 10, []),
        (STAGE, 9.7, 10, []),
        (STAGE, 9.2, 10, [B]),
        (STAGE, 8, 8.5, []),
    ],
    ids=[
        "ours",
        "its first, and one made at once on that",
        "on another base",
        "after another step",
        "without the step before it",
        "made before",
        "on one made before",
        "made after",
    ],
)
def test_a_layer_that_nobody_read_of_is_known_by_its_base_its_steps_and_its_moment(
    engine: Layers, stage: tuple[str, ...], at: float, until: float, whose: list[str]
) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "1" * 64, 9), (B, A, "2" * 64, 9.5))
    engine.things["image"][BASE].update(RepoTags=["debian:12"])
    begun = Begun(NEW_YEAR + at, (stage,))
    found = left_over(engine, [], [begun], NEW_YEAR + until)
    assert [e.name for e in found] == whose


@pytest.mark.parametrize(
    ("changed", "at", "is_ours"),
    [
        ({}, 8, True),
        ({"State": {"Running": True}}, 8, False),
        ({"Config": {"Cmd": ["/bin/sh", "-c", "echo theirs"]}}, 8, False),
        ({"Config": {"Cmd": None}}, 8, False),
        ({"Image": BASE}, 8, False),
        ({"Image": C}, 8, False),
        ({}, 9.7, False),
    ],
    ids=["ours", "it runs", "another command", "none", "another step", "no image", "made before"],
)
def test_a_container_of_the_step_at_which_a_build_was_cut_short_is_known_by_it(
    engine: Layers, changed: dict[str, Any], at: float, *, is_ours: bool
) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "1" * 64, 9))
    engine.things["image"][BASE].update(RepoTags=["debian:12"])
    made: dict[str, Any] = {
        "Image": A,
        "Created": "2026-01-01T00:00:09.500000000Z",
        "State": {"Running": False},
        "Config": {"Cmd": ["/bin/sh", "-c", "echo 'a b' && true"]},
    }
    identity = engine.add("container", "angry_lederberg", **{**made, **changed})
    begun = Begun(NEW_YEAR + at, ((*STAGE[:2], "echo 'a b'  && true"),))
    left = left_over(engine, [], [begun], NEW_YEAR + 10)
    assert [e.id for e in left if e.kind == "container"] == ([identity] if is_ours else [])
    # What a build of ours did not leave is not looked for.
    assert not [e for e in left_over(engine, OURS) if e.kind == "container"]


@pytest.mark.parametrize(
    ("theirs", "own"),
    [(A, [B]), (B, []), (None, None)],
    ids=["two below", "just below", "nobody's"],
)
def test_what_an_image_has_of_its_own_above_a_layer_of_others_is_told(
    engine: Layers, theirs: str | None, own: list[str] | None
) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "", 1), (B, A, "", 2), (C, B, "", 3), tags=("x:1",))
    found = above_others(engine, C, lambda seen: seen["Id"] == theirs)
    assert (None if found is None else [e.name for e in found]) == own
