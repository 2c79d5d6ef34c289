"""What an engine that was asked can answer with instead: a refusal, a lost connection, nothing."""

from __future__ import annotations

from collections.abc import Iterator

from requests.exceptions import ChunkedEncodingError

_LOST = (ConnectionError, FileNotFoundError, ChunkedEncodingError)
"""Refused, reset, closed; no socket at all; an answer that breaks off in its middle."""


class EngineError(Exception):
    """The engine refused, or could not be reached; the message is its own words."""


class EngineAway(EngineError):  # noqa: N818 - a state of the engine, not of ours
    """Nobody is there to answer, or the connection broke before the answer came."""


class EngineSilent(EngineAway):
    """Somebody takes the connection and never answers."""


def error_from(error: BaseException, address: str, limit: float) -> EngineError:
    """What an exception on the way to an engine means, in a sentence."""
    chain = list(_chain(error))
    if any(isinstance(e, TimeoutError) or "timed out" in str(e) for e in chain):
        return EngineSilent(
            f"the engine at {address} takes connections, but gave no answer within {limit:g} s"
        )
    said = _innermost(chain)
    if any(isinstance(e, _LOST) for e in chain):
        return EngineAway(said)
    return EngineError(said)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _innermost(chain: list[BaseException]) -> str:
    """What the operating system said."""
    last = chain[-1]
    return f"{last.strerror}" if isinstance(last, OSError) and last.strerror else str(last)
