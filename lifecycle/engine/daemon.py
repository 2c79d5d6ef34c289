"""Asking the daemon, by the Docker SDK.

A method is one request (an inspect costs about 1 ms), to run something inside is three (50 ms);
each raises only :class:`EngineError`. "Not there" is ``None``, not an error.
"""

from __future__ import annotations

import io
import math
import os
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from docker.auth import get_config_header, resolve_repository_name
from docker.errors import NotFound
from docker.utils import decode_json_header

from lifecycle.engine import answers
from lifecycle.engine.answers import read, read_list
from lifecycle.engine.bounded import lift
from lifecycle.engine.client import EventSource, mapped, within
from lifecycle.engine.errors import EngineAway, EngineError, EngineSilent
from lifecycle.engine.limits import ANSWER_LIMIT
from lifecycle.engine.makings import Makings
from lifecycle.engine.removals import Removals
from lifecycle.engine.stream import ExecStream, unframed
from lifecycle.text.json_object import Json

P = ParamSpec("P")
R = TypeVar("R")
DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
INSIDE = 2
"""How many times as long an exec of ours may take, of which each piece is waited for as usual."""


@dataclass(frozen=True)
class ExecOutcome:
    """What an exec of ours came to: its exit code and all it printed."""

    exit_code: int | None
    output: str


def _once(ask: Callable[[Daemon, str], Json | None]) -> Callable[[Daemon, str], Json | None]:
    """Keep the answer within :meth:`Daemon.asked_once`."""

    @wraps(ask)
    def answer(self: Daemon, name: str) -> Json | None:
        known: dict[Any, Json | None] = getattr(self._answers, "known", {})
        if (ask, name) not in known:
            known[ask, name] = ask(self, name)
        return known[ask, name]

    return answer


def _entering(
    method: Callable[Concatenate[Daemon, str, P], R],
) -> Callable[Concatenate[Daemon, str, P], R]:
    """Enter a container, or copy from it, only where nobody objects to it."""

    @wraps(method)
    def enter(self: Daemon, container: str, /, *args: P.args, **kwargs: P.kwargs) -> R:
        objection = self.objection_to_entering(container)
        if objection:
            raise EngineError(objection)
        return method(self, container, *args, **kwargs)

    return enter


