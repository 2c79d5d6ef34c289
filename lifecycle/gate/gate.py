"""The harness's side of a gate: its process, and the conversations that it opens."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import h11

import lifecycle
from lifecycle.gate import frames
from lifecycle.gate.request import Request, from_json
from lifecycle.machine.procfs import stopped
from lifecycle.machine.subject import Subject, spawn_identity

START_LIMIT = 30.0
"""Seconds that a gate's process may take to say whether it is open."""
STOP_LIMIT = 5.0
"""Seconds that a gate's process may take to end, before it is killed."""
_PLACES = lifecycle.__file__, h11.__file__, getattr(find_spec("hpack"), "origin", None)
"""Where the process finds what it imports."""
_PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[3:]; "
    "from lifecycle.gate.process import main; main(int(sys.argv[1]), int(sys.argv[2]))"
)
_STEERING = ("DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH", "DOCKER_CONTEXT")
"""Variables by which the CLI would choose or encrypt its way: the gate's is a socket here."""


class GateError(Exception):
    """The gate is missing, or another took its place; the message says why."""


@dataclass(frozen=True)
class Heard:
    """Something on a connection to BuildKit: what a client asks of it, or the answer to that.

    ``stream`` tells one call from another; ``message`` is empty where there was none.
    """

    what: Literal["asks", "answers", "given up"]
    stream: int
    text: str
    """The method that is asked for, or why the connection is given up."""
    message: bytes


@dataclass(frozen=True)
class Answer:
    """What the engine answered. ``status`` is 0 where that is not known."""

    status: int
    body: str

    @property
    def known(self) -> bool:
        """Whether it answered at all; else it may have done what it was asked to."""
        return self.status != 0

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked to."""
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def made(self) -> str:
        """The id of the thing that it made; empty where it made none or does not say."""
        if not self.ok:
            return ""
        try:
            answer = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        return str(answer.get("Id") or "") if isinstance(answer, dict) else ""


class Call:
    """One request that waits for a judgement, seen by whoever judges."""

    def __init__(self, channel: socket.socket) -> None:
        """Read the request; raises ClosedError where the client has gone."""
        self._channel = channel
        question = frames.receive_json(channel)
        self.unreadable = str(question.get("unreadable", ""))
        """Why it is no request; nothing is to be answered then."""
        self.request = from_json(question) if not self.unreadable else _NOTHING
        self.body = str(question.get("body", "")).encode("utf-8", "surrogateescape")
        self.archive: Mapping[str, Any] = question.get("archive", {})
        """What is told of an archive of images, as ``Spool.listed`` does."""

    def refuse(self, message: str, status: int = 403) -> None:
        """Answer in the engine's place."""
        frames.send_json(self._channel, {"refuse": message, "status": status})

    def relay(self, target: str = "", body: bytes | None = None) -> None:
        """Let it through; what comes of it is not looked at."""
        self._let(target, body, "")

    def relay_and_wait(self, target: str = "", body: bytes | None = None) -> Answer:
        """Let it through; the client gets the answer after :meth:`release`."""
        self._let(target, body, "wait")
        try:
            outcome = frames.receive_json(self._channel)
        except frames.ClosedError:
            outcome = {}  # the gate is gone: the engine may have done it all the same
        return Answer(outcome.get("status", 0), outcome.get("body", outcome.get("failed", "")))

    def relay_and_follow(
        self, target: str = "", body: bytes | None = None, *, hold: bool = False
    ) -> Iterator[bytes]:
        """Let it through, and read the answer's bytes as the client gets them.

        They end where the answer does, and where the gate is gone. ``hold``: the client gets none
        of them before :meth:`release`.
        """
        self._let(target, body, "hold" if hold else "follow")
        with suppress(frames.ClosedError):
            piece = frames.receive(self._channel)
            if piece.startswith(b'{"failed"'):
                return
            while piece:
                yield piece
                piece = frames.receive(self._channel)

    def relay_and_hear(self) -> Iterator[Heard]:
        """Let a connection to BuildKit through; each thing heard waits for :meth:`reply`."""
        self._let("", None, "hear")
        with suppress(frames.ClosedError):
            while True:
                head = frames.receive_json(self._channel)
                message = frames.receive(self._channel)
                if "asks" in head:
                    yield Heard("asks", head["stream"], head["asks"], message)
                elif "answers" in head:
                    yield Heard("answers", head["answers"], "", message)
                elif "given_up" in head:
                    yield Heard("given up", 0, head["given_up"], b"")

    def reply(self, *, build: str = "") -> None:
        """Let a message pass; ``build`` is the id of a build that begins."""
        frames.send_json(self._channel, {"build": build})

    def release(self, instead: bytes = b"") -> None:
        """What was made is written down: the client may know.

        ``instead`` is what it gets in place of an answer that was held or waited for; of one that
        was followed, what it gets in a chunk of its own before the end.
        """
        with suppress(frames.ClosedError):
            frames.send(self._channel, instead)

    def _let(self, target: str, body: bytes | None, then: str) -> None:
        sent = (self.body if body is None else body).decode("utf-8", "surrogateescape")
        order = {"target": target or self.request.target, "body": sent, "then": then}
        frames.send_json(self._channel, order)


_NOTHING = Request("", "", "", (), (), None)
Judge = Callable[[Call], None]


