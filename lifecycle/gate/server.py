"""The gate's process: it takes each request, has it judged, and relays it to the engine.

One request a connection, and one connection to the engine for each: nothing that follows a
request can be taken for another one. Reading is relayed at once; all else is a conversation with
the harness, which alone knows what the run made. Where the harness is gone, nothing is relayed.
"""

from __future__ import annotations

import resource
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import Any

import h11

from lifecycle.gate import frames, relay
from lifecycle.gate.archive import Spool
from lifecycle.gate.grpc import Conversation, Judging, Watched
from lifecycle.gate.incoming import DRAIN_LIMIT, Incoming
from lifecycle.gate.peer import objection
from lifecycle.gate.request import BadRequestError, Request, head
from lifecycle.gate.table import Act, Endpoint
from lifecycle.gate.upstream import Upstream, words_of

MOST_AT_ONCE = 512
"""Connections that are served at a time; more wait."""
FULL_LIMIT = 30.0
"""Seconds that a client waits while no place is free; then it is told so."""
_TURNED_AWAY_AT_ONCE = 16
_FILES_OF_ONE = 5
"""Descriptors that one connection may need."""
_FILES_OF_ALL = 64
_PAUSE = 0.05
"""Seconds until it is looked whether a descriptor is free again."""
MOST_BODY = 2 << 20
"""Bytes of a body that is judged: in a frame each may become six."""
MOST_ANSWER = 1 << 20
"""Bytes of an answer that says what was made."""
_OF_AN_ANSWER = (h11.InformationalResponse, h11.Response, h11.Data, h11.EndOfMessage)
_HIJACKED = b"application/vnd.docker.raw-stream", b"application/vnd.docker.multiplexed-stream"


