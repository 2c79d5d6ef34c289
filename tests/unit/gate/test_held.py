"""An answer that is held is read by the harness, which says what the client gets of it."""

from __future__ import annotations

import pytest

from lifecycle.gate.gate import Call
from tests.unit.gate.fakes import (
    LIMIT,
    LONG,
    Engine,
    Opened,
    request,
    silent_after_first,
    wait_until,
)

BUILD = request("POST /v1.41/build?t=x", "Content-Length: 2", body=b"ab")
PULL = request("POST /v1.41/images/create?fromImage=x")
WHOLE = LONG + b"400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n"
LARGE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"y" * (5 << 20)


def held(gate: Opened, instead: bytes) -> list[bytes]:
    """Has each request's answer held; returns what the harness reads of them."""
    read: list[bytes] = []

    def judge(call: Call) -> None:
        read.append(b"".join(call.relay_and_follow(hold=True)))
        call.release(instead)

    gate.judge = judge
    return read


@pytest.mark.parametrize("asked", [BUILD, PULL])
@pytest.mark.parametrize("whole", [WHOLE, LARGE, b"HTTP/1.1 500 No\r\n\r\n"])
@pytest.mark.parametrize("instead", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"])
def test_the_client_gets_what_the_harness_says_or_else_all_of_it(
    gate: Opened, engine: Engine, asked: bytes, whole: bytes, instead: bytes
) -> None:
    read = held(gate, instead)
    engine.handler = lambda heard: heard.send(whole)
    assert gate.ask(asked) == (instead or whole)
    assert read == [whole]


@pytest.mark.parametrize("asked", [BUILD, PULL])
def test_a_client_that_hangs_up_ends_what_the_engine_does_for_it(
    gate: Opened, engine: Engine, asked: bytes
) -> None:
    held(gate, b"")

    engine.handler = silent_after_first
    with gate.connect() as client:
        client.send(asked)
        wait_until(lambda: bool(engine.heard), "it was asked")
    assert engine.heard[0].ended.wait(LIMIT)
    gate.gate.check()


def test_a_judge_that_is_gone_in_the_middle_ends_the_answer(gate: Opened, engine: Engine) -> None:
    def go(call: Call) -> None:
        next(iter(call.relay_and_follow(hold=True)))

    gate.judge = go
    engine.handler = lambda heard: heard.send(LARGE)
    assert gate.ask(PULL) == b""
    assert engine.heard[0].ended.wait(LIMIT)
