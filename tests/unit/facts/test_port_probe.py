"""Datagrams, and ports on a loopback that is another namespace's."""

from __future__ import annotations

import errno
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pytest

from lifecycle.checks.judge_promise import judge
from lifecycle.command.values.ports import PublishedPort
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.facts import port_probe
from lifecycle.facts.inside import Inside
from lifecycle.facts.model import Answer, ContainerFacts
from lifecycle.facts.port_probe import try_port
from lifecycle.machine import network_namespace
from tests.unit.checks.samples import having, inspected, said
from tests.unit.facts.test_look_inside import ME, Engine

UP = {"Running": True, "ExitCode": None}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_probe, "PORT_LIMIT", 0.5)
    monkeypatch.setattr("lifecycle.facts.port_probe.secrets.token_hex", lambda _: "token")


@pytest.fixture
def answers() -> Iterator[Callable[[bytes], int]]:
    """Starts what answers one datagram with a word; gives its port."""
    made: list[tuple[socket.socket, threading.Thread]] = []

    def start(word: bytes) -> int:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))

        def answer() -> None:
            sender = sock.recvfrom(64)[1]
            with suppress(OSError):  # at the end there may be nobody who waits for it
                sock.sendto(word, sender)

        thread = threading.Thread(target=answer, daemon=True)
        made.append((sock, thread))
        thread.start()
        return int(sock.getsockname()[1])

    yield start
    for sock, thread in made:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"the test is over", sock.getsockname())
        thread.join(10)
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

    monkeypatch.setattr(port_probe, "socket_in", socket_in)
    far = replace(ME, address="10.0.0.2", netns="/run/engine/netns")
    assert try_port(engine(), published(answers(b"token")), "53/udp", far).answered
    assert set(entered) == {"/run/engine/netns"}
    monkeypatch.setattr("os.geteuid", lambda: 1500)
    refused = try_port(engine(), published(1), "53/udp", far)
    assert refused.how == "127.0.0.1 is the engine's own loopback"


def test_a_namespace_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        network_namespace.socket_in("/nonexistent/netns", socket.AF_INET, socket.SOCK_DGRAM)


def test_a_file_that_is_no_namespace_is_an_error() -> None:
    with pytest.raises(OSError, match=r"Invalid argument|Operation not permitted"):
        network_namespace.socket_in("/dev/null", socket.AF_INET, socket.SOCK_DGRAM)


def test_without_a_namespace_it_is_a_socket_of_our_own() -> None:
    with network_namespace.socket_in("", socket.AF_INET, socket.SOCK_DGRAM) as made:
        assert made.type == socket.SOCK_DGRAM


def several(*places: tuple[str, int], asked: str = "") -> ContainerFacts:
    """53/udp published at each place; ``asked`` is the address that the line wrote."""
    ports = {"53/udp": [{"HostIp": ip, "HostPort": str(port)} for ip, port in places]}
    wanted = {"53/udp": [{"HostIp": asked, "HostPort": str(places[0][1])}]}
    host = {"PortBindings": wanted}
    return ContainerFacts("c", now=inspected(NetworkSettings={"Ports": ports}, HostConfig=host))


def started_again() -> Daemon:
    """An engine on which each listener of ours has ended when it is asked for."""
    return engine(exec=lambda: {"Running": False, "ExitCode": 0})


def judged(answer: Answer, ip: str, port: int) -> str:
    promise = said(
        "-p",
        "container.port.answers",
        PublishedPort("53/udp", ip, str(port)),
        "host",
    )
    return judge(promise, having(inspected(), answers={"53/udp": answer})).status


def test_each_place_where_a_port_is_published_is_tried(
    answers: Callable[[bytes], int],
) -> None:
    good, dead = answers(b"token"), answers(b"another")
    both = several(("127.0.0.1", good), ("127.0.0.2", dead))
    answer = try_port(started_again(), both, "53/udp", ME)
    assert answer.answered is False
    assert [judged(answer, "127.0.0.1", good), judged(answer, "127.0.0.2", dead)] == [
        "kept",
        "broken",
    ]


