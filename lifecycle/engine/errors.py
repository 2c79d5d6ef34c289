"""What an engine that was asked can answer with instead: a refusal, a lost connection, nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead
from json import JSONDecodeError

from requests.exceptions import ChunkedEncodingError

from lifecycle.engine.bounded import UnreadableError
from lifecycle.machine import deadline
from lifecycle.machine.deadline import TimeIsUpError

_LOST = (ConnectionError, FileNotFoundError, ChunkedEncodingError, IncompleteRead)
"""Refused, reset, closed; no socket at all; an answer that breaks off in its middle."""


MOST_CHARS = 1000
"""Characters of an engine's words that a sentence quotes."""
_MARKUP = re.compile(r"<[^<>]*>")


class EngineError(Exception):
    """The engine refused, or could not be reached; the message is its own words."""


class OutOfTimeError(EngineError, TimeIsUpError):
    """The time ran out before the engine got a question; the message says whose limit it was."""


class EngineAway(EngineError):  # noqa: N818 - a state of the engine, not of ours
    """Nobody is there to answer, or the connection broke before the answer came."""


class EngineAbsent(EngineAway):
    """Nobody listens at its address."""


class EngineDeniedError(EngineError):
    """Its socket is not for this person to open."""


class EngineSilent(EngineAway):
    """Somebody takes the connection and never answers."""


def left(limit: float) -> float:
    """How long a question with this limit may take now. Raises OutOfTimeError."""
    try:
        return deadline.left(limit)
    except TimeIsUpError as over:
        raise OutOfTimeError(str(over)) from None


_MEANINGS: tuple[
    tuple[type[BaseException] | tuple[type[BaseException], ...], type[EngineError]], ...
]
_MEANINGS = (
    (PermissionError, EngineDeniedError),
    ((ConnectionRefusedError, FileNotFoundError), EngineAbsent),
    (_LOST, EngineAway),
)


def error_from(error: BaseException, address: str, limit: float) -> EngineError:
    """What an exception on the way to an engine means, in a sentence."""
    chain = list(_chain(error))
    if any(isinstance(e, TimeoutError) or "timed out" in str(e) for e in chain):
        return EngineSilent(
            f"the engine at {address} takes connections, but gave no answer within {limit:g} s"
        )
    words = shortened(_innermost(chain))
    if what := _unreadable(error, chain):
        return EngineError(f"the engine at {address} answered with {what}")
    for kind, meaning in _MEANINGS:
        if any(isinstance(e, kind) for e in chain):
            return meaning(words)
    return EngineError(words)


def _unreadable(error: BaseException, chain: list[BaseException]) -> str:
    """What came in place of an answer; empty when something else was the matter."""
    own = next((e for e in chain if isinstance(e, UnreadableError)), None)
    words = shortened(_innermost(chain))
    if own is not None:
        return str(own)
    if any(isinstance(e, JSONDecodeError | UnicodeDecodeError) for e in chain):
        return f"what is no JSON ({words})"
    if any(isinstance(e, HTTPException) and not isinstance(e, _LOST) for e in chain):
        return f"what is no HTTP ({words})"
    if isinstance(error, LookupError | TypeError | AttributeError | RecursionError | MemoryError):
        return f"what can't be read ({words or type(error).__name__})"
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _innermost(chain: list[BaseException]) -> str:
    """What the operating system said."""
    last = chain[-1]
    return f"{last.strerror}" if isinstance(last, OSError) and last.strerror else str(last)


def shortened(words: str) -> str:
    """An engine's words on one line; of a proxy's HTML page, its text."""
    text = words[: 4 * MOST_CHARS]
    if "<html" in text.lower():
        text = " ".join(_MARKUP.sub(" ", text).split())
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}..."