class Server:
    """Serves one subject's socket until its harness goes."""

    def __init__(self, listener: socket.socket, calls: socket.socket, upstream: Upstream) -> None:
        """``calls`` is where conversations are opened with the harness."""
        self._listener, self._calls, self._upstream = listener, calls, upstream
        self._most = _places()
        self._places = threading.Semaphore(self._most)
        self._was_free = time.monotonic()
        """When a place was free last."""
        self._turning_away = threading.Semaphore(_TURNED_AWAY_AT_ONCE)
        self._builds: set[str] = set()
        """The ids of BuildKit's builds that went through here."""

    def serve(self) -> None:
        """Serve connections; a failure ends its own connection only."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # it hung up meanwhile, or no descriptor is free
                time.sleep(_PAUSE)  # nothing tells of a descriptor that is free again
                continue
            why = objection(client)
            if why:
                self._turn_away(client, 403, why)
            elif self._takes_place():
                _in_thread(self._places, client, lambda one: self._one(Incoming(one)))
            else:
                full = f"the gate serves {self._most} connections of this run already"
                self._turn_away(client, 503, f"{full}: end some of them")

    def _takes_place(self) -> bool:
        """Wait for a place; False when none has been free for long."""
        left = self._was_free + FULL_LIMIT - time.monotonic()
        taken = self._places.acquire(timeout=max(0.0, left))
        if taken:
            self._was_free = time.monotonic()
        return taken

    def _turn_away(self, client: socket.socket, status: int, why: str) -> None:
        """Answer one that is not served, which takes no place; of very many most are hung up on."""

        def answer(client: socket.socket) -> None:
            incoming = Incoming(client)
            with suppress(BadRequestError):
                incoming.head(DRAIN_LIMIT)  # Go's client takes no answer before it has asked
            incoming.refuse(status, why)

        if self._turning_away.acquire(blocking=False):
            _in_thread(self._turning_away, client, answer)
        else:
            client.close()

    def _one(self, incoming: Incoming) -> None:
        try:
            request = incoming.head()
            if request is None:
                return
            endpoint = request.endpoint
            if endpoint is not None and endpoint.act is Act.READ:
                self._read(incoming, request, endpoint)
            else:
                self._judged(incoming, request, endpoint)
        except BadRequestError as error:
            with closing(frames.hand_over(self._calls)) as call:
                frames.send_json(call, {"unreadable": str(error)})
                # It is noted before the client knows, so that its step tells.
                with suppress(frames.ClosedError):
                    frames.receive(call)
            incoming.refuse(400, f"the request can't be read: {error}")

    def _read(self, incoming: Incoming, request: Request, endpoint: Endpoint) -> None:
        body = incoming.body(MOST_BODY) if endpoint.body == "stream" else b""
        engine = self._connected(incoming)
        if engine is not None:
            with closing(engine):
                framing = f"Content-Length: {len(body)}" if body else ""
                sent = head(request.method, request.target, request.headers, framing, "")
                engine.sendall(sent + body)
                relay.answer(incoming.client, engine)
                relay.end(incoming.client)

    def _judged(self, incoming: Incoming, request: Request, endpoint: Endpoint | None) -> None:
        kind = endpoint.body if endpoint else "none"
        with closing(frames.hand_over(self._calls)) as call, Spool() as spool:
            asked = request.to_json()
            body = incoming.body(MOST_BODY) if kind == "json" else b""
            asked["body"] = body.decode("utf-8", "surrogateescape")
            if kind == "archive":
                spool.take(incoming.pieces())
                asked["archive"] = spool.listed()
            frames.send_json(call, asked)
            verdict = frames.receive_json(call)
            if "refuse" in verdict:
                incoming.refuse(verdict["status"], verdict["refuse"])
                return
            engine = self._connected(incoming, call)
            if engine is not None:
                with closing(engine):
                    judging = Conversation(call, self._builds, self._upstream.connect)
                    _Relayed(incoming, request, call, engine, verdict).run(spool, judging)

    def _connected(
        self, incoming: Incoming, call: socket.socket | None = None
    ) -> socket.socket | None:
        """A connection to the engine; else tell the client why, and return None."""
        try:
            return self._upstream.connect()
        except OSError as error:
            message = words_of(self._upstream.address, error)
            if call is not None:
                with suppress(frames.ClosedError):  # whoever does not wait for it has gone
                    frames.send_json(call, {"failed": message})
            incoming.refuse(503, message)
            return None


class _Relayed:
    """One request that was let through, as the harness wants it done."""

    def __init__(
        self,
        incoming: Incoming,
        request: Request,
        call: socket.socket,
        engine: socket.socket,
        verdict: Mapping[str, Any],
    ) -> None:
        self._incoming, self._request, self._call = incoming, request, call
        self._engine, self._verdict = engine, verdict
        self._client = incoming.client

    def run(self, spool: Spool, judging: Judging) -> None:
        """Send the request, and bring its answer; ``judging`` is for one to BuildKit."""
        try:
            self._run(spool, judging)
        except relay.TooLongError as error:
            with suppress(frames.ClosedError):  # whoever does not wait for it has gone
                frames.send_json(self._call, {"failed": str(error)})
            self._incoming.refuse(502, str(error))

    def _run(self, spool: Spool, judging: Judging) -> None:
        endpoint = self._request.endpoint
        streams = endpoint is not None and endpoint.body == "stream"
        body = self._verdict["body"].encode("utf-8", "surrogateescape")
        framing = f"Content-Length: {len(body)}" if body else ""
        framing = self._incoming.framing if streams else framing
        framing = "Transfer-Encoding: chunked" if spool.size else framing
        asked = self._request.header("upgrade").strip().lower()
        allowed = endpoint.upgrade if endpoint is not None else ""
        upgrade = allowed if allowed == asked else ""
        sent = head(
            self._request.method,
            self._verdict["target"],
            self._request.headers,
            framing,
            upgrade,
        )
        self._engine.sendall(sent + body)
        work = threading.Thread(target=self._incoming.pass_on, args=(self._engine,), daemon=True)
        if streams:
            work.start()
        elif spool.size:
            spool.send(self._engine)
        if allowed:
            self._open(judging)
        elif self._verdict["then"] == "wait":
            self._wait()
        elif self._verdict["then"] == "follow":
            self._follow(watch=not streams)
        elif self._verdict["then"] == "hold":
            self._hold()
        else:
            self._plain(watch=not streams)
        if streams:
            # A socket that is closed with bytes unread breaks the answer off.
            work.join(DRAIN_LIMIT)

    def _plain(self, *, watch: bool) -> None:
        if watch:
            relay.answer(self._client, self._engine)
            relay.end(self._client)
        else:
            relay.pump(self._engine, self._client)

    def _wait(self) -> None:
        """The harness writes down what was made before the client knows."""
        raw = relay.whole_answer(self._engine, MOST_ANSWER)
        frames.send_json(self._call, _answer(self._request, raw))
        instead = frames.receive(self._call)
        self._client.sendall(instead or raw)
        self._incoming.drain()

    def _follow(self, *, watch: bool) -> None:
        """The harness reads the answer as it comes, and may add to it before it ends."""
        endless = relay.Endless(self._client)

        def tee(piece: memoryview) -> None:
            frames.send(self._call, bytes(piece))

        try:
            if watch:
                relay.answer(self._client, self._engine, tee, endless)
            else:
                # Another thread reads what the client sends.
                relay.pass_on(self._engine, endless, tee)
        finally:
            frames.send(self._call, b"")
            more = frames.receive(self._call)
            with suppress(OSError):
                endless.finish(more)
            relay.end(self._client)

    def _hold(self) -> None:
        """The harness reads the answer, and says what the client gets; nothing: the answer."""
        with tempfile.SpooledTemporaryFile(MOST_ANSWER) as kept:
            try:
                for piece in relay.while_there(self._client, self._engine):
                    kept.write(piece)
                    frames.send(self._call, piece)
            finally:
                frames.send(self._call, b"")
                instead = frames.receive(self._call)
                kept.seek(0)
                pieces = [instead] if instead else iter(lambda: kept.read(relay.PIECE), b"")
                for one in pieces:
                    self._client.sendall(one)
                relay.end(self._client)

    def _open(self, judging: Judging) -> None:
        """A connection that becomes a stream of bytes both ways, if the engine says so."""
        raw = relay.head_of_answer(self._engine)
        head, end, first = raw.partition(b"\r\n\r\n")
        self._client.sendall(head + end)
        opened = bool(end) and _opens(head.lower())
        if opened and self._verdict["then"] == "hear":
            Watched(self._client, self._engine, judging).run(self._incoming.early, first)
            self._incoming.drain()
            return
        self._client.sendall(first)
        if opened:
            early = self._incoming.early
            if early:
                self._engine.sendall(early)
            relay.both_ways(self._client, self._engine)
        else:
            relay.end(self._engine)
            relay.pump(self._engine, self._client)


def _in_thread(
    places: threading.Semaphore, client: socket.socket, what: Callable[[socket.socket], None]
) -> None:
    """Do something with a client in a thread that gives its place back."""

    def run() -> None:
        try:
            # A client that goes away, or a harness that does, ends its own connection only.
            with closing(client), suppress(OSError, frames.ClosedError):
                try:
                    what(client)
                finally:
                    client.shutdown(socket.SHUT_RDWR)  # whoever still reads of it ends
        finally:
            places.release()

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError:  # no more threads may run
        client.close()
        places.release()


def _opens(head: bytes) -> bool:
    """Whether an answer says that the connection is a stream of bytes from now on."""
    status = head.split(b" ", 2)[1:2]
    return status == [b"101"] or (status == [b"200"] and any(kind in head for kind in _HIJACKED))


def _answer(request: Request, raw: bytes) -> dict[str, Any]:
    """The status and the body of a whole answer; status 0 where it broke off."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method=request.method, target="/", headers=[("Host", "docker")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(raw)
    reader.receive_data(b"")
    status, body = 0, b""
    with suppress(h11.RemoteProtocolError):
        while isinstance(event := reader.next_event(), _OF_AN_ANSWER):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return {"status": status, "body": body.decode("utf-8", "replace")}
    return {"status": 0, "body": ""}


def _places() -> int:
    """How many connections can be served at a time, with as many descriptors as we may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_AT_ONCE * _FILES_OF_ONE + _FILES_OF_ALL
    if hard != resource.RLIM_INFINITY:
        wanted = min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, (wanted - _FILES_OF_ALL) // _FILES_OF_ONE)