def test_without_an_address_one_of_the_two_families_is_enough(
    answers: Callable[[bytes], int],
) -> None:
    port = answers(b"token")
    answer = try_port(engine(), several(("0.0.0.0", port), ("::", port)), "53/udp", ME)
    assert list(answer.at) == [("0.0.0.0", str(port))]
    assert answer.answered


def test_ipv6_that_was_written_is_tried_at_its_own_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    families: list[int] = []

    def refuse(_place: str, family: int, _kind: int) -> socket.socket:
        families.append(family)
        raise OSError(errno.EAFNOSUPPORT, "no IPv6 here")

    monkeypatch.setattr(port_probe, "socket_in", refuse)
    answer = try_port(started_again(), several(("::", 1), asked="::"), "53/udp", ME)
    assert set(families) == {socket.AF_INET6}
    assert "[::1]:1: no IPv6 here" in answer.how


def test_a_listener_that_has_answered_is_waited_for_before_the_next(
    answers: Callable[[bytes], int],
) -> None:
    states = iter([UP, UP, {"Running": False, "ExitCode": 0}, UP])
    first, second = answers(b"token"), answers(b"token")
    told = engine(exec=lambda: next(states))
    places = several(("127.0.0.1", first), ("127.0.0.1", second))
    answer = try_port(told, places, "53/udp", ME)
    assert answer.at["127.0.0.1", str(first)].answered
    assert next(states, None) is None


@pytest.mark.parametrize(
    ("path", "words", "idle"),
    [
        ("bash", [], True),
        ("/bin/sh", ["-l"], True),
        ("sleep", ["infinity"], True),
        ("bash", ["serve.sh"], False),
        ("sh", ["-c", "exec jupyter lab"], False),
        ("python3", ["-m", "http.server"], False),
        ("/entrypoint.sh", ["bash"], False),
        ("", [], False),
    ],
)
def test_only_a_shell_or_a_program_that_waits_is_idle(
    path: str,
    words: list[str],
    idle: bool,  # noqa: FBT001
) -> None:
    assert port_probe.is_idle({"Path": path, "Args": words}) is idle


@pytest.mark.parametrize("port", ["53/udp", "80/tcp"])
def test_nothing_of_ours_takes_the_port_of_a_service_to_be(port: str) -> None:
    ports = {port: [{"HostIp": "127.0.0.1", "HostPort": "9"}]}
    now = inspected(NetworkSettings={"Ports": ports}) | {"Path": "jupyter", "Args": ["lab"]}
    asked = Engine(exec=UP)
    answer = try_port(cast("Daemon", asked), ContainerFacts("c", now=now), port, ME)
    assert answer.answered is None
    assert asked.asked == []


def test_a_listener_that_the_look_left_is_asked_and_no_other_started(
    answers: Callable[[bytes], int],
) -> None:
    port, asked = answers(b"early"), Engine()
    c = published(port)
    c.inside = Inside(listeners={"53/udp": "early"})
    assert try_port(cast("Daemon", asked), c, "53/udp", ME).answered
    assert asked.asked == []


def test_where_that_one_does_not_answer_another_is_started(
    answers: Callable[[bytes], int],
) -> None:
    c = published(answers(b"token"))
    c.inside = Inside(listeners={"53/udp": "early"})
    answer = try_port(engine(), c, "53/udp", ME)
    assert (c.inside.listeners, answer.answered) == ({"53/udp": "early"}, False)


@pytest.mark.parametrize("port", ["7/tcp", "7/udp"])
def test_a_look_starts_a_listener_where_there_is_a_tool(port: str) -> None:
    """By the shell alone: the tool is one that says what it was started with."""
    lines = port_probe.listeners([port, "9/sctp"])
    said = 'python3() { :; }\ncommand() { [ "$2" = python3 ]; }\n'
    ran = subprocess.run(["sh", "-c", said + lines], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{port} token\n"
    none = subprocess.run(
        ["sh", "-c", f"command() {{ false; }}\n{lines}"], capture_output=True, check=True
    )
    assert none.stdout == b""
