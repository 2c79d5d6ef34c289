"""Asking the daemon: the only importer of the Docker SDK.

Every method is one request (an inspect costs about 1 ms, an exec 50) and raises only
:class:`EngineError`. "Not there" is ``None``, not an error.
"""

from __future__ import annotations

import io
import os
import socket
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar, cast

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.utils import decode_json_header
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import RequestException

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
Json = dict[str, Any]


class EngineError(Exception):
    """The engine refused, or could not be reached; the message is its own words."""


def _mapped(method: Callable[P, R]) -> Callable[P, R]:
    """Turn every exception of the SDK and of its HTTP library into :class:`EngineError`."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except APIError as error:
            raise EngineError(str(error.explanation or error)) from error
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise EngineError(_plain(error)) from error

    return call


def _plain(error: BaseException) -> str:
    """The innermost cause, which is what the operating system said."""
    while error.__cause__ or error.__context__:
        error = cast("BaseException", error.__cause__ or error.__context__)
    return f"{error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)


@dataclass(frozen=True)
class ExecOutcome:
    """What an exec of ours came to: its exit code and all it printed."""

    exit_code: int | None
    output: str


class Daemon:
    """One engine, by its address. Safe to use from several threads."""

    def __init__(self, address: str, environ: Mapping[str, str], *, timeout: float = 60) -> None:
        """Prepare a client; nothing is asked until the first call.

        ``environ`` supplies DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. Raises EngineError for an
        address of no known kind.
        """
        self.address = address
        self._environ = {**environ, "DOCKER_HOST": address}
        self._timeout = timeout
        self.own_execs: set[str] = set()
        """Ids of the execs that we made to look, so that they are not taken for somebody's."""

    @cached_property
    def _client(self) -> docker.DockerClient:
        return docker.from_env(
            environment=self._environ, timeout=int(self._timeout), use_ssh_client=True
        )

    @property
    def _api(self) -> docker.APIClient:
        return self._client.api

    @cached_property
    @_mapped
    def info(self) -> Json:
        """``docker info``, asked once."""
        return self._api.info()

    @cached_property
    @_mapped
    def version(self) -> Json:
        """``docker version`` of the server, asked once."""
        return self._api.version()

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

    # -- what is there -------------------------------------------------------------------

    @_mapped
    def container(self, name: str) -> Json | None:
        """Inspect a container by name, id or id prefix."""
        try:
            return cast("Json", self._api.inspect_container(name))
        except NotFound:
            return None

    @_mapped
    def image(self, name: str) -> Json | None:
        """Inspect an image by tag, digest or id."""
        try:
            return cast("Json", self._api.inspect_image(name))  # type: ignore[no-untyped-call]
        except NotFound:
            return None

    @_mapped
    def volume(self, name: str) -> Json | None:
        """Inspect a volume."""
        try:
            return self._api.inspect_volume(name)
        except NotFound:
            return None

    @_mapped
    def network(self, name: str) -> Json | None:
        """Inspect a network."""
        try:
            return cast("Json", self._api.inspect_network(name))
        except NotFound:
            return None

    @_mapped
    def exec(self, exec_id: str) -> Json | None:
        """Inspect an exec; it is forgotten a few minutes after its end."""
        try:
            return self._api.exec_inspect(exec_id)
        except NotFound:
            return None

    @_mapped
    def registry_digest(self, name: str) -> str:
        """The digest a registry gives for a tag, without pulling it."""
        return str(self._client.images.get_registry_data(name).id)

    @_mapped
    def containers(self) -> list[Json]:
        """Every container, running or not, in the short form of ``GET /containers/json``."""
        return cast("list[Json]", self._api.containers(all=True))

    @_mapped
    def images(self) -> list[Json]:
        """Every image, in the short form of ``GET /images/json``."""
        return cast("list[Json]", self._api.images())

    @_mapped
    def volumes(self) -> list[Json]:
        """Every volume."""
        return cast("list[Json]", self._api.volumes().get("Volumes") or [])

    @_mapped
    def networks(self) -> list[Json]:
        """Every network."""
        return cast("list[Json]", self._api.networks())

    # -- inside a container --------------------------------------------------------------

    @_mapped
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
        made = self._api.exec_create(
            container, list(argv), user=user, environment=dict(env or {}), workdir=workdir
        )
        self.own_execs.add(made["Id"])
        output = self._api.exec_start(made["Id"])
        state = self._api.exec_inspect(made["Id"])
        return ExecOutcome(state.get("ExitCode"), output.decode("utf-8", "replace"))

    @_mapped
    def start_inside(self, container: str, argv: Sequence[str], *, user: str = "") -> str:
        """Start a command inside and return at once with the exec's id."""
        made = self._api.exec_create(container, list(argv), user=user)
        self.own_execs.add(made["Id"])
        self._api.exec_start(made["Id"], detach=True)
        return str(made["Id"])

    @_mapped
    def stat(self, container: str, path: str) -> Json | None:
        """Stat a path in a container, running or not, with or without a shell (about 1 ms).

        Keys: name, size, mode (Go's bits), mtime, linkTarget. ``HEAD /containers/ID/archive``.
        """
        api: Any = self._api
        url = api._url("/containers/{0}/archive", container)  # noqa: SLF001 - no public way
        answer = api.head(url, params={"path": path}, timeout=self._timeout)
        if answer.status_code == 404:  # noqa: PLR2004
            return None
        answer.raise_for_status()
        return cast("Json", decode_json_header(answer.headers["X-Docker-Container-Path-Stat"]))

    @_mapped
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

    @_mapped
    def talk_inside(  # noqa: PLR0913 - an exec and both sides of its talk
        self,
        container: str,
        argv: Sequence[str],
        *,
        user: str,
        prompt: bytes,
        answer: bytes,
        env: Mapping[str, str],
    ) -> ExecOutcome:
        """Run a command on a terminal inside, answering one prompt.

        Used to authenticate with a password, which must not stand in an argument.
        """
        made = self._api.exec_create(
            container, list(argv), user=user, tty=True, stdin=True, environment=dict(env)
        )
        self.own_execs.add(made["Id"])
        raw: Any = self._api.exec_start(made["Id"], tty=True, socket=True)
        stream: socket.socket = getattr(raw, "_sock", raw)
        stream.settimeout(self._timeout)
        seen, answered = b"", False
        try:
            while chunk := stream.recv(4096):
                seen += chunk
                if not answered and prompt in seen.lower():
                    stream.sendall(answer + b"\n")
                    answered = True
        finally:
            stream.close()
            _release(raw)
        state = self._api.exec_inspect(made["Id"])
        return ExecOutcome(state.get("ExitCode"), seen.decode("utf-8", "replace"))

    # -- what happens --------------------------------------------------------------------

    @_mapped
    def events(self, since: float) -> EventSource:
        """Open the event stream; what happened since ``since`` (epoch seconds) comes first."""
        return EventSource(self._api.events(decode=True, since=int(since)))

    # -- clean-up: called by the ledger's owner only ------------------------------------------

    @_mapped
    def remove_container(self, container: str) -> None:
        """Force-remove a container with its anonymous volumes."""
        try:
            self._api.remove_container(container, v=True, force=True)
        except NotFound:
            return

    @_mapped
    def remove_image(self, name: str) -> None:
        """Remove a tag, and the image when it was the last tag."""
        try:
            self._api.remove_image(name)
        except NotFound:
            return

    @_mapped
    def remove_volume(self, name: str) -> None:
        """Remove a volume."""
        try:
            self._api.remove_volume(name)
        except NotFound:
            return

    @_mapped
    def remove_network(self, name: str) -> None:
        """Remove a network."""
        try:
            self._api.remove_network(name)
        except NotFound:
            return

    def close(self) -> None:
        """Drop the connections."""
        if "_client" in self.__dict__:
            self._client.close()


def _release(stream: Any) -> None:
    """Close the HTTP answer behind a stream of the SDK, which by itself only drops it."""
    response = getattr(stream, "_response", None)
    if response is not None:
        # A socket that was closed under it can't be read to its end any more.
        with suppress(ValueError, OSError):
            response.close()


class EventSource:
    """The daemon's event stream; iterating blocks, closing from another thread ends it."""

    def __init__(self, stream: Any) -> None:
        """Wrap the SDK's cancellable stream."""
        self._stream = stream

    def __iter__(self) -> Iterator[Json]:
        """Yield events until the stream is closed or the daemon goes away."""
        try:
            yield from self._stream
        except (DockerException, RequestException, RequestsConnectionError, OSError, ValueError):
            return
        finally:
            _release(self._stream)

    def close(self) -> None:
        """End the iteration."""
        try:
            self._stream.close()
        except (OSError, DockerException):
            return


__all__ = ["DEFAULT_ADDRESS", "Daemon", "EngineError", "EventSource", "ExecOutcome"]
