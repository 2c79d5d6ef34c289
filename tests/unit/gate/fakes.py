"""An engine on a socket, a gate before it, and clients that send whatever bytes they like."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

from lifecycle.gate.gate import Call, Gate, GateProcess
from lifecycle.machine.subject import Subject, current_subject

LIMIT = 60.0
"""Seconds that anything may take here, on a machine however slow."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
LONG = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
"""The head of an answer in chunks."""
Handler = Callable[["Heard"], None]


def wait_until(holds: Callable[[], bool], what: str = "it") -> None:
    """Wait until something holds that nothing tells of."""
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come to hold"
        time.sleep(0.01)  # of what it waits for nobody tells


class Heard:
    """One connection that the engine got."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.head = b""
        self.rest = b""
        self.peer = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.ended = threading.Event()

    def read_head(self) -> bool:
        """Read a request's head; False when none came."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.channel.recv(1 << 16)
            if not piece:
                return False
            data += piece
        head, end, self.rest = data.partition(b"\r\n\r\n")
        self.head = head + end
        return True

    def read(self, count: int) -> bytes:
        """So many bytes of what follows the head, or less at its end."""
        while len(self.rest) < count and (piece := self.channel.recv(1 << 16)):
            self.rest += piece
        found, self.rest = self.rest[:count], self.rest[count:]
        return found

    def read_all(self) -> bytes:
        """All that comes, to the end."""
        while piece := self.channel.recv(1 << 16):
            self.rest += piece
        found, self.rest = self.rest, b""
        return found

    def send(self, data: bytes) -> None:
        self.channel.sendall(data)

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode()

    def header(self, name: str) -> list[str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [v.strip() for k, _, v in (x.partition(":") for x in lines) if k.lower() == name]


class Engine:
    """Takes connections on a socket, and has each handled in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = f"unix://{path}"
        self.heard: list[Heard] = []
        self.handler: Handler = lambda heard: heard.send(OK)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o777)
        self._listener.listen(4096)
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Be away."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                channel, _ = self._listener.accept()
                threading.Thread(target=self._one, args=(channel,), daemon=True).start()

    def _one(self, channel: socket.socket) -> None:
        heard = Heard(channel)
        with closing(channel), suppress(OSError):
            if heard.read_head():
                self.heard.append(heard)
                self.handler(heard)
        heard.ended.set()

    @property
    def lines(self) -> list[str]:
        """The first lines of all requests that came."""
        return [one.line for one in self.heard]


class Client:
    """Sends bytes to the gate, and reads what comes."""

    def __init__(self, path: Path) -> None:
        self.channel = socket.socket(socket.AF_UNIX)
        self.channel.settimeout(LIMIT)
        try:
            self.channel.connect(str(path))
        except OSError:
            self.channel.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def send(self, data: bytes) -> Self:
        """Send it, as far as the gate still takes any."""
        with suppress(BrokenPipeError):
            self.channel.sendall(data)
        return self

    def end(self) -> Self:
        with suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)
        return self

    def read(self, count: int) -> bytes:
        """So many bytes, or less at the end."""
        data = b""
        while len(data) < count and (piece := self.channel.recv(count - len(data))):
            data += piece
        return data

    def read_until(self, what: bytes) -> bytes:
        data = b""
        while what not in data and (piece := self.channel.recv(1 << 16)):
            data += piece
        return data

    def read_all(self) -> bytes:
        data = bytearray()
        with suppress(ConnectionResetError):
            while piece := self.channel.recv(1 << 16):
                data += piece
        return bytes(data)


class Opened:
    """A gate, with a judge that a test may replace and that keeps what it was asked."""

    def __init__(
        self,
        folder: Path,
        address: str,
        subject: Subject | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.calls: list[Call] = []
        self.folder = folder
        self.judge: Callable[[Call], None] = self.let_through
        place = folder / "gate"
        place.mkdir(mode=0o700)
        subject = subject or current_subject()
        if os.geteuid() == 0:
            os.chown(place, subject.uid, subject.gid)
        self.gate = Gate(
            subject, environ or os.environ, address, place, self._judge, process=GateProcess()
        )
        self.gate.ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.close()

    def _judge(self, call: Call) -> None:
        self.calls.append(call)
        if not call.unreadable:
            self.judge(call)

    @staticmethod
    def let_through(call: Call) -> None:
        call.relay()

    def connect(self) -> Client:
        return Client(self.gate.path)

    def ask(self, data: bytes, *, end: bool = False) -> bytes:
        """Send bytes, and read the whole answer."""
        with self.connect() as client:
            client.send(data)
            if end:
                client.end()
            return client.read_all()

    @property
    def asked(self) -> list[str]:
        """What the judge was asked, by method and path."""
        return [f"{c.request.method} {c.request.path}" for c in self.calls if not c.unreadable]

    @property
    def unreadable(self) -> list[str]:
        return [c.unreadable for c in self.calls if c.unreadable]

    def memory(self, what: str = "VmHWM") -> int:
        """KiB of its process's memory, at most so far."""
        status = Path(f"/proc/{self.gate.pid}/status").read_text("ascii")
        line = next(one for one in status.splitlines() if one.startswith(f"{what}:"))
        return int(line.split()[1])


def ask_as(uid: int, gid: int, path: Path, data: bytes) -> bytes:
    """What another person's process gets for it; only root can tell."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            with Client(path) as client:
                os.write(theirs, client.send(data).read_all())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        got = answer.read()
    os.waitpid(child, 0)
    return got


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    """A request as a client sends it; without a length where the headers say one."""
    method, _, target = line.partition(" ")
    lines = [f"{method} {target} HTTP/1.1", "Host: docker", *headers]
    if body and not any(h.lower().startswith(("content-l", "transfer")) for h in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


ATTACH = request("POST /v1.41/containers/x/attach?stream=1", "Upgrade: tcp", "Connection: Upgrade")
STOP = request("POST /v1.41/containers/x/stop")


def silent_after_first(heard: Heard) -> None:
    """An engine that begins a long answer, and then waits for the client's hang-up."""
    heard.send(LONG + b"5\r\nfirst\r\n")
    while heard.channel.recv(1 << 16):
        pass  # to the end that the client's hang-up is
