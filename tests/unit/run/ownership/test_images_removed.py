"""Images and tags of others are neither removed nor pushed."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.gate.gate import Answer
from tests.unit.run.ownership.fakes import RUN, Run, image_id

A, B, C = (image_id(digit) for digit in "abc")
MINE = f"me/test-{RUN}:latest"
THEIRS = "theirs:latest"


@pytest.fixture
def shared(run: Run) -> Run:
    """An engine with a colleague's tag, an image to make tags of, and a container of ours."""
    run.engine.tag("b", THEIRS)
    run.engine.tag("c", "me/x:latest")
    run.make("container", f"box-{RUN}", "a")
    return run


def tags(run: Run) -> set[tuple[str, str]]:
    return {(name, identity) for kind, name, identity in run.entries if kind == "image"}


@pytest.mark.parametrize("name", ["theirs", THEIRS, B, B[7:], B[7:19], B[7:11]])
def test_an_image_of_others_is_not_removed_by_whatever_name(shared: Run, name: str) -> None:
    call = shared.ask(f"DELETE /images/{name}?force=1")
    assert (call.status, call.relayed) == (403, "")
    assert THEIRS in call.refusal
    shared.ownership._allowed = frozenset({name})
    assert shared.ask(f"DELETE /images/{name}").relayed


@pytest.mark.parametrize("name", [MINE, A, A[7:19], A[7:11]])
def test_an_image_of_ours_is_removed_and_off_the_ledger(shared: Run, name: str) -> None:
    shared.make_image("a", MINE)

    def gone() -> Answer:
        shared.engine.remove("image", A)
        return Answer(200, "[]")

    call = shared.ask(f"DELETE /images/{name}", b"", gone)
    assert call.relayed
    assert tags(shared) == set()


@pytest.mark.parametrize("name", [MINE, A, A[7:19]])
def test_an_image_is_removed_as_a_whole_tag_or_id(shared: Run, name: str) -> None:
    """A tag without its colon may be the beginning of an id as well."""
    shared.make_image("a", MINE)
    path = shared.ask(f"DELETE /images/{name}").relayed
    assert path.partition("?")[0] == f"/v1.41/images/{MINE if name == MINE else A}"


def test_an_image_of_ours_that_somebody_named_goes_by_our_tag_only(shared: Run) -> None:
    shared.make_image("a", MINE)
    shared.engine.tag("a", "lee/x:1")
    assert shared.ask(f"DELETE /images/{A}?force=1").status == 403
    assert shared.ask(f"DELETE /images/{MINE}").relayed


def test_an_image_that_was_there_without_a_tag_is_given_none(run: Run) -> None:
    identity = run.engine.tag("a")
    call = run.ask(f"POST /images/{identity}/tag?repo=me/test&tag=1")
    assert "was there before this run, without a tag: it would go with me/test:1" in call.refusal


@pytest.mark.parametrize("digests", [[], [f"me/test@{image_id('e')}"]])
@pytest.mark.parametrize("others", [[], ["mine/also:1"]])
def test_an_image_that_was_there_without_a_tag_does_not_go_with_ours(
    run: Run, digests: list[str], others: list[str]
) -> None:
    """A build found it in the cache; docker takes the digests of a tag's repository with it."""
    run.engine.tag("a", RepoDigests=digests)
    tags = ["me/test:1", *others]
    for tag in tags:
        run.make_image("a", tag)
    for tag in tags[:1]:
        assert "without a tag" in run.ask(f"DELETE /images/{tag}").refusal
    kept = {e.name: e.kept for e in run.ownership.entries()}
    assert "without a tag, and would go with it" in kept["me/test:1"]


@pytest.mark.parametrize(
    ("tags", "digests"), [(["theirs:1"], []), ([], [f"other/test@{image_id('e')}"])]
)
def test_a_tag_of_ours_goes_from_an_image_that_has_another_name_left(
    run: Run, tags: list[str], digests: list[str]
) -> None:
    identity = run.engine.tag("a", *tags, RepoDigests=digests)
    assert run.ask(f"POST /images/{identity}/tag?repo=me/test&tag=1").relayed
    run.make_image("a", "me/test:1")
    assert [e.kept for e in run.ownership.entries() if e.name == "me/test:1"] == [""]
    assert run.ask("DELETE /images/me/test:1").relayed


def test_an_image_that_is_not_there_is_told_in_the_engine_s_words(shared: Run) -> None:
    for line in ("DELETE /images/none", "POST /images/none/tag?repo=x"):
        call = shared.ask(line)
        assert (call.status, call.refusal) == (404, "No such image: none")


def test_layers_of_others_below_an_image_of_ours_stay(shared: Run) -> None:
    shared.engine.tag("d")
    shared.make_image("a", MINE, Parent=image_id("d"))
    assert "noprune=1" not in shared.ask(f"DELETE /images/{MINE}?noprune=0").relayed
    shared.ownership.before = {**shared.ownership.before, **_layer(shared)}
    assert "noprune=1" in shared.ask(f"DELETE /images/{MINE}?noprune=0").relayed


def _layer(run: Run) -> Any:
    from lifecycle.run.inventory import take

    return {k: t for k, t in take(run.engine).items() if t.state == image_id("d")}  # type: ignore[arg-type]


@pytest.mark.parametrize("line", ["theirs/push", "theirs/push?tag=latest", "theirs:latest/push"])
def test_an_image_of_others_is_not_pushed(shared: Run, line: str) -> None:
    assert THEIRS in shared.ask(f"POST /images/{line}").refusal
    shared.ownership._allowed = frozenset({THEIRS})
    assert shared.ask(f"POST /images/{line}").relayed


def test_a_tag_of_ours_is_pushed_but_not_with_those_of_others_beside_it(shared: Run) -> None:
    shared.make_image("a", "mine:1")
    assert shared.ask("POST /images/mine/push?tag=1").relayed
    assert shared.ask("POST /images/mine/push").relayed
    shared.engine.tag("b", "mine:2")
    assert "mine:2" in shared.ask("POST /images/mine/push").refusal


def test_what_lifts_the_refusal_of_an_image_of_many_tags_can_be_typed(shared: Run) -> None:
    shared.engine.tag("b", "coll/web:1", "jupyter:latest")
    line = f"DELETE /images/{B.removeprefix('sha256:')[:12]}"
    call = shared.ask(line)
    assert f"image {THEIRS}, coll/web:1, jupyter:latest (bbbb" in call.refusal
    word = call.refusal.partition("--allow-foreign ")[2].partition(" lifts this")[0]
    assert " " not in word
    shared.ownership._allowed = frozenset({word})
    assert shared.ask(line).relayed
