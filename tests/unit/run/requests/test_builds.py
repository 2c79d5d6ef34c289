"""What a build or a commit could take of others, or leave for them to take."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote_plus

import pytest

from lifecycle.gate.gate import Answer, Heard
from lifecycle.gate.methods import PART, SOLVE
from tests.fakes.gate import Asked, stream
from tests.unit.run.requests.fakes import OURS, RUN, Run, image_id
from tests.unit.run.requests.protobuf import mapped, solve

ERROR = {"errorDetail": {"message": "no"}, "error": "no"}
STEP = ["/bin/sh", "-c", "echo good > /x"]
LIKE_A_STEP: list[Any] = [
    {"Cmd": STEP},
    {"Cmd": ["/bin/bash", "-o", "pipefail", "-c", "x"]},
    {"Cmd": ["|1", "A=b", *STEP]},
    {"Cmd": ["/bin/sh", "-c", "#(nop) COPY file:1 in /x "]},
]
UNLIKE_ONE: list[Any] = [
    {"Cmd": ["sleep", "300"]},
    {"Cmd": None},
    {"Cmd": STEP, "Labels": {"made": "by-hand"}},
    {"Cmd": STEP, "Env": ["PATH=/bin", "A=b"]},
    {"Cmd": STEP, "Tty": True},
    {"Cmd": STEP, "AttachStdout": True},
    {"Cmd": STEP, "OpenStdin": True},
]


def commit(run: Run, config: dict[str, Any], base: str) -> Asked:
    whole = {"Env": ["PATH=/bin"], **config}
    run.make("container", f"box-{RUN}", "a", Image=base, Config=whole)
    return run.ask(f"POST /commit?container={OURS}&repo=x-{RUN}", b"", lambda: Answer(201, "{}"))


def based(**config: Any) -> dict[str, Any]:
    return {"Config": {"Env": ["PATH=/bin"], **config}}


@pytest.mark.parametrize("config", LIKE_A_STEP)
def test_a_commit_that_somebody_s_build_would_take_for_its_step_is_refused(
    run: Run, config: dict[str, Any]
) -> None:
    call = commit(run, config, run.engine.tag("b", "base:1", **based()))
    assert (call.status, call.relayed) == (403, "")
    assert "a label of its own" in call.refusal


def test_a_base_without_a_path_gets_the_builder_s(run: Run) -> None:
    assert commit(run, {"Cmd": STEP}, run.engine.tag("b", "base:1", Config={})).status == 403


@pytest.mark.parametrize("config", UNLIKE_ONE)
def test_a_commit_that_no_build_looks_for_is_made(run: Run, config: dict[str, Any]) -> None:
    assert commit(run, config, run.engine.tag("b", "base:1", **based())).refusal == ""


@pytest.mark.parametrize("config", LIKE_A_STEP)
def test_a_commit_above_an_image_of_ours_is_made(run: Run, config: dict[str, Any]) -> None:
    assert commit(run, config, run.make_image("b", f"base-{RUN}:1", **based())).refusal == ""


@pytest.mark.parametrize("written", ["", '{"A":"b"}', '{"BUILDKIT_CACHE_MOUNT_NS":""}'])
def test_a_build_by_buildkit_mounts_caches_of_the_run_s_own(run: Run, written: str) -> None:
    call = run.ask(f"POST /build?version=2&t=x-{RUN}&buildargs={quote(written)}")
    sent = json.loads(unquote_plus(call.relayed.partition("buildargs=")[2]))
    rest = {"A": "b"} if 'A":' in written else {}
    assert sent == {**rest, "BUILDKIT_CACHE_MOUNT_NS": RUN}


def test_a_build_by_the_old_builder_gets_the_arguments_that_it_has(run: Run) -> None:
    assert "buildargs" not in run.ask(f"POST /build?t=x-{RUN}").relayed


@pytest.mark.parametrize("written", ["[]", "{", '{"A":1,"A":2}'])
def test_arguments_that_can_t_be_read_are_refused(run: Run, written: str) -> None:
    assert run.ask(f"POST /build?version=2&buildargs={quote(written)}").status == 400


PLACES = [
    ({"cgroup-parent": "/docker/" + "b" * 64}, "container theirs"),
    ({"cgroup-parent": "user.slice"}, "control group user.slice"),
    ({"force-network-mode": "container:theirs"}, "container theirs"),
    ({"force-network-mode": "labnet"}, "network labnet"),
    ({"force-network-mode": "nowhere"}, "network nowhere not found"),
]
FREE: list[dict[str, str]] = [
    {},
    {"cgroup-parent": "lab", "force-network-mode": "host"},
    {"force-network-mode": "sandbox"},
]


def asked(run: Run, attrs: dict[str, str], *, in_a_build: bool) -> str:
    """What is replied to a build of these options, or to a frontend that is asked in one."""
    run.engine.add("container", "theirs", "b")
    run.engine.add("network", "labnet", "b")
    message = mapped(3, {"filename": "x", **attrs}) if in_a_build else solve(mapped(7, attrs))
    heard = Heard("asks", 1, PART if in_a_build else SOLVE, message)
    return run.ask("POST /grpc", heard=[heard]).replies[0]


@pytest.mark.parametrize("in_a_build", [True, False])
@pytest.mark.parametrize(("attrs", "told"), PLACES)
def test_a_build_s_containers_join_nothing_of_others(
    run: Run, attrs: dict[str, str], told: str, *, in_a_build: bool
) -> None:
    assert told in asked(run, attrs, in_a_build=in_a_build)


@pytest.mark.parametrize("in_a_build", [True, False])
@pytest.mark.parametrize("attrs", FREE)
def test_they_are_where_every_engine_has_a_place(
    run: Run, attrs: dict[str, str], *, in_a_build: bool
) -> None:
    assert asked(run, attrs, in_a_build=in_a_build) == ("" if in_a_build else "build1")


def test_a_frontend_of_a_build_of_others_is_not_asked(run: Run) -> None:
    call = run.ask("POST /grpc", heard=[Heard("asks", 1, PART, b"")])
    assert "did not begin" in call.replies[0]


def test_of_a_build_on_an_image_without_a_name_by_an_argument_all_is_ours(run: Run) -> None:
    """The line after FROM is the engine's own, whatever an ARG stands for."""
    base, layer = run.engine.tag("b"), image_id("c")
    container = "1" * 64
    lines = (
        "Step 1/4 : ARG B=x\nStep 2/4 : FROM $B\n ---> bbbbbbbbbbbb\n"
        "Step 3/4 : RUN echo a\n ---> Running in 111111111111\n ---> cccccccccccc\n"
        "Step 4/4 : RUN false\n ---> Running in 222222222222\n"
    )

    def does() -> bytes:
        run.engine.tag("c", Parent=base, Container=container)
        config = {"Cmd": ["/bin/sh", "-c", "false"]}
        run.engine.add("container", "", "2", Image=layer, Config=config)
        return stream(*({"stream": line} for line in lines.splitlines(keepends=True)), ERROR)

    run.ask("POST /build", b"", does)
    left = {(e.kind, e.id) for e in run.entries_now()}
    assert left == {("image", layer), ("container", "2" * 64)}
