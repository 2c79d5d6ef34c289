"""A connection to an engine: every way in which a question can fail is an :class:`EngineError`."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial, wraps
from http.client import HTTPException
from typing import Any, Concatenate, ParamSpec, TypeVar

import docker
from docker.errors import APIError, DockerException
from docker.types import CancellableStream
from requests.exceptions import RequestException

from lifecycle.engine.bounded import Budget, UnreadableError, bind
from lifecycle.engine.errors import EngineError, EngineSilent, error_from, left, shortened
from lifecycle.engine.limits import PING_LIMIT
from lifecycle.engine.retry import Patience
from lifecycle.engine.stream import release
from lifecycle.text.json_object import Json

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound="Client")
_ANY_VERSION = "1.40"
_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
MOST_LINE = 1 << 20
"""Bytes of one event; a longer one is passed over."""


def mapped(
    method: Callable[Concatenate[C, P], R],
) -> Callable[Concatenate[C, P], R]:
    """Turn every exception of the SDK and of its HTTP library into :class:`EngineError`."""
    return within(1)(method)


def within(
    times: float,
) -> Callable[[Callable[Concatenate[C, P], R]], Callable[Concatenate[C, P], R]]:
    """The same for a question that may take so many times the usual limit, all in all."""

    def decorate(method: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
        @wraps(method)
        def call(self: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
            def ask() -> R:
                with self.bounded(times * self.limit) as limit:
                    return _translated(partial(method, self, *args, **kwargs), self, limit)

            return self.patience.ask(ask)

        return call

    return decorate


def _translated(question: Callable[[], R], client: Client, limit: float) -> R:
    begun = time.monotonic()
    try:
        answer = question()
    except EngineError:
        raise
    except APIError as error:
        raise EngineError(shortened(str(error.explanation or error))) from error
    except Exception as error:
        # The SDK believes an engine: on an answer of another kind it fails in any way at all.
        left(limit)
        waited = limit if time.monotonic() - begun >= limit else min(limit, client.limit)
        failure = error_from(error, client.address, waited)
        client.expect_within(
            PING_LIMIT if isinstance(failure, EngineSilent) else client.usual_limit
        )
        raise failure from error
    client.expect_within(client.usual_limit)
    return answer


class Client:
    """Asks one engine, and knows whether it is there. Safe to use from several threads."""

    def __init__(self, address: str, environ: Mapping[str, str], limit: float) -> None:
        """Prepare a client; nothing is asked until the first call.

        ``environ`` supplies DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, ``limit`` is how many seconds
        an answer may take. Raises EngineError for an address of no known kind.
        """
        self.address = address
        self._environ = {**environ, "DOCKER_HOST": address}
        self.limit = self.usual_limit = limit
        self._question = threading.local()
        self.patience = Patience(self.answers)
        """What to do when the engine is away: nothing, or wait for it to come back."""

    @cached_property
    def _client(self) -> docker.DockerClient:
        client = self._made(self.limit)
        try:
            # As it finds it out by itself, but within our limits.
            api: Any = client.api
            api._version = _version_of(api.version(api_version=False))  # noqa: SLF001
        except BaseException:
            client.close()
            raise
        return client

    def _made(self, limit: float) -> docker.DockerClient:
        """A client that has asked nothing yet."""
        client = docker.from_env(
            version=_ANY_VERSION,
            environment=self._environ,
            timeout=int(limit),
            use_ssh_client=True,
        )
        bind(client.api, lambda: getattr(self._question, "budget", None))
        # To a socket no proxy leads, and to look for one took a third of each question's time.
        client.api.trust_env = not self.address.startswith("unix://")
        return client

    @contextmanager
    def bounded(self, limit: float) -> Iterator[float]:
        """Bound all of this thread's questions together; yields the seconds that remain."""
        outer = getattr(self._question, "budget", None)
        limit = left(limit)
        at = time.monotonic() + limit
        self._question.budget = Budget(at if outer is None else min(at, outer.at))
        try:
            yield limit
        finally:
            self._question.budget = outer

    def expect_within(self, limit: float) -> None:
        """Set the timeout; a silent engine gets a short one."""
        self.limit = limit
        if "_client" in self.__dict__:
            self._api.timeout = limit  # type: ignore[assignment]

    def answers(self) -> bool:
        """Whether it answers a new caller now."""
        return self.away() is None

    def away(self) -> EngineError | None:
        """Why a new caller gets no answer now: an engine that is going keeps those that it has."""
        client = None
        try:
            with self.bounded(PING_LIMIT):
                client = self._made(PING_LIMIT)
                client.ping()
        except APIError:
            return None  # it refuses the version, so it is there
        except Exception as error:  # noqa: BLE001 - as for any question
            return error_from(error, self.address, PING_LIMIT)
        finally:
            if client is not None:
                client.close()
        return None

    @property
    def _api(self) -> docker.APIClient:
        return self._client.api

    def close(self) -> None:
        """Drop the connections."""
        if "_client" in self.__dict__:
            self._client.close()


def _version_of(answer: Any) -> str:
    version = answer.get("ApiVersion") if isinstance(answer, dict) else answer
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise UnreadableError(f"{repr(version)[:80]} as its API's version, where 1.41 is one such")
    return version


class EventSource:
    """The daemon's event stream; iterating blocks, closing from another thread ends it."""

    def __init__(self, answer: Any) -> None:
        """Wrap the answer whose body the events are."""
        self._answer = answer
        self._stream = CancellableStream(lines(answer.raw._fp.read1), answer)  # noqa: SLF001

    def __iter__(self) -> Iterator[Json]:
        """Yield events until the stream is closed or the daemon goes away."""
        try:
            for line in self._stream:
                if (event := _object(line)) is not None:
                    yield event
        except (DockerException, RequestException, HTTPException, OSError, ValueError):
            return
        finally:
            release(self._stream)

    def close(self) -> None:
        """End the iteration."""
        try:
            self._stream.close()
        except (OSError, DockerException):
            return


def lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The lines of a stream, without those that are too long to be kept."""
    begun, skips = bytearray(), False
    while piece := read(1 << 16):
        *ended, rest = piece.split(b"\n")
        for end in ended:
            begun += end
            if not skips and len(begun) <= MOST_LINE:
                yield bytes(begun)
            begun, skips = bytearray(), False
        begun += rest
        if len(begun) > MOST_LINE:
            begun, skips = bytearray(), True
    if begun and not skips:
        yield bytes(begun)


def _object(line: bytes) -> Json | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
