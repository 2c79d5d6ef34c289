"""A tag is given when its image is made, and not where somebody else has given it meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lifecycle.gate.gate import Answer, Heard
from lifecycle.gate.methods import SOLVE
from tests.fakes.gate import Asked, stream
from tests.unit.run.requests.fakes import OURS, RUN, Run, image_id
from tests.unit.run.requests.protobuf import export, solve, solved

A, B = image_id("a"), image_id("b")
NEW = "new:latest"
BUILT: list[Any] = [{"stream": "Step 1/1 : FROM x\n"}, {"aux": {"ID": A}}]
COMMIT = f"POST /commit?container={OURS}&repo=NAME"
IMPORT = "POST /images/create?fromSrc=-&repo=NAME"
WAYS = [
    ("POST /build?t=NAME", stream(*BUILT)),
    ("POST /build?t=NAME&q=1", stream(*BUILT)),
    ("POST /build?t=NAME&version=2", stream(*BUILT)),
    (IMPORT, stream({"status": A})),
    (COMMIT, Answer(201, json.dumps({"Id": A}))),
]


def asked(run: Run, line: str, answer: Any, *meanwhile: str, name: str = "new") -> Asked:
    """The request, while somebody gives these tags."""

    def does() -> Any:
        run.engine.tag("a")
        if meanwhile:
            run.engine.tag("b", *meanwhile)
        return answer

    return run.ask(line.replace("NAME", name), b"", does)


def means(run: Run, tag: str) -> str:
    return str((run.engine.image(tag) or {}).get("Id"))


@pytest.mark.parametrize(("line", "answer"), WAYS)
def test_a_tag_that_somebody_gives_meanwhile_stays_theirs(
    tagged: Run, line: str, answer: Any
) -> None:
    call = asked(tagged, line, answer, NEW)
    assert means(tagged, NEW) == B
    assert "new" not in call.relayed, "the engine is not asked to give it"
    assert not tagged.ownership.owns("image", NEW)
    assert tagged.tags == {(A, A)}, "what was made is ours, without a name"
    (told,) = tagged.refusals
    assert f"image {NEW} was made by somebody else meanwhile" in told
    assert told in json.loads(call.instead.partition(b"\r\n\r\n")[2] or call.instead).values()


@pytest.mark.parametrize(("line", "answer"), WAYS)
def test_a_tag_that_nobody_gives_meanwhile_is_ours(tagged: Run, line: str, answer: Any) -> None:
    call = asked(tagged, line, answer)
    assert means(tagged, NEW) == A
    assert ("image", NEW) in call.intended
    assert (NEW, A) in tagged.tags
    assert tagged.refusals == []


@pytest.mark.parametrize(("line", "answer"), WAYS)
def test_a_tag_that_nobody_can_know_is_given_by_the_engine(
    tagged: Run, line: str, answer: Any
) -> None:
    name = f"new-{RUN}"
    assert name in asked(tagged, line, answer, name=name).relayed


def test_a_build_s_client_is_told_of_its_tags_as_by_the_engine(tagged: Run) -> None:
    call = asked(tagged, "POST /build?t=new&t=other:1", stream(*BUILT))
    said = [json.loads(line)["stream"] for line in call.instead.splitlines()]
    assert said == [f"Successfully tagged {NEW}\n", "Successfully tagged other:1\n"]
    assert {(NEW, A), ("other:1", A)} <= tagged.tags


def test_of_two_tags_the_one_that_is_nobody_s_is_given(tagged: Run) -> None:
    asked(tagged, "POST /build?t=new&t=other:1", stream(*BUILT), NEW)
    assert (means(tagged, NEW), means(tagged, "other:1")) == (B, A)
    assert ("other:1", A) in tagged.tags


def test_a_build_that_failed_is_given_no_tag(tagged: Run) -> None:
    error = {"errorDetail": {"message": "no"}, "error": "no"}
    call = asked(tagged, "POST /build?t=new", stream(*BUILT, error))
    assert (means(tagged, NEW), call.instead) == ("None", b"")


def brings(run: Run, *meanwhile: str) -> Asked:
    """An archive's load, while somebody gives these tags."""

    def does() -> bytes:
        if meanwhile:
            run.engine.tag("b", *meanwhile)
        run.engine.tag("a", NEW)
        return stream({"stream": f"Loaded image: {NEW}\n"})

    manifest = json.dumps([{"Config": "a.json", "RepoTags": [NEW], "Layers": []}])
    told = {"manifest.json": [manifest], "digests": {"a.json": A.partition(":")[2]}}
    return run.ask("POST /images/load", b"", does, archive=told)


def solves(run: Run, *meanwhile: str) -> Asked:
    """A build by gRPC, while somebody gives these tags."""

    def does() -> None:
        if meanwhile:
            run.engine.tag("b", *meanwhile)
        run.engine.tag("a", NEW)

    asks = Heard("asks", 1, SOLVE, solve(export("moby", name=NEW)))
    answers = Heard("answers", 1, "", solved(containerimage_digest=A))
    return run.ask("POST /grpc", heard=[asks, does, answers])


@pytest.mark.parametrize("way", [brings, solves])
@pytest.mark.parametrize("meanwhile", [(), (NEW,), ("other:1",)])
def test_a_tag_that_the_engine_moves_is_never_taken_for_ours(
    tagged: Run, way: Any, meanwhile: tuple[str, ...]
) -> None:
    taken = NEW in meanwhile
    way(tagged, *meanwhile)
    assert tagged.ownership.owns("image", NEW) is not taken
    moved = [f"image {NEW} was {B[:19]} and is {A[:19]}"] if taken else []
    assert tagged.ownership.tags.moved == moved
