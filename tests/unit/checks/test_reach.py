"""Datagrams, and ports on a loopback that is another namespace's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from lifecycle.checks import reach
from lifecycle.checks.facts import ContainerFacts
from lifecycle.checks.reach import try_port
from lifecycle.engine import netns
from lifecycle.engine.daemon import Daemon, EngineError
from tests.unit.checks.samples import inspected
from tests.unit.checks.test_gather import ME, Engine

UP = {"Running": True, "ExitCode": None}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "PORT_LIMIT", 0.5)
    monkeypatch.setattr("lifecycle.checks.reach.secrets.token_hex", lambda _: "token")


@pytest.fixture
def answers() -> Iterator[Callable[[bytes], int]]:
    """Starts what answers one datagram with a word; gives its port."""
    made: list[socket.socket] = []

    def start(word: bytes) -> int:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        made.append(sock)

        def answer() -> None:
            sender = sock.recvfrom(64)[1]
            sock.sendto(word, sender)

        threading.Thread(target=answer, daemon=True).start()
        return int(sock.getsockname()[1])

    yield start
    for sock in made:
        sock.close()


def published(port: int, ip: str = "127.0.0.1") -> ContainerFacts:
    ports = {"53/udp": [{"HostIp": ip, "HostPort": str(port)}]}
    return ContainerFacts("c", now=inspected(NetworkSettings={"Ports": ports}))


def engine(**answers: Any) -> Daemon:
    return cast("Daemon", Engine(**{"start_inside": "e", "exec": UP, **answers}))


def test_a_datagram_that_is_answered_with_our_word_is_an_answer(
    answers: Callable[[bytes], int],
) -> None:
    port = answers(b"token")
    answer = try_port(engine(), published(port), "53/udp", ME)
    assert (answer.answered, answer.how) == (True, f"a datagram to 127.0.0.1:{port} was answered")


def test_another_word_and_silence_are_none(answers: Callable[[bytes], int]) -> None:
    answer = try_port(engine(), published(answers(b"another")), "53/udp", ME)
    assert answer.answered is False
    assert "did not answer a datagram" in answer.how


@pytest.mark.parametrize("state", [UP, EngineError("gone")])
def test_a_port_that_nobody_has_does_not_answer(
    answers: Callable[[bytes], int], state: Any
) -> None:
    port = answers(b"")
    states = iter([UP, state])
    answer = try_port(engine(exec=lambda: _next(states)), published(port), "53/udp", ME)
    assert answer.answered is False


def _next(states: Iterator[Any]) -> Any:
    state = next(states)
    if isinstance(state, Exception):
        raise state
    return state


def test_a_listener_that_found_its_port_taken_leaves_it_untried(
    answers: Callable[[bytes], int],
) -> None:
    states = iter([UP, {"Running": False, "ExitCode": 1}])
    told = engine(exec=lambda: next(states))
    answer = try_port(told, published(answers(b"")), "53/udp", ME)
    assert answer.answered is None
    assert "another program has that UDP port" in answer.how


def test_another_engines_loopback_is_entered_by_root_where_it_is_known(
    monkeypatch: pytest.MonkeyPatch, answers: Callable[[bytes], int]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    entered: list[str] = []

    def socket_in(place: str, family: int, kind: int) -> socket.socket:
        entered.append(place)
        return socket.socket(family, kind)

    monkeypatch.setattr(reach, "socket_in", socket_in)
    far = replace(ME, address="10.0.0.2", netns="/run/engine/netns")
    assert try_port(engine(), published(answers(b"token")), "53/udp", far).answered
    assert set(entered) == {"/run/engine/netns"}
    monkeypatch.setattr("os.geteuid", lambda: 1500)
    refused = try_port(engine(), published(1), "53/udp", far)
    assert refused.how == "127.0.0.1 is the engine's own loopback"


def test_a_namespace_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        netns.socket_in("/nonexistent/netns", socket.AF_INET, socket.SOCK_DGRAM)


def test_a_file_that_is_no_namespace_is_an_error() -> None:
    with pytest.raises(OSError, match=r"Invalid argument|Operation not permitted"):
        netns.socket_in("/dev/null", socket.AF_INET, socket.SOCK_DGRAM)


def test_without_a_namespace_it_is_a_socket_of_our_own() -> None:
    with netns.socket_in("", socket.AF_INET, socket.SOCK_DGRAM) as made:
        assert made.type == socket.SOCK_DGRAM
