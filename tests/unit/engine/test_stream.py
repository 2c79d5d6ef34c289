"""An exec's first words that come in one packet with the answer's head are not lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.engine.stream import unframed

UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


def framed(text: bytes, kind: int = 1) -> bytes:
    """A piece of output as the engine sends it."""
    return bytes((kind, 0, 0, 0)) + len(text).to_bytes(4, "big") + text


def told(body: bytes) -> bytes:
    """An answer of JSON."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def request(link: socket.socket) -> bytes:
    """One request, whole; empty when the client has hung up."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = link.recv(65536)
        if not more:
            return b""
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((int(x[15:]) for x in head.split(b"\r\n") if x.startswith(b"Content-Length:")), 0)
    while len(body) < length:
        body += link.recv(65536)
    return head


Serve = Callable[[bytes, str], Daemon]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Serve]:
    """Starts an engine whose every exec prints this, and then asks for a word if it is to."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    server.listen()
    made: list[Daemon] = []

    def serve(printed: bytes, asks: str) -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(link, printed, asks), daemon=True).start()

    def start(printed: bytes, asks: str) -> Daemon:
        threading.Thread(target=serve, args=(printed, asks), daemon=True).start()
        made.append(Daemon(f"unix://{tmp_path / 's'}", {}, limit=5))
        return made[-1]

    yield start
    for daemon in made:
        daemon.close()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def answer(link: socket.socket, printed: bytes, asks: str) -> None:
    """Serve one connection; the head and the first words go out in one piece."""
    with link:
        while head := request(link):
            if b"/start" in head:
                link.sendall(UPGRADED + printed)
                if asks:
                    link.sendall(b"got " + link.recv(64))
                return
            exec_state = b'{"Id": "e1", "ExitCode": 0, "ApiVersion": "1.41"}'
            link.sendall(told(exec_state))


def test_what_is_printed_at_once_is_read_from_its_beginning(engine: Serve) -> None:
    daemon = engine(framed(b"@@id\n") + framed(b"uid=0\n", 2), "")
    assert daemon.run_inside("c", ["id"]).output == "@@id\nuid=0\n"


def test_a_prompt_that_comes_at_once_is_answered(engine: Serve) -> None:
    daemon = engine(b"Password: ", "a word")
    talk = daemon.talk_inside(
        "c", ["su"], user="", prompt=b"password:", answer=b"x", enough=b"-", env={}
    )
    assert talk.output == "Password: got x\n"


@pytest.mark.parametrize("whole", [b"", framed(b""), framed(b"abc"), framed(b"a") + framed(b"b")])
def test_pieces_that_the_engine_broke_off_raise_nothing(whole: bytes) -> None:
    text = unframed(whole)
    assert all(text.startswith(unframed(whole[:end])) for end in range(len(whole)))
