"""A connection to an engine: every way in which a question can fail is an :class:`EngineError`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from lifecycle.engine.errors import EngineError, EngineSilent, error_from
from lifecycle.engine.patience import Patience
from lifecycle.engine.stream import release

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound="Client")
Json = dict[str, Any]
PING_LIMIT = 5.0
_ANY_VERSION = "1.40"


def mapped(
    method: Callable[Concatenate[C, P], R],
) -> Callable[Concatenate[C, P], R]:
    """Turn every exception of the SDK and of its HTTP library into :class:`EngineError`."""

    @wraps(method)
    def call(self: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.patience.ask(lambda: _told(method, self, *args, **kwargs))

    return call


def _told(
    method: Callable[Concatenate[C, P], R], client: C, *args: P.args, **kwargs: P.kwargs
) -> R:
    try:
        answer = method(client, *args, **kwargs)
    except APIError as error:
        raise EngineError(str(error.explanation or error)) from error
    except (DockerException, RequestException, OSError, ValueError) as error:
        told = error_from(error, client.address, client.limit)
        client.expect_within(PING_LIMIT if isinstance(told, EngineSilent) else client.usual_limit)
        raise told from error
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
        self.patience = Patience(self.answers)
        """What to do when the engine is away: nothing, or wait for it to come back."""

    @cached_property
    def _client(self) -> docker.DockerClient:
        client = docker.from_env(
            environment=self._environ, timeout=int(self.limit), use_ssh_client=True
        )
        # To a socket no proxy leads, and to look for one took a third of each question's time.
        client.api.trust_env = not self.address.startswith("unix://")
        return client

    def expect_within(self, limit: float) -> None:
        """Give answers that long: one that was silent is not waited for as long again."""
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
            client = docker.from_env(
                version=_ANY_VERSION,
                environment=self._environ,
                timeout=int(PING_LIMIT),
                use_ssh_client=True,
            )
            client.ping()
        except APIError:
            return None  # it refuses the version, so it is there
        except (DockerException, RequestException, OSError, ValueError) as error:
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


class EventSource:
    """The daemon's event stream; iterating blocks, closing from another thread ends it."""

    def __init__(self, stream: Any) -> None:
        """Wrap the SDK's cancellable stream."""
        self._stream = stream

    def __iter__(self) -> Iterator[Json]:
        """Yield events until the stream is closed or the daemon goes away."""
        try:
            yield from self._stream
        except (DockerException, RequestException, OSError, ValueError):
            return
        finally:
            release(self._stream)

    def close(self) -> None:
        """End the iteration."""
        try:
            self._stream.close()
        except (OSError, DockerException):
            return