class Daemon(Makings, Removals):
    """One engine, by its address. Safe to use from several threads."""

    def __init__(
        self, address: str, environ: Mapping[str, str], *, limit: float = ANSWER_LIMIT
    ) -> None:
        """Prepare it; nothing is asked until the first call. See the client."""
        super().__init__(address, environ, limit)
        self.own_execs: set[str] = set()
        """Ids of the execs that we made to look, so that they are not taken for somebody's."""
        self._making_exec = threading.Lock()
        self.objection_to_entering: Callable[[str], str] = lambda _container: ""
        """Why a container is not to be entered or copied from, by its name or id; else empty."""
        self._answers = threading.local()

    @contextmanager
    def asked_once(self) -> Iterator[None]:
        """Within it nothing is done to the engine: a thing is inspected once by this thread."""
        self._answers.known = {}
        try:
            yield
        finally:
            del self._answers.known

    @cached_property
    @mapped
    def info(self) -> Json:
        """``docker info``, asked once."""
        return read(self._api.info(), answers.INFO, "info")

    @cached_property
    @mapped
    def version(self) -> Json:
        """``docker version`` of the server, asked once."""
        return read(self._api.version(), answers.VERSION, "version")

    @property
    def shares_machine(self) -> bool:
        """Whether the engine runs on this machine and sees our files and processes."""
        here = os.uname()
        return (
            self.address.startswith("unix://")
            and self.info.get("KernelVersion") == here.release
            and self.info.get("Name") in {here.nodename, socket.gethostname()}
        )

    @property
    def remaps_users(self) -> str:
        """``rootless`` or ``userns`` when a uid inside is another one outside; else empty."""
        options = self.info.get("SecurityOptions") or []
        return next((n for n in ("rootless", "userns") if f"name={n}" in options), "")

    @property
    def equals_root(self) -> bool:
        """Whether whoever may use this engine can do as root does on its machine.

        They can mount its root folder into a container and be uid 0 there; only an engine that
        remaps users is not root's equal.
        """
        return not self.remaps_users

    # -- what is there -------------------------------------------------------------------

    @_once
    @mapped
    def container(self, name: str) -> Json | None:
        """Inspect a container by name, id or id prefix."""
        try:
            return read(self._api.inspect_container(name), answers.CONTAINER, "container")
        except NotFound:
            return None

    @_once
    @mapped
    def image(self, name: str) -> Json | None:
        """Inspect an image by tag, digest or id."""
        try:
            answer: Any = self._api.inspect_image(name)  # type: ignore[no-untyped-call]
            return read(answer, answers.IMAGE, "image")
        except NotFound:
            return None

    @_once
    @mapped
    def volume(self, name: str) -> Json | None:
        """Inspect a volume."""
        try:
            return read(self._api.inspect_volume(name), answers.VOLUME, "volume")
        except NotFound:
            return None

    @_once
    @mapped
    def network(self, name: str) -> Json | None:
        """Inspect a network."""
        try:
            return read(self._api.inspect_network(name), answers.NETWORK, "network")
        except NotFound:
            return None

    @mapped
    def exec(self, exec_id: str) -> Json | None:
        """Inspect an exec; it is forgotten a few minutes after its end."""
        try:
            return self._exec(exec_id)
        except NotFound:
            return None

    @mapped
    def registry_digest(self, name: str, auth: str | None = None) -> str:
        """The digest a registry gives for a tag, without pulling it.

        ``auth`` is the header ``X-Registry-Auth`` of whoever wants to pull it; else our own.
        """
        api: Any = self._api
        known = get_config_header(api, resolve_repository_name(name)[0]) if auth is None else auth
        headers = {"X-Registry-Auth": known} if known else {}
        answer = api._get(api._url("/distribution/{0}/json", name), headers=headers)  # noqa: SLF001
        distribution = api._result(answer, json=True)  # noqa: SLF001
        return str((distribution.get("Descriptor") or {}).get("digest") or "")

    @mapped
    def containers(self) -> list[Json]:
        """Every container, running or not, in the short form of ``GET /containers/json``."""
        return read_list(self._api.containers(all=True), answers.LISTED_CONTAINER, "containers")

    @mapped
    def images(self) -> list[Json]:
        """Every image, in the short form of ``GET /images/json``."""
        return read_list(self._api.images(), answers.LISTED_IMAGE, "images")

    @mapped
    def volumes(self) -> list[Json]:
        """Every volume."""
        answer = read(self._api.volumes(), answers.VOLUMES, "volumes")
        return cast("list[Json]", answer["Volumes"])

    @mapped
    def networks(self) -> list[Json]:
        """Every network."""
        return read_list(self._api.networks(), answers.LISTED_NETWORK, "networks")

    @mapped
    def history(self, name: str) -> tuple[str, ...]:
        """The commands that made an image, the oldest first."""
        answer: Any = self._api.history(name)  # type: ignore[no-untyped-call]
        layers = read_list(answer, answers.LAYER, "history")
        return tuple(str(layer.get("CreatedBy") or "") for layer in reversed(layers))

    @mapped
    def log(self, container: str, *, lines: int, until: float | None) -> str:
        """The newest lines of a container's log, each with its time, from before a time."""
        end = None if until is None else math.ceil(until)
        text = self._api.logs(container, timestamps=True, tail=lines, until=end)
        return text.decode("utf-8", "replace")

    # -- inside a container --------------------------------------------------------------

    def _begun(self, container: str, argv: Sequence[str], **how: Any) -> str:
        """Make an exec of ours, which is not yet started; its id."""
        with self._making_exec:
            made = self._api.exec_create(container, list(argv), **how)
            exec_id = str(read(made, answers.MADE, "exec")["Id"])
            self.own_execs.add(exec_id)
        return exec_id

    def is_own_exec(self, exec_id: str) -> bool:
        """Whether we made an exec to look; the engine's event may come before its answer to us."""
        with self._making_exec:
            return exec_id in self.own_execs

    def _exec(self, exec_id: str) -> Json:
        return read(self._api.exec_inspect(exec_id), answers.EXEC, "exec")

    @within(INSIDE)
    @_entering
    def run_inside(
        self,
        container: str,
        argv: Sequence[str],
        *,
        user: str = "",
        env: Mapping[str, str] | None = None,
        workdir: str | None = None,
    ) -> ExecOutcome:
        """Run a command inside, as ``docker exec`` does, and wait for its end.

        ``user`` and ``workdir`` default to the container's own.
        """
        exec_id = self._begun(
            container, argv, user=user, environment=dict(env or {}), workdir=workdir
        )
        stream = ExecStream(self._api.exec_start(exec_id, socket=True))
        try:
            output = unframed(stream.rest())
        finally:
            stream.close()
        state = self._exec(exec_id)
        return ExecOutcome(state.get("ExitCode"), output.decode("utf-8", "replace"))

    @mapped
    @_entering
    def open_inside(self, container: str, argv: Sequence[str], *, user: str = "") -> ExecStream:
        """Start a command inside, and return both directions of its stream."""
        exec_id = self._begun(container, argv, user=user, stdin=True)
        stream = ExecStream(self._api.exec_start(exec_id, socket=True))
        stream.lift()
        return stream

    @mapped
    @_entering
    def start_inside(self, container: str, argv: Sequence[str], *, user: str = "") -> str:
        """Start a command inside and return at once with the exec's id."""
        exec_id = self._begun(container, argv, user=user)
        self._api.exec_start(exec_id, detach=True)
        return exec_id

    @mapped
    @_entering
    def stat(self, container: str, path: str) -> Json | None:
        """Stat a path in a container, running or not, with or without a shell (about 1 ms).

        Keys: name, size, mode (Go's bits), mtime, linkTarget. ``HEAD /containers/ID/archive``.
        """
        api: Any = self._api
        url = api._url("/containers/{0}/archive", container)  # noqa: SLF001 - no public way
        answer = api.head(url, params={"path": path}, timeout=self.limit)
        if answer.status_code == 404:  # noqa: PLR2004
            return None
        answer.raise_for_status()
        status = decode_json_header(answer.headers["X-Docker-Container-Path-Stat"])
        return read(status, answers.STAT, "archive")

    @mapped
    @_entering
    def read_file(self, container: str, path: str) -> bytes | None:
        """The content of one regular file in a container (about 40 ms, no shell needed)."""
        try:
            stream, _ = self._api.get_archive(container, path)
        except NotFound:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            member = tar.next()
            file = tar.extractfile(member) if member else None
            return file.read() if file else None

    @mapped
    @_entering
    def owner(self, container: str, path: str) -> tuple[int, int, int] | None:
        """The uid, gid and mode of a path in a container, from the head of its archive."""
        try:
            stream, _ = self._api.get_archive(container, path)
        except NotFound:
            return None
        chunks: Iterator[bytes] = iter(stream)
        head = b""
        while len(head) < tarfile.RECORDSIZE and (chunk := next(chunks, b"")):
            head += chunk
        cast("Any", stream).close()  # of a folder, all that is in it would follow
        with tarfile.open(fileobj=io.BytesIO(head)) as tar:
            member = tar.next()
            return (member.uid, member.gid, member.mode & 0o7777) if member else None

    @within(INSIDE)
    @_entering
    def talk_inside(  # noqa: PLR0913 - an exec and both sides of its talk
        self,
        container: str,
        argv: Sequence[str],
        *,
        user: str,
        prompt: bytes,
        answer: bytes,
        enough: bytes,
        env: Mapping[str, str],
    ) -> ExecOutcome:
        """Run a command on a terminal inside, answering one prompt, until it prints ``enough``.

        Used to authenticate with a password, which must not stand in an argument.
        """
        how = {"user": user, "tty": True, "stdin": True, "environment": dict(env)}
        exec_id = self._begun(container, argv, **how)
        stream = ExecStream(self._api.exec_start(exec_id, tty=True, socket=True))
        output, answered = b"", False
        try:
            while enough not in output and (chunk := stream.read()):
                output += chunk
                if not answered and prompt in output.lower():
                    stream.send(answer + b"\n")
                    answered = True
        finally:
            stream.close()
        state = self._exec(exec_id)
        return ExecOutcome(state.get("ExitCode"), output.decode("utf-8", "replace"))

    # -- what happens --------------------------------------------------------------------

    @mapped
    def events(self, since: float) -> EventSource:
        """Open the event stream; what happened since ``since`` (epoch seconds) comes first."""
        api: Any = self._api  # its own way has no limit for the answer's beginning
        answer = api._get(api._url("/events"), params={"since": int(since)}, stream=True)  # noqa: SLF001
        lift(answer)
        api._disable_socket_timeout(api._get_raw_response_socket(answer))  # noqa: SLF001
        return EventSource(answer)


__all__ = [
    "DEFAULT_ADDRESS",
    "Daemon",
    "EngineAway",
    "EngineError",
    "EngineSilent",
    "EventSource",
    "ExecOutcome",
]
