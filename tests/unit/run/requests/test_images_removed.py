"""Images and tags of others are neither removed nor pushed."""

from __future__ import annotations

import pytest

from lifecycle.gate.gate import Answer
from lifecycle.run.ownership.inventory import Thing
from tests.unit.run.requests.fakes import RUN, Run, image_id

A, B, C = (image_id(digit) for digit in "abc")
MINE = f"me/test-{RUN}:latest"
THEIRS = "theirs:latest"


@pytest.mark.parametrize("name", ["theirs", THEIRS, B, B[7:], B[7:19], B[7:11]])
def test_an_image_of_others_is_not_removed_by_whatever_name(tagged: Run, name: str) -> None:
    call = tagged.ask(f"DELETE /images/{name}?force=1")
    assert (call.status, call.relayed) == (403, "")
    assert THEIRS in call.refusal
    tagged.ownership._allowed = frozenset({name})
    assert tagged.ask(f"DELETE /images/{name}").relayed


@pytest.mark.parametrize("name", [MINE, A, A[7:19], A[7:11]])
def test_an_image_of_ours_is_removed_and_off_the_ledger(tagged: Run, name: str) -> None:
    tagged.make_image("a", MINE)

    def gone() -> Answer:
        tagged.engine.remove("image", A)
        return Answer(200, "[]")

    call = tagged.ask(f"DELETE /images/{name}", b"", gone)
    assert call.relayed
    assert tagged.tags == set()


@pytest.mark.parametrize("name", [MINE, A, A[7:19]])
def test_an_image_is_removed_as_a_whole_tag_or_id(tagged: Run, name: str) -> None:
    """A tag without its colon may be the beginning of an id as well."""
    tagged.make_image("a", MINE)
    path = tagged.ask(f"DELETE /images/{name}").relayed
    assert path.partition("?")[0] == f"/v1.41/images/{MINE if name == MINE else A}"


def test_an_image_of_ours_that_somebody_named_goes_by_our_tag_only(tagged: Run) -> None:
    tagged.make_image("a", MINE)
    tagged.engine.tag("a", "lee/x:1")
    assert tagged.ask(f"DELETE /images/{A}?force=1").status == 403
    assert tagged.ask(f"DELETE /images/{MINE}").relayed


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


def test_an_image_that_is_not_there_is_told_in_the_engine_s_words(tagged: Run) -> None:
    for line in ("DELETE /images/none", "POST /images/none/tag?repo=x"):
        call = tagged.ask(line)
        assert (call.status, call.refusal) == (404, "No such image: none")


def test_layers_of_others_below_an_image_of_ours_stay(tagged: Run) -> None:
    tagged.engine.tag("d")
    tagged.make_image("a", MINE, Parent=image_id("d"))
    assert "noprune=1" not in tagged.ask(f"DELETE /images/{MINE}?noprune=0").relayed
    tagged.ownership.before = {**tagged.ownership.before, **_layer()}
    assert "noprune=1" in tagged.ask(f"DELETE /images/{MINE}?noprune=0").relayed


def _layer() -> dict[tuple[str, str], Thing]:
    """What was there before: the layer, on which nothing stood yet."""
    return {("image", image_id("d")): Thing("image", image_id("d"), "", image_id("d"))}


@pytest.mark.parametrize("line", ["theirs/push", "theirs/push?tag=latest", "theirs:latest/push"])
def test_an_image_of_others_is_not_pushed(tagged: Run, line: str) -> None:
    assert THEIRS in tagged.ask(f"POST /images/{line}").refusal
    tagged.ownership._allowed = frozenset({THEIRS})
    assert tagged.ask(f"POST /images/{line}").relayed


def test_a_tag_of_ours_is_pushed_but_not_with_those_of_others_beside_it(tagged: Run) -> None:
    tagged.make_image("a", "mine:1")
    assert tagged.ask("POST /images/mine/push?tag=1").relayed
    assert tagged.ask("POST /images/mine/push").relayed
    tagged.engine.tag("b", "mine:2")
    assert "mine:2" in tagged.ask("POST /images/mine/push").refusal


def test_what_lifts_the_refusal_of_an_image_of_many_tags_can_be_typed(tagged: Run) -> None:
    tagged.engine.tag("b", "coll/web:1", "jupyter:latest")
    line = f"DELETE /images/{B.removeprefix('sha256:')[:12]}"
    call = tagged.ask(line)
    assert f"image {THEIRS}, coll/web:1, jupyter:latest (bbbb" in call.refusal
    word = call.refusal.partition("--allow-foreign ")[2].partition(" lifts this")[0]
    assert " " not in word
    tagged.ownership._allowed = frozenset({word})
    assert tagged.ask(line).relayed
