"""Builds by BuildKit: none moves a tag of others', and what each makes is known by its answer."""

from __future__ import annotations

import threading

import pytest

from lifecycle.engine.events import Event
from lifecycle.gate.gate import Heard
from lifecycle.gate.methods import BRIDGE, CONTROL, HISTORY, SOLVE
from tests.fakes.gate import Asked
from tests.unit.run.requests.fakes import RUN, Does, Run, image_id
from tests.unit.run.requests.protobuf import cache, export, field, solve, solved

A, B, C = (image_id(digit) for digit in "abc")
THEIRS = "theirs:latest"


@pytest.fixture
def shared(run: Run) -> Run:
    """An engine with a colleague's tag."""
    run.engine.tag("b", THEIRS)
    return run


def tags(run: Run) -> set[tuple[str, str]]:
    return {(name, identity) for kind, name, identity in run.entries if kind == "image"}


def asks(message: bytes, method: str = SOLVE, stream: int = 1) -> Heard:
    return Heard("asks", stream, method, message)


def answers(message: bytes = b"", stream: int = 1) -> Heard:
    return Heard("answers", stream, "", message)


def made(digit: str) -> Heard:
    return answers(solved(containerimage_digest=image_id(digit)))


def grpc(run: Run, *heard: Heard | Does) -> Asked:
    return run.ask("POST /grpc", heard=list(heard))


def gives(run: Run, digit: str, *names: str) -> Does:
    return lambda: run.engine.tag(digit, *names)


def test_a_session_asks_for_nothing_by_itself(shared: Run) -> None:
    assert shared.ask("POST /session").relayed


@pytest.mark.parametrize("name", ["new", "new:latest", "docker.io/library/new"])
def test_a_build_is_written_down_before_and_known_by_its_answer(shared: Run, name: str) -> None:
    build = asks(solve(export("moby", name=name)))
    call = grpc(shared, build, gives(shared, "a", "new:latest"), made("a"))
    assert call.replies == ["build1", ""]
    assert ("image", "new:latest") in call.intended
    assert tags(shared) == {("new:latest", A)}
    assert shared.refusals == []


@pytest.mark.parametrize(
    "part",
    [
        export("moby", name="theirs"),
        export("image", name="new,docker.io/library/theirs:latest"),
        export("moby", 3, name="theirs"),
        export("oci", name="x") + export("image", name="theirs", push="true"),
        cache("registry", ref="theirs"),
        export("moby", name="new") + cache("registry", ref="docker.io/library/theirs:latest"),
    ],
)
def test_a_build_that_would_move_a_tag_of_theirs_is_refused(shared: Run, part: bytes) -> None:
    call = grpc(shared, asks(solve(part)))
    assert f"image {THEIRS}" in call.replies[0]
    assert f"--allow-foreign {THEIRS} lifts this" in call.replies[0]
    assert shared.refusals == [call.replies[0]]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (solve(field(14, 1)), "said elsewhere"),
        (solve(export("containerd")), "is not known"),
        (solve(export("moby", name="New")), "lowercase"),
        (b"\x0b", "BuildKit's"),
    ],
)
def test_a_build_that_can_t_be_judged_is_refused(shared: Run, message: bytes, why: str) -> None:
    call = grpc(shared, asks(message))
    assert why in call.replies[0]
    assert shared.refusals == [call.replies[0]]


def test_leave_for_a_tag_lets_its_build_through(shared: Run) -> None:
    shared.allowed = (THEIRS,)
    call = grpc(shared, asks(solve(export("moby", name="theirs"))))
    assert call.replies == ["build1"]


def test_what_a_colleague_gives_the_name_meanwhile_is_theirs(shared: Run) -> None:
    build = asks(solve(export("moby", name="new")))
    grpc(shared, build, gives(shared, "b", "new:latest"), made("a"))
    assert tags(shared) == set()
    assert not shared.ownership.owns("image", "new:latest")


def test_a_tag_that_is_there_after_a_build_that_failed_is_not_taken_for_ours(shared: Run) -> None:
    build = asks(solve(export("moby", name="new")))
    grpc(shared, build, gives(shared, "b", "new:latest"), answers())
    assert not shared.ownership.owns("image", "new:latest")


def test_a_build_that_failed_leaves_nothing_to_remove(shared: Run) -> None:
    grpc(shared, asks(solve(export("moby", name="new"))), answers())
    assert tags(shared) == set()


