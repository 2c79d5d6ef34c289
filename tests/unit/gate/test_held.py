"""An answer that is held is read by the harness, which says what the client gets of it."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gate.gate import Call
from lifecycle.gate.relay import Endless
from tests.unit.gate.fakes import (
    LIMIT,
    LONG,
    Engine,
    Heard,
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


@pytest.mark.parametrize("asked", [BUILD, PULL])
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 9])
def test_what_the_harness_adds_to_a_followed_answer_stands_before_its_end(
    gate: Opened, engine: Engine, asked: bytes, cut: int
) -> None:
    def judge(call: Call) -> None:
        assert b"".join(call.relay_and_follow()) == WHOLE
        call.release(b"more\n")

    def answer(heard: Heard) -> None:
        heard.send(WHOLE[:-cut])
        heard.send(WHOLE[-cut:])

    gate.judge, engine.handler = judge, answer
    assert gate.ask(asked) == WHOLE[:-5] + b"5\r\nmore\n\r\n0\r\n\r\n"


@pytest.mark.parametrize("whole", [LARGE, b"HTTP/1.1 500 No\r\n\r\n0\r\n", WHOLE[:-1]])
def test_an_answer_without_such_an_end_is_what_it_is(
    gate: Opened, engine: Engine, whole: bytes
) -> None:
    def judge(call: Call) -> None:
        assert b"".join(call.relay_and_follow()) == whole
        call.release(b"more\n")

    gate.judge, engine.handler = judge, lambda heard: heard.send(whole)
    assert gate.ask(BUILD) == whole


def test_an_answer_that_was_waited_for_is_another_where_the_harness_says_so(
    gate: Opened, engine: Engine
) -> None:
    def judge(call: Call) -> None:
        call.relay_and_wait()
        call.release(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    gate.judge, engine.handler = judge, lambda heard: heard.send(WHOLE)
    assert gate.ask(PULL) == b"HTTP/1.1 403 Forbidden\r\n\r\n"


@given(st.lists(st.sampled_from([b"0", b"\r\n", b"0\r\n\r\n", b"}", b"0\r\n", b"\r", b""])))
def test_whatever_comes_is_all_that_goes(pieces: list[bytes]) -> None:
    near, far = socket.socketpair()
    with near, far:
        endless = Endless(near)
        for piece in pieces:
            endless.sendall(piece)
        endless.finish(b"")
        near.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: far.recv(1 << 16), b"")) == b"".join(pieces)
