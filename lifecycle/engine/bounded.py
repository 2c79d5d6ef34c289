"""What an engine sends, read within a limit of seconds and bytes for the whole answer.

The HTTP library's own limit is one for each read: an engine that sends a byte a second, or an
answer without an end, would be read for ever.
"""

from __future__ import annotations

import http.client
import io
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_ANSWER = 32 << 20
"""Bytes of one answer; that of a machine with ten thousand containers is shorter."""


class UnreadableError(ValueError):
    """What came is no answer that we read; the message says what it was instead."""


@dataclass
class Budget:
    """What one question may take; ``at`` is by the monotonic clock."""

    at: float

    def left(self) -> float:
        """Seconds that remain; raises TimeoutError when none do."""
        rest = self.at - time.monotonic()
        if rest <= 0:
            raise TimeoutError("timed out")
        return rest


class _Raw(io.RawIOBase):
    """The socket under an answer; ``_sock`` is where the SDK looks for it."""

    def __init__(self, link: Any, budget: Budget | None) -> None:
        self._link, self._budget, self._read = link, budget, 0
        # Closing a connection lets its answer be read on, as long as such a file is open.
        self._file: Any = link.makefile("rb", buffering=0)
        self._sock: Any = link
        self._usual: float | None = link.gettimeout()

    def lift(self) -> None:
        """Drop the limit: a stream's reader sets its own."""
        self._budget = None
        self._link.settimeout(self._usual)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what comes next, if the limits allow."""
        if self._budget is None:
            return int(self._file.readinto(buffer))
        rest = self._budget.left()
        self._link.settimeout(rest if self._usual is None else min(rest, self._usual))
        count = int(self._file.readinto(buffer))
        self._read += count
        if self._read > MOST_ANSWER:
            raise UnreadableError(f"more than {MOST_ANSWER >> 20} MiB")
        return count

    def close(self) -> None:
        """Let go of the socket."""
        if not self.closed:
            self._file.close()
        super().close()


class _Pipe(_Raw):
    """The same of an engine behind ssh, which is a pair of pipes."""

    def __init__(self, link: Any, budget: Budget | None) -> None:
        self._link, self._budget, self._read = link, budget, 0
        self._file = _FromPipe(link.makefile("rb"))
        self._sock = link
        self._usual = None
        self._link.settimeout = self._file.expect_within


class _FromPipe:
    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._limit: float | None = None

    def expect_within(self, limit: float | None) -> None:
        self._limit = limit

    def readinto(self, buffer: Any) -> int:
        number = self._pipe.fileno()
        poller = select.poll()
        poller.register(number, select.POLLIN)
        if not poller.poll(None if self._limit is None else self._limit * 1000):
            raise TimeoutError("timed out")
        data = os.read(number, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._pipe.close()


class _Answer(http.client.HTTPResponse):
    """An answer that is read within the budget of its question."""

    def __init__(self, sock: Any, *args: Any, budget: Budget | None, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        is_ssh = hasattr(sock, "proc")
        raw = _Pipe(sock, budget) if is_ssh else _Raw(sock, budget)
        unbounded, self.fp = self.fp, io.BufferedReader(raw, 1 << 16)
        if is_ssh:
            self.fp.channel = sock  # type: ignore[attr-defined]  # where the SDK looks for it
        else:
            unbounded.close()

    def begin(self) -> None:
        """Read the head; what would lead elsewhere or unfold into more is no answer of an engine.

        Nothing was asked to be packed, and no engine sends its callers to another address.
        """
        super().begin()
        packed = self.headers.get("Content-Encoding", "identity")
        if packed != "identity":
            raise UnreadableError(f"an answer that is packed ({packed[:40]}), unasked")
        elsewhere = self.headers.get("Location")
        if elsewhere and 300 <= self.status < 400:  # noqa: PLR2004 - what HTTP calls a redirection
            raise UnreadableError(f"a redirection to {elsewhere[:200]}")


def bind(api: Any, current: Callable[[], Budget | None]) -> None:
    """Let every connection of the SDK's client read within the budget that is current."""
    api.headers["Accept-Encoding"] = "identity"
    for adapter in api.adapters.values():
        _bind_adapter(adapter, current)


def _bind_adapter(adapter: Any, current: Callable[[], Budget | None]) -> None:
    find = adapter.get_connection_with_tls_context

    def get(*args: Any, **kwargs: Any) -> Any:
        pool = find(*args, **kwargs)
        if not hasattr(pool, "is_bound"):
            _bind_pool(pool, current)
        return pool

    adapter.get_connection_with_tls_context = get


def _bind_pool(pool: Any, current: Callable[[], Budget | None]) -> None:
    make = pool._new_conn  # noqa: SLF001 - where urllib3 makes its connections

    def new() -> Any:
        link = make()
        link.response_class = lambda *a, **k: _Answer(*a, budget=current(), **k)
        return link

    pool._new_conn = new  # noqa: SLF001 - the same
    pool.is_bound = True


def lift(answer: Any) -> None:
    """A stream begins behind the head of this answer of the HTTP library: no limit from here on."""
    answer.raw._fp.fp.raw.lift()  # noqa: SLF001 - the libraries have no public way
