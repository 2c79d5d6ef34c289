"""A quiet build is asked to tell what it makes, and its client is not told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.gate import stream
from tests.unit.run.requests.fakes import RUN, Run, image_id

A, B = image_id("a"), image_id("b")
MINE = f"me/x-{RUN}:latest"
SAID: list[Any] = [
    {"stream": "Step 1/2 : FROM base\n"},
    {"stream": f" ---> {B[7:19]}\n"},
    {"stream": "Step 2/2 : LABEL a=b\n"},
    {"stream": f" ---> {A[7:19]}\n"},
]
DONE = {"aux": {"ID": A}}
ERROR = {"errorDetail": {"message": "no"}, "error": "no"}


@pytest.fixture
def base(run: Run) -> Run:
    run.engine.tag("b", "base:latest")
    return run


def build(run: Run, query: str, *said: Any) -> Any:
    def does() -> bytes:
        run.engine.tag("a", Parent=B)
        return stream(*SAID, *said)

    return run.ask(f"POST /build?{query}", b"", does)


@pytest.mark.parametrize("q", ["q=1", "q=true", "q=yes"])
def test_its_client_gets_the_image_s_id_and_nothing_else(base: Run, q: str) -> None:
    call = build(base, f"{q}&x=y", DONE)
    assert (call.held, call.relayed) == (True, "/v1.41/build?x=y")
    head, _, body = call.instead.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert body == b'{"stream": "%b\\n"}' % A.encode()


def test_what_it_makes_on_its_way_is_ours(base: Run) -> None:
    call = build(base, "q=1", ERROR)
    assert base.entries == {("image", A, A)}
    assert call.instead == b"", "it gets the engine's own answer: why it failed"


@pytest.mark.parametrize(
    "query", [f"t=x-{RUN}", f"q=&t=x-{RUN}", f"q=0&t=x-{RUN}", f"q=1&version=2&t=x-{RUN}"]
)
def test_no_other_build_is_changed(base: Run, query: str) -> None:
    call = build(base, query, DONE)
    assert (call.held, call.instead) == (False, b"")
    assert call.relayed.partition("&buildargs=")[0] == f"/v1.41/build?{query}"
