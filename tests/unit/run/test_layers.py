"""What a build made without a name is known by the builder's words and the engine's records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lifecycle.run.inventory import take
from lifecycle.run.layers import BuildOutput, above_others, left_over, was_there
from lifecycle.run.ledger import Entry
from lifecycle.run.ledger_reader import Begun
from tests.unit.run.samples import Engine

BASE, A, B, C = (f"sha256:{digit * 64}" for digit in "0abc")
BUILT = """\
Step 1/4 : FROM debian:bookworm
 ---> 000000000000
Step 2/4 : RUN true
 ---> Using cache
 ---> aaaaaaaaaaaa
Step 3/4 : RUN echo hello
 ---> Running in 111111111111
hello
Removing intermediate container 111111111111
 ---> bbbbbbbbbbbb
Step 4/4 : COPY x /x
 ---> cccccccccccc
Successfully built cccccccccccc
"""


def noted(*pieces: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    output = BuildOutput(lambda kind, short: found.append((kind, short)))
    for piece in pieces:
        output(piece.encode())
    return found


def test_a_container_and_each_image_that_was_not_there_is_noted() -> None:
    made = [("container", "1" * 12), ("image", "b" * 12), ("image", "c" * 12)]
    assert noted(BUILT) == made
    assert noted(BUILT.replace("\n", "\r\n")) == made
    assert noted(BUILT.replace("Removing", " ---> Removed")) == made


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_output_may_come_in_pieces(size: int) -> None:
    pieces = [BUILT[at : at + size] for at in range(0, len(BUILT), size)]
    assert noted(*pieces) == noted(BUILT)


def test_a_container_is_noted_as_soon_as_its_line_is_there() -> None:
    assert noted("Step 1/1 : RUN x\n ---> Running in 111111111111\n") == [("container", "1" * 12)]


@pytest.mark.parametrize(
    "printed", [" ---> dddddddddddd", " ---> Running in dddddddddddd", "Step 9/9 : RUN x"]
)
def test_what_a_program_prints_in_the_builder_s_words_is_not_the_builder_s(printed: str) -> None:
    assert noted(BUILT.replace("hello\n", f"{printed}\n")) == noted(BUILT)


def test_a_line_without_an_end_is_not_kept_whole() -> None:
    output = BuildOutput(lambda *_: None)
    for _ in range(100):
        output(b"x" * 65536)
    assert len(output._rest) < 2 * 65536


@pytest.mark.parametrize(
    ("kind", "short", "there"),
    [
        ("image", "a" * 12, True),
        ("image", "1" * 12, False),
        ("container", "1" * 12, True),
        ("container", "a" * 12, False),
    ],
)
def test_what_was_there_before_is_known_by_its_short_id(
    kind: Any,
    short: str,
    there: bool,  # noqa: FBT001
) -> None:
    engine = Engine()
    engine.add("image", "x", A)
    engine.add("container", "y", "1" * 64)
    assert was_there(take(engine.daemon), kind, short) is there


class Layers(Engine):
    """An engine with a chain of images, of which it lists the ends only."""

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

    def images(self) -> list[dict[str, Any]]:
        things = self.things["image"].values()
        parents = {t.get("Parent") for t in things}
        return [dict(t) for t in things if t["Id"] not in parents]


@pytest.fixture
def engine() -> Layers:
    return Layers()


OURS = [Entry("container", "1" * 12, "1" * 12)]


def found(engine: Layers, entries: list[Entry]) -> list[str]:
    return [e.name for e in left_over(engine.daemon, entries)]


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
    engine: Layers, change: Callable[[Engine], None]
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
    found = left_over(engine.daemon, [], [begun], NEW_YEAR + until)
    assert [e.name for e in found] == whose


@pytest.mark.parametrize(
    ("theirs", "own"),
    [(A, [B]), (B, []), (None, None)],
    ids=["two below", "just below", "nobody's"],
)
def test_what_an_image_has_of_its_own_above_a_layer_of_others_is_told(
    engine: Layers, theirs: str | None, own: list[str] | None
) -> None:
    engine.chain((BASE, "", "", 0), (A, BASE, "", 1), (B, A, "", 2), (C, B, "", 3), tags=("x:1",))
    found = above_others(engine.daemon, C, lambda seen: seen["Id"] == theirs)
    assert (None if found is None else [e.name for e in found]) == own
