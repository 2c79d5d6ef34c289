"""Tags and images: none that was there, or that somebody else made, is moved or removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lifecycle.gate.gate import Answer
from tests.fakes.gate import stream
from tests.unit.run.requests.fakes import OURS, RUN, Does, Run, image_id

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
def test_a_tag_that_was_there_is_not_moved(tagged: Run, line: str) -> None:
    call = tagged.ask(line, b"")
    assert (call.status, call.relayed) == (403, "")
    assert f"image {THEIRS} was there before this run" in call.refusal
    assert f"--allow-foreign {THEIRS} lifts this" in call.refusal
    assert tagged.refusals == [call.refusal]


@pytest.mark.parametrize("line", MAKES)
def test_a_tag_that_was_there_moves_with_leave_and_is_not_claimed(tagged: Run, line: str) -> None:
    tagged.allowed = (THEIRS,)
    tagged.ownership._allowed = frozenset({THEIRS})
    call = tagged.ask(line, b"", says(tagged, "a", (THEIRS,), *BUILT))
    assert call.relayed
    assert THEIRS not in {name for name, _ in tagged.tags}


@pytest.mark.parametrize("line", MAKES)
def test_a_tag_that_somebody_gave_to_an_image_of_ours_is_theirs(tagged: Run, line: str) -> None:
    tagged.make_image("a", MINE)
    tagged.engine.tag("a", THEIRS)
    assert tagged.ask(line, b"").status == 403
    assert tagged.ask("DELETE /images/theirs").status == 403


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
    tagged: Run, line: str, does: Any
) -> None:
    call = tagged.ask(f"POST {line}", b"", does(tagged))
    assert ("image", "new:latest") in call.intended
    assert ("new:latest", C if "tag" in line else A) in tagged.tags
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
    tagged: Run, line: str, answer: Any
) -> None:
    def meanwhile() -> Any:
        tagged.engine.tag("b", "new:latest")
        return answer

    tagged.remove_pulled = True
    call = tagged.ask(f"POST {line}", b"", meanwhile)
    assert ("image", "new:latest") in call.intended
    assert tagged.tags == set()


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
    tagged: Run, line: str, answer: Any
) -> None:
    """The engine went away, or the client did, before all was told."""
    tagged.ask(f"POST {line}", b"", lambda: answer)
    assert tagged.tags == {("new:latest", "")}


@pytest.mark.parametrize("names", [(), ("lee/x:latest",)], ids=["nameless", "named"])
def test_an_image_that_lost_its_tag_to_a_rebuild_is_ours_unless_it_has_a_name(
    tagged: Run, names: tuple[str, ...]
) -> None:
    tagged.make_image("b", MINE)
    tagged.engine.things["image"][B]["RepoTags"] = [MINE, *names]
    before = tagged.ownership.before
    tagged.ownership.before = {k: t for k, t in before.items() if t.state != B}
    tagged.ask(f"POST /build?t={MINE}", b"", says(tagged, "a", (MINE,), *BUILT))
    assert (MINE, A) in tagged.tags
    assert ((B, B) in tagged.tags) is not bool(names)


def test_a_tag_of_ours_stays_ours_when_its_rebuild_fails(tagged: Run) -> None:
    tagged.make_image("a", MINE)
    tagged.ask(f"POST /build?t={MINE}", b"", lambda: stream(ERROR))
    assert tagged.tags == {(MINE, A)}


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
def test_an_image_without_a_name_is_ours_by_its_id(tagged: Run, line: str, answer: Any) -> None:
    def made() -> Any:
        tagged.engine.tag("a")
        return answer

    assert tagged.tags == set()
    tagged.ask(f"POST {line}", b"", made)
    assert tagged.tags == {(A, A)}


@pytest.mark.parametrize(
    "said",
    [
        {"stream": f"{C}\n"},
        {"stream": 'Step 1/1 : RUN x\n{"aux":{"ID":"' + C + '"}}\n'},
        {"stream": "Successfully built cccccccccccc\n"},
        {"status": C},
    ],
)
def test_what_a_build_prints_is_not_taken_for_its_image(tagged: Run, said: Any) -> None:
    tagged.engine.tag("c")
    before = tagged.ownership.before
    tagged.ownership.before = {k: t for k, t in before.items() if t.state != C}
    tagged.ask("POST /build", b"", lambda: stream(said))
    assert tagged.tags == set()


def test_the_base_of_a_build_is_not_pulled_anew_and_that_is_said(tagged: Run) -> None:
    call = tagged.ask("POST /build?pull=1&t=new&q=", b"")
    assert "pull=" not in call.relayed
    (note,) = tagged.ownership.settle()[1]
    assert note.status == "unverified"
    assert "pull" not in tagged.ask("POST /build?pull=0&t=new2").refusal


def test_a_base_that_a_build_pulled_is_kept_on_purpose(tagged: Run) -> None:
    said = {"status": "Status: Downloaded newer image for base:1"}
    tagged.ask("POST /build?t=new", b"", says(tagged, "a", ("base:1",), said, *BUILT))
    kept = {e.name: bool(e.kept) for e in tagged.ownership.entries()}
    assert kept["base:1"]


def test_a_quiet_build_claims_nothing_that_was_there(run: Run) -> None:
    run.engine.tag("b", THEIRS)
    run.engine.tag("e", Parent=B)

    def does() -> bytes:
        run.engine.tag("f", MINE, Parent=image_id("e"))
        return stream({"stream": f"{image_id('f')}\n"})

    run.ask(f"POST /build?q=1&t={MINE}", does=does)
    assert run.tags == {(MINE, image_id("f"))}


@pytest.mark.parametrize("mode", ["container:theirs", "labnet"])
def test_a_build_joins_nothing_of_others(tagged: Run, mode: str) -> None:
    tagged.engine.add("container", "theirs", "b")
    tagged.engine.add("network", "labnet", "b")
    call = tagged.ask(f"POST /build?networkmode={mode}")
    assert (call.status, call.relayed) == (403, "")


@pytest.mark.parametrize("name", ["no such", "UPPER", "a:b:c"])
def test_a_name_that_no_image_can_have_is_refused_in_a_sentence(tagged: Run, name: str) -> None:
    call = tagged.ask(f"POST /build?t={name.replace(' ', '%20')}")
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
def test_a_name_that_can_t_be_is_no_fault_of_ours(tagged: Run, line: str) -> None:
    call = tagged.ask(line.replace("RUN", RUN))
    assert (call.status in {400, 403}, call.relayed) == (True, "")
    assert "fault" not in call.refusal


@pytest.mark.parametrize(
    "outputs", ["{", "{}", "[1]", '[{"Attrs":[]}]', '[{"Attrs":1}]', '[{"Attrs":{},"attrs":{}}]']
)
def test_where_a_build_goes_that_can_t_be_read_is_refused(tagged: Run, outputs: str) -> None:
    call = tagged.ask(f"POST /build?version=2&outputs={outputs}")
    assert (call.status, call.relayed) == (400, "")


def test_a_tag_that_its_owner_moves_while_our_build_runs_is_theirs(tagged: Run) -> None:
    def moves() -> bytes:
        tagged.engine.tag("a", THEIRS)
        return stream()

    tagged.ask("POST /build?t=mine/x", b"", moves)
    tagged.ownership.settle()
    assert tagged.ownership.tags.moved == []


def test_a_tag_goes_to_the_image_that_was_judged_whatever_its_name_means_then(tagged: Run) -> None:
    def does() -> Answer:
        tagged.engine.tag("e", "me/x:latest")
        tagged.engine.tag("c", "new:latest")
        return Answer(201, "")

    call = tagged.ask("POST /images/me%2Fx/tag?repo=new", b"", does)
    assert call.relayed == f"/v1.41/images/{C}/tag?repo=new"
    assert ("new:latest", C) in tagged.tags