def test_one_that_was_never_answered_stays_intended(shared: Run) -> None:
    grpc(shared, asks(solve(export("moby", name=f"new-{RUN}"))), gives(shared, "a", f"new-{RUN}"))
    assert tags(shared) == {(f"new-{RUN}:latest", "")}


def test_an_image_without_a_name_is_known_by_its_id(shared: Run) -> None:
    grpc(shared, asks(solve(export("moby"))), gives(shared, "a"), made("a"))
    assert tags(shared) == {(A, A)}


def test_an_image_that_was_there_is_not_made_by_a_build_that_finds_it(shared: Run) -> None:
    grpc(shared, asks(solve(export("moby"))), made("b"))
    assert tags(shared) == set()


def test_what_our_tag_meant_before_is_ours_without_a_name(shared: Run) -> None:
    shared.make_image("a", f"new-{RUN}:latest")
    build = asks(solve(export("moby", name=f"new-{RUN}")))
    grpc(shared, build, gives(shared, "c", f"new-{RUN}:latest"), made("c"))
    assert tags(shared) == {(f"new-{RUN}:latest", C), (A, A)}


@pytest.mark.parametrize(
    ("method", "why"),
    [
        (f"{CONTROL}/Prune", "other people's builds"),
        (f"{CONTROL}/%50rune", "not known"),
        (f"{BRIDGE}/Return", "did not begin"),
        ("/x/Y", "not known"),
    ],
)
def test_a_method_that_is_not_let_through_is_told_with_what_lifts_it(
    shared: Run, method: str, why: str
) -> None:
    call = grpc(shared, asks(b"", method))
    name = f"api:{method[1:]}"
    assert why in call.replies[0]
    assert f"--allow-foreign {name} lifts this" in call.replies[0]
    shared.ownership._allowed = frozenset({name})
    assert grpc(shared, asks(b"", method)).replies == [""]


def test_a_call_that_names_no_method_is_refused_in_a_sentence(shared: Run) -> None:
    call = grpc(shared, Heard("asks", 1, "", b""))
    assert call.refusal == "a call to BuildKit that names no method, or several, is not let through"
    assert "allow-foreign" not in str(shared.refusals)


def test_a_second_message_of_one_build_is_refused(shared: Run) -> None:
    build = asks(solve(export("moby", name="new")))
    call = grpc(shared, build, asks(solve(export("moby", name="theirs"))))
    assert "asks twice" in call.replies[1]


def test_the_record_of_a_build_is_changed_by_who_began_it(shared: Run) -> None:
    record = asks(field(1, "build1") + field(3, 1), HISTORY)
    assert "did not begin" in grpc(shared, record).replies[0]
    assert grpc(shared, asks(solve()), answers(), record).replies[-1] == ""
    assert "did not begin" in grpc(shared, asks(field(3, 1), HISTORY)).replies[0]


def test_a_connection_that_can_t_be_read_is_a_refusal_of_the_step(shared: Run) -> None:
    call = grpc(shared, Heard("given up", 0, "it is not HTTP/2", b""))
    assert "it is not HTTP/2" in call.replies[0]
    assert shared.refusals == [call.replies[0]]


def test_a_step_waits_for_a_build_and_not_for_its_connection(shared: Run) -> None:
    settled = threading.Event()

    def settle() -> None:
        shared.ownership.settle()
        settled.set()

    def begin() -> None:
        threading.Thread(target=settle, daemon=True).start()
        assert not settled.wait(0.2)

    build = asks(solve(export("moby", name="new")))
    grpc(shared, build, begin, answers(), lambda: settled.wait(10))
    assert settled.is_set()


def test_leave_for_all_of_it_is_asked_by_its_name_and_then_tags_are_compared(shared: Run) -> None:
    shared.ownership._allowed = frozenset({"api:POST/grpc"})
    assert shared.ask("POST /grpc").relayed
    shared.engine.tag("a", THEIRS)
    shared.ownership.settle()
    assert shared.ownership.tags.moved == [f"image {THEIRS} was {B[:19]} and is {A[:19]}"]


def test_what_a_tag_meant_before_it_was_built_again_is_no_colleague_s(shared: Run) -> None:
    for digit in "ac":
        build = asks(solve(export("moby", name=f"new-{RUN}")))
        grpc(shared, build, gives(shared, digit, f"new-{RUN}:latest"), made(digit))
        shared.engine.remove("image", image_id(digit))
        shared.ownership.gone("image", f"new-{RUN}:latest")
    for identity, ours in ((A, True), (C, True), (B, False)):
        event = Event("image", "delete", identity, identity, {}, 0.0)
        assert (shared.ownership.of_others([event]) == []) is ours
