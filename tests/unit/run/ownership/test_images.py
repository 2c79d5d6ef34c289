"""Tags and images: none that was there, or that somebody else made, is moved or removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lifecycle.gate.gate import Answer
from tests.unit.run.ownership.fakes import OURS, RUN, Does, Run, image_id, stream

A, B, C = (image_id(digit) for digit in "abc")
MINE = f"me/test-{RUN}:latest"
THEIRS = "theirs:latest"
MAKES = [
    "POST /images/me%2Fx/tag?repo=theirs",
    "POST /images/me%2Fx/tag?repo=docker.io/library/theirs&tag=latest",
    f"POST /commit?container={OURS}&repo=theirs",
    f"POST /commit?container={OURS}&repo=theirs:old&tag=latest",
    "POST /images/create?fromSrc=-&repo=theirs",
    "POST /images/create?fromSrc=-&repo=theirs&tag=latest",
    "POST /build?t=theirs",
    "POST /build?t=other&t=theirs:latest",
    "POST /build?version=2&t=theirs",
    'POST /build?version=2&outputs=[{"Type":"moby","Attrs":{"name":"x,docker.io/library/theirs"}}]',
    'POST /build?version=2&outputs=[{},{"attrs":{"name":"theirs:latest"}}]',
    'POST /build?outputs=[{"Type":"image","ATTRS":{"name":"theirs"}}]',
]


@pytest.fixture
def shared(run: Run) -> Run:
    """An engine with a colleague's tag, an image to make tags of, and a container of ours."""
    run.engine.tag("b", THEIRS)
    run.engine.tag("c", "me/x:latest")
    run.make("container", f"box-{RUN}", "a")
    return run


def tags(run: Run) -> set[tuple[str, str]]:
    return {(name, identity) for kind, name, identity in run.entries if kind == "image"}


def gives(run: Run, digit: str, *names: str, status: int = 201) -> Does:
    """What the engine does when it makes an image of these tags."""

    def do() -> Answer:
        identity = run.engine.tag(digit, *names)
        return Answer(status, json.dumps({"Id": identity}))

    return do


def says(run: Run, digit: str, names: tuple[str, ...], *said: Any, whole: bool = True) -> Does:
    """The same with an answer that comes as a stream."""

    def do() -> bytes:
        run.engine.tag(digit, *names)
        return stream(*said, whole=whole)

    return do


BUILT: list[Any] = [{"stream": "Step 1/1 : FROM x\n"}, {"aux": {"ID": A}}]
ERROR = {"errorDetail": {"message": "no"}, "error": "no"}


@pytest.mark.parametrize("line", MAKES)
def test_a_tag_that_was_there_is_not_moved(shared: Run, line: str) -> None:
    call = shared.ask(line, b"")
    assert (call.status, call.relayed) == (403, "")
    assert f"image {THEIRS} was there before this run" in call.refusal
    assert f"--allow-foreign {THEIRS} lifts this" in call.refusal
    assert shared.refusals == [call.refusal]


@pytest.mark.parametrize("line", MAKES)
def test_a_tag_that_was_there_moves_with_leave_and_is_not_claimed(shared: Run, line: str) -> None:
    shared.allowed = (THEIRS,)
    shared.ownership._allowed = frozenset({THEIRS})
    call = shared.ask(line, b"", says(shared, "a", (THEIRS,), *BUILT))
    assert call.relayed
    assert THEIRS not in {name for name, _ in tags(shared)}


