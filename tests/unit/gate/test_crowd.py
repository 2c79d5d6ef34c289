"""Many connections at a time, and the end of a process that nobody listens to."""

from __future__ import annotations

import os
import resource
import socket
import threading
from typing import Any

import pytest

from lifecycle.gate import process
from lifecycle.gate.gate import Call
from tests.unit.gate.fakes import OK, STOP, Client, Engine, Opened, request, wait_until


def test_600_connections_at_once_are_all_served(gate: Opened, engine: Engine) -> None:
    both = threading.Semaphore(0)
    judged: list[Call] = []

    def judge(call: Call) -> None:
        judged.append(call)
        both.acquire(timeout=60)
        call.relay()

    gate.judge = judge
    clients = [gate.connect() for _ in range(600)]
    for client in clients:
        client.send(STOP)
    wait_until(lambda: len(judged) > 400, "most were asked at the same time")
    for _ in clients:
        both.release()
    assert {client.read_all() for client in clients} == {OK}
    for client in clients:
        client.channel.close()
    assert len(engine.heard) == 600
    gate.gate.check()


def test_a_gate_with_few_descriptors_serves_one_after_the_other(gate: Opened) -> None:
    soft, hard = resource.prlimit(gate.gate.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gate.gate.pid, resource.RLIMIT_NOFILE, (30, hard))
    clients = [gate.connect().send(request("GET /v1.41/info")) for _ in range(100)]
    for client in clients:
        client.read_all()
        client.channel.close()
    resource.prlimit(gate.gate.pid, resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: gate.ask(request("GET /v1.41/info")) == OK, "it serves again")
    gate.gate.check()


def test_idle_connections_hold_nothing_up(gate: Opened) -> None:
    idle = [Client(gate.gate.path) for _ in range(50)]
    assert gate.ask(request("GET /v1.41/info")) == OK
    for client in idle:
        client.channel.close()


@pytest.mark.parametrize("fault", [None, ValueError("a fault of ours"), MemoryError()])
def test_whatever_ends_the_talk_with_the_harness_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    """Else it would wait for connections for ever, when the harness is long gone."""

    class Upstream:
        def refusal(self) -> str:
            if fault:
                raise fault
            return ""

    class EndedError(BaseException):
        """The process would be gone."""

    def end(_code: int) -> None:
        raise EndedError

    monkeypatch.setattr(os, "_exit", end)
    ours, theirs = socket.socketpair()
    upstream: Any = Upstream()
    with ours, theirs:
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(EndedError):
            process._obey(ours, upstream)