class GateProcess:
    """A gate's process, which is nobody's yet; it takes as long to start as its imports do."""

    def __init__(self) -> None:
        """Start it; raises GateError."""
        self.orders, orders = socket.socketpair()
        self.calls, calls = socket.socketpair()
        places = dict.fromkeys(str(Path(where).parents[1]) for where in _PLACES if where)
        words = [sys.executable, "-I", "-S", "-c", _PROGRAM]
        fds = (orders.fileno(), calls.fileno())
        try:
            self.popen = subprocess.Popen(
                [*words, *map(str, fds), *places],
                executable="/proc/self/exe",  # this very one, also where its path is closed to us
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={},
                pass_fds=fds,
                start_new_session=True,
            )
        except OSError as error:
            raise GateError(f"the gate could not be started: {error}") from error
        finally:
            orders.close()
            calls.close()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self.popen.poll() is None

    def close(self) -> None:
        """End it, and with it whatever still goes through it."""
        self.orders.close()
        self.calls.close()
        try:
            self.popen.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(STOP_LIMIT)


class Gate:
    """A gate that is open for one subject."""

    def __init__(  # noqa: PLR0913 - who asks, which way it leads, and who judges
        self,
        subject: Subject,
        environ: Mapping[str, str],
        engine: str,
        folder: Path,
        judge: Judge,
        *,
        process: GateProcess,
    ) -> None:
        """Make a process the subject's.

        ``folder`` is the subject's alone; ``environ`` is what reaches the engine at its address;
        ``judge`` is called for each request that does more than read, in a thread of its own.
        """
        self.path = folder / "docker.sock"
        self._engine, self._judge = engine, judge
        self._process = process
        self._asking = threading.Lock()
        begin = {
            "socket": str(self.path),
            "address": engine,
            "environ": dict(environ),
            "identity": _identity(subject),
        }
        with suppress(frames.ClosedError):  # one that is gone is told of by check()
            frames.send_json(process.orders, begin)
        self._socket_status: os.stat_result | None = None
        self.refusal = ""
        """Why the subject can't reach the engine at all, as of when it was asked last."""
        self._thread = threading.Thread(target=self._listen, name="gate", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.popen.pid

    def ready(self) -> None:
        """Wait until it takes requests; raises GateError."""
        if self._socket_status is None:
            self._take_refusal()
            self._socket_status = self.path.lstat()

    def address(self) -> str:
        """To what DOCKER_HOST points: the gate, or the engine where the subject can't reach it.

        Raises GateError where the gate is gone or another is in its place.
        """
        self.ready()
        self.check()
        if self.refusal:
            with self._asking:
                with suppress(frames.ClosedError):
                    frames.send(self._process.orders, b"")
                self._take_refusal()
        return self._engine if self.refusal else f"unix://{self.path}"

    def environ(self, env: Mapping[str, str]) -> dict[str, str]:
        """An environment whose docker goes through the gate. Raises GateError."""
        address = self.address()
        steering = () if address == self._engine else _STEERING
        return {k: v for k, v in env.items() if k not in steering} | {"DOCKER_HOST": address}

    def check(self) -> None:
        """Raise GateError unless it is there, as it was opened.

        While it lives its socket keeps the file's number, which no other gets.
        """
        code = self._process.popen.poll()
        if code is not None:
            how = f"by signal {-code}" if code < 0 else f"with exit {code}"
            raise GateError(f"the gate was ended {how}: nothing reaches the engine any more")
        if stopped(self.pid):
            raise GateError("the gate was stopped by a signal: nothing reaches the engine any more")
        if self._socket_status is None:
            return  # nobody has used it yet
        try:
            now = self.path.lstat()
        except OSError:
            now = None
        if now is None or not os.path.samestat(now, self._socket_status):
            raise GateError("the gate's socket was taken away or replaced while the run went on")

    def shown(self, text: str) -> str:
        """A text in which the gate's address is the engine's."""
        return text.replace(f"unix://{self.path}", self._engine).replace(
            str(self.path), self._engine.removeprefix("unix://")
        )

    def close(self) -> None:
        """End it, and with it whatever still goes through it."""
        self._process.close()
        self._thread.join(STOP_LIMIT)

    def _take_refusal(self) -> None:
        self._process.orders.settimeout(START_LIMIT)
        try:
            report = frames.receive_json(self._process.orders)
        except frames.ClosedError:
            self.check()
            raise GateError("the gate does not answer") from None
        if "problem" in report:
            raise GateError(f"the gate could not be opened at {self.path}: {report['problem']}")
        self.refusal = report["refusal"]

    def _listen(self) -> None:
        while channel := frames.take_over(self._process.calls):
            try:
                threading.Thread(target=self._hear, args=(channel,), daemon=True).start()
            except RuntimeError:  # no more threads may run: its client is hung up on
                channel.close()

    def _hear(self, channel: socket.socket) -> None:
        with closing(channel), suppress(frames.ClosedError):
            self._judge(Call(channel))


def _identity(subject: Subject) -> dict[str, Any] | None:
    """Whom the process becomes; nobody else where it is them already."""
    if not spawn_identity(subject):
        return None
    return {"uid": subject.uid, "gid": subject.gid, "groups": list(subject.groups)}