@pytest.mark.parametrize("line", MAKES)
def test_a_tag_that_somebody_gave_to_an_image_of_ours_is_theirs(shared: Run, line: str) -> None:
    shared.make_image("a", MINE)
    shared.engine.tag("a", THEIRS)
    assert shared.ask(line, b"").status == 403
    assert shared.ask("DELETE /images/theirs").status == 403


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("/images/me%2Fx/tag?repo=new", lambda run: gives(run, "c", "new:latest")),
        (f"/commit?container={OURS}&repo=new", lambda run: gives(run, "a", "new:latest")),
        (
            "/images/create?fromSrc=-&repo=new",
            lambda run: says(run, "a", ("new:latest",), {"status": "Importing"}, {"status": A}),
        ),
        ("/build?t=new", lambda run: says(run, "a", ("new:latest",), *BUILT)),
        ("/build?t=new&version=2", lambda run: says(run, "a", ("new:latest",), *BUILT)),
    ],
)
def test_a_tag_is_on_the_ledger_before_it_is_made_and_with_its_image_after(
    shared: Run, line: str, does: Any
) -> None:
    call = shared.ask(f"POST {line}", b"", does(shared))
    assert ("image", "new:latest") in call.intended
    assert ("new:latest", C if "tag" in line else A) in tags(shared)
    assert call.released


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/images/me%2Fx/tag?repo=new", Answer(500, "{}")),
        (f"/commit?container={OURS}&repo=new", Answer(500, "{}")),
        ("/images/create?fromSrc=-&repo=new", stream(ERROR)),
        ("/images/create?fromSrc=-&repo=new", stream({"message": "no"}, status="500 no")),
        ("/build?t=new", stream(*BUILT, ERROR)),
        ("/build?t=new&version=2", stream(*BUILT, ERROR)),
        ("/images/create?fromImage=new&tag=latest", stream(ERROR)),
    ],
)
def test_a_tag_that_somebody_made_while_ours_failed_is_not_claimed(
    shared: Run, line: str, answer: Any
) -> None:
    def meanwhile() -> Any:
        shared.engine.tag("b", "new:latest")
        return answer

    shared.remove_pulled = True
    call = shared.ask(f"POST {line}", b"", meanwhile)
    assert ("image", "new:latest") in call.intended
    assert tags(shared) == set()


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/images/me%2Fx/tag?repo=new", Answer(0, "")),
        (f"/commit?container={OURS}&repo=new", Answer(0, "")),
        ("/images/create?fromSrc=-&repo=new", stream(whole=False)),
        ("/images/create?fromImage=new&tag=latest", stream(whole=False)),
        ("/build?t=new", stream(whole=False)),
    ],
)
def test_a_tag_that_may_still_be_made_stays_on_the_ledger(
    shared: Run, line: str, answer: Any
) -> None:
    """The engine went away, or the client did, before all was told."""
    shared.ask(f"POST {line}", b"", lambda: answer)
    assert tags(shared) == {("new:latest", "")}


@pytest.mark.parametrize("names", [(), ("lee/x:latest",)], ids=["nameless", "named"])
def test_an_image_that_lost_its_tag_to_a_rebuild_is_ours_unless_it_has_a_name(
    shared: Run, names: tuple[str, ...]
) -> None:
    shared.make_image("b", MINE)
    shared.engine.kinds["image"][B]["RepoTags"] = [MINE, *names]
    before = shared.ownership.before
    shared.ownership.before = {k: t for k, t in before.items() if t.state != B}
    shared.ask(f"POST /build?t={MINE}", b"", says(shared, "a", (MINE,), *BUILT))
    assert (MINE, A) in tags(shared)
    assert ((B, B) in tags(shared)) is not bool(names)


def test_a_tag_of_ours_stays_ours_when_its_rebuild_fails(shared: Run) -> None:
    shared.make_image("a", MINE)
    shared.ask(f"POST /build?t={MINE}", b"", lambda: stream(ERROR))
    assert tags(shared) == {(MINE, A)}


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (f"/commit?container={OURS}", Answer(201, json.dumps({"Id": A}))),
        ("/images/create?fromSrc=-", stream({"status": A})),
        ("/build", stream(*BUILT)),
        ("/build?q=1", stream(*BUILT)),
        ("/build?version=2", stream(*BUILT)),
    ],
)
def test_an_image_without_a_name_is_ours_by_its_id(shared: Run, line: str, answer: Any) -> None:
    def made() -> Any:
        shared.engine.tag("a")
        return answer

    assert tags(shared) == set()
    shared.ask(f"POST {line}", b"", made)
    assert tags(shared) == {(A, A)}


