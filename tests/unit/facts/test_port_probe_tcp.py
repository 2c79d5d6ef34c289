"""TCP ports that are tried, with listeners that answer, hang up or stay silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pytest

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.facts import port_probe
from lifecycle.facts.inside import Inside
from lifecycle.facts.model import ContainerFacts, World
from lifecycle.facts.port_probe import try_port
from tests.unit.checks.samples import EXITED, inspected
from tests.unit.facts.test_look_inside import ME, Engine, daemon


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_probe, "PORT_LIMIT", 0.3)


class Listener:
    """Accepts on a port of its own, says something, and hangs up."""

    def __init__(self, says: bytes, *, stays: bool = False) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self._says, self._stays = says, stays
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                link, _ = self.socket.accept()
                if self._says:
                    link.sendall(self._says)
                self._open.append(link)
                if not self._stays:
                    link.close()

    def close(self) -> None:
        for link in self._open:
            link.close()
        self.socket.close()


@pytest.fixture
def listens() -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def listener(says: bytes = b"", *, stays: bool = False) -> Listener:
        made.append(Listener(says, stays=stays))
        return made[-1]

    yield listener
    for one in made:
        one.close()


def published(
    port: int, *listening: int, ip: str = "0.0.0.0", state: dict[str, Any] | None = None
) -> ContainerFacts:
    bindings = {"80/tcp": [{"HostIp": ip, "HostPort": str(port)}]}
    now = inspected(NetworkSettings={"Ports": bindings}, State=state or {})
    return ContainerFacts("c", now=now, inside=Inside(listening=frozenset(listening)))


@pytest.mark.parametrize(("says", "stays"), [(b"SSH-2.0", False), (b"", True)])
def test_a_listener_answers_with_a_word_or_by_staying(
    listens: Callable[..., Listener],
    says: bytes,
    stays: bool,  # noqa: FBT001
) -> None:
    port = listens(says, stays=stays).port
    answer = try_port(daemon(), published(port, 80), "80/tcp", ME)
    assert (answer.answered, answer.how) == (True, f"connected to 127.0.0.1:{port}")


def test_a_proxy_that_hangs_up_at_once_is_no_answer(listens: Callable[..., Listener]) -> None:
    port = listens().port
    answer = try_port(daemon(), published(port, 80), "80/tcp", ME)
    assert (answer.answered, answer.how) == (False, f"127.0.0.1:{port} hung up at once")


def test_a_closed_port_is_no_answer(listens: Callable[..., Listener]) -> None:
    listener = listens()
    listener.close()
    answer = try_port(daemon(), published(listener.port, 80), "80/tcp", ME)
    assert answer.answered is False


def test_an_image_without_a_shell_answers_by_its_own_listener(
    listens: Callable[..., Listener],
) -> None:
    container = published(listens(b"hello").port)
    container.inside = Inside(unseen="no shell", places={"id": "/proc"})
    assert try_port(daemon(), container, "80/tcp", ME).answered


def test_an_image_without_a_shell_and_a_listener_leaves_the_port_untried(
    listens: Callable[..., Listener],
) -> None:
    container = published(listens().port)
    container.inside = Inside(unseen="no shell", places={"id": "/proc"})
    answer = try_port(daemon(), container, "80/tcp", ME)
    assert (answer.answered, "no tool" in answer.how) == (None, True)


def test_the_kernel_that_answers_for_a_paused_container_proves_nothing(
    listens: Callable[..., Listener],
) -> None:
    container = published(listens(stays=True).port, 80, state={"Paused": True})
    answer = try_port(daemon(), container, "80/tcp", ME)
    assert (answer.answered, "paused" in answer.how) == (None, True)


def test_where_nothing_listens_a_listener_of_ours_is_started(
    listens: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecycle.facts.port_probe.secrets.token_hex", lambda _: "token")
    port = listens(b"token").port
    engine = Engine(start_inside="e", exec={"Running": True})
    answer = try_port(cast("Daemon", engine), published(port), "80/tcp", ME)
    assert answer.answered
    assert "nc -l -p 80" in engine.asked[0][-1]


def test_somebody_elses_answer_is_not_taken_for_ours(listens: Callable[..., Listener]) -> None:
    engine = daemon(start_inside="e", exec={"Running": True})
    answer = try_port(engine, published(listens(b"another").port), "80/tcp", ME)
    assert answer.answered is False


@pytest.mark.parametrize(
    "engine",
    [
        daemon(start_inside="e", exec={"Running": False, "ExitCode": 77}),
        daemon(start_inside=EngineError("no shell")),
    ],
)
def test_an_image_without_a_tool_leaves_the_port_untried(engine: Daemon) -> None:
    answer = try_port(engine, published(1), "80/tcp", ME)
    assert answer.answered is None
    assert "no tool" in answer.how


@pytest.mark.parametrize(
    ("container", "port", "around", "how"),
    [
        (published(1, 80), "80/sctp", ME, "sctp is not tried"),
        (published(1, 80), "81/tcp", ME, "it is not published now"),
        (published(1, 80, state=EXITED), "80/tcp", ME, "it is not published now"),
        (ContainerFacts("c"), "80/tcp", ME, "it is not published now"),
        (
            published(1, 80, ip="127.0.0.1"),
            "80/tcp",
            replace(ME, address="10.0.0.2"),
            "127.0.0.1 is the engine's own loopback",
        ),
    ],
)
def test_a_port_that_can_not_be_tried_says_why(
    container: ContainerFacts, port: str, around: World, how: str
) -> None:
    answer = try_port(daemon(), container, port, around)
    assert (answer.answered, answer.how) == (None, how)