@pytest.mark.parametrize(
    "said",
    [
        {"stream": f"{C}\n"},
        {"stream": 'Step 1/1 : RUN x\n{"aux":{"ID":"' + C + '"}}\n'},
        {"stream": "Successfully built cccccccccccc\n"},
        {"status": C},
    ],
)
def test_what_a_build_prints_is_not_taken_for_its_image(shared: Run, said: Any) -> None:
    shared.engine.tag("c")
    before = shared.ownership.before
    shared.ownership.before = {k: t for k, t in before.items() if t.state != C}
    shared.ask("POST /build", b"", lambda: stream(said))
    assert tags(shared) == set()


def test_the_base_of_a_build_is_not_pulled_anew_and_that_is_said(shared: Run) -> None:
    call = shared.ask("POST /build?pull=1&t=new&q=", b"")
    assert "pull=" not in call.relayed
    (note,) = shared.ownership.settle()[1]
    assert note.status == "unverified"
    assert "pull" not in shared.ask("POST /build?pull=0&t=new2").refusal


def test_a_base_that_a_build_pulled_is_kept_on_purpose(shared: Run) -> None:
    said = {"status": "Status: Downloaded newer image for base:1"}
    shared.ask("POST /build?t=new", b"", says(shared, "a", ("base:1",), said, *BUILT))
    kept = {e.name: bool(e.kept) for e in shared.ownership.entries()}
    assert kept["base:1"]


def test_a_quiet_build_claims_nothing_that_was_there(run: Run) -> None:
    run.engine.tag("b", THEIRS)
    run.engine.tag("e", Parent=B)

    def does() -> bytes:
        run.engine.tag("f", MINE, Parent=image_id("e"))
        return stream({"stream": f"{image_id('f')}\n"})

    run.ask(f"POST /build?q=1&t={MINE}", does=does)
    assert tags(run) == {(MINE, image_id("f"))}


@pytest.mark.parametrize("mode", ["container:theirs", "labnet"])
def test_a_build_joins_nothing_of_others(shared: Run, mode: str) -> None:
    shared.engine.add("container", "theirs", "b")
    shared.engine.add("network", "labnet", "b")
    call = shared.ask(f"POST /build?networkmode={mode}")
    assert (call.status, call.relayed) == (403, "")


@pytest.mark.parametrize("name", ["no such", "UPPER", "a:b:c"])
def test_a_name_that_no_image_can_have_is_refused_in_a_sentence(shared: Run, name: str) -> None:
    call = shared.ask(f"POST /build?t={name.replace(' ', '%20')}")
    assert (call.status, call.relayed) == (403, "")
    assert "invalid image name" in call.refusal or "lowercase" in call.refusal


@pytest.mark.parametrize(
    "line",
    [
        "POST /images/create?fromImage=a%3Bfrom=b",
        "POST /images/create?fromImage=UP&tag=1",
        "POST /images/a%3Bb/push",
        "POST /images/me%2Fx/tag?repo=a%3Bb",
        "POST /commit?container=box-RUN&repo=a%20b",
    ],
)
def test_a_name_that_can_t_be_is_no_fault_of_ours(shared: Run, line: str) -> None:
    call = shared.ask(line.replace("RUN", RUN))
    assert (call.status in {400, 403}, call.relayed) == (True, "")
    assert "fault" not in call.refusal


@pytest.mark.parametrize(
    "outputs", ["{", "{}", "[1]", '[{"Attrs":[]}]', '[{"Attrs":1}]', '[{"Attrs":{},"attrs":{}}]']
)
def test_where_a_build_goes_that_can_t_be_read_is_refused(shared: Run, outputs: str) -> None:
    call = shared.ask(f"POST /build?version=2&outputs={outputs}")
    assert (call.status, call.relayed) == (400, "")


def test_a_tag_that_its_owner_moves_while_our_build_runs_is_theirs(shared: Run) -> None:
    def moves() -> bytes:
        shared.engine.tag("a", THEIRS)
        return stream()

    shared.ask("POST /build?t=mine/x", b"", moves)
    shared.ownership.settle()
    assert shared.ownership.moved == []


# -- removing and pushing ------------------------------------------------------------


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
