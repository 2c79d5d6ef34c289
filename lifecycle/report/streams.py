"""Standard output and error that end nothing: what can't be written is told at the end, once.

All that the command prints goes through here. So here is where text of others is made inert: no
escape sequence reaches a terminal, and no line reaches a CI's log that it would obey.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from lifecycle.report.inert import Inert
from lifecycle.report.text import clean

FAULT = 3
UNREAD = 128 + 13
"""What a shell shows of a program that ended since nobody read its output: SIGPIPE."""
_OUTRANKED = frozenset({0, 1, 5})
"""Exit codes that say less than that nobody could read what they stand for."""
_STANDARD = (0, 1, 2)
_CLOSED = os.strerror(errno.EBADF)


class Stream:
    """A text stream for words of anybody's, which never raises.

    ``styled`` lets escape sequences of our own pass, ``exact`` lets everything pass.
    """

    def __init__(self, inner: TextIO, problem: str = "") -> None:
        """``problem`` says why nothing can be written from the start."""
        self._inner, self.problem = inner, problem
        self.unread = False
        self._inert = Inert()

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's own: its encoding, whether it is a terminal."""
        return getattr(self._inner, name)

    def write(self, text: str) -> int:
        """Write what anybody may have said."""
        self._put(self._inert.make(clean(text)))
        return len(text)

    @property
    def styled(self) -> TextIO:
        """The same stream for text that was cleaned, and then coloured."""
        return self._face(lambda text: self._put(self._inert.make(text)))

    @property
    def exact(self) -> TextIO:
        """The same stream for what a CI is to obey."""
        return self._face(lambda text: self._put(self._inert.passed(text)))

    def _face(self, put: Callable[[str], None]) -> TextIO:
        return cast("TextIO", _Face(self, put))

    def _put(self, text: str) -> None:
        if self.problem:
            return
        with self._noticing():
            encoding = self._inner.encoding or "utf-8"
            # A terminal of another encoding shows an escape instead of ending the run.
            self._inner.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def writelines(self, lines: list[str]) -> None:
        """Write several."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what waits."""
        if not self.problem:
            with self._noticing():
                self._inner.flush()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            self.problem = getattr(error, "strerror", None) or str(error) or "it is closed"
            self.unread = isinstance(error, BrokenPipeError)
            self._give_up()

    def _give_up(self) -> None:
        """Let what waits go nowhere, or it would fail once more when the process ends."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._inner.fileno())
            os.close(nowhere)
            self._inner.flush()


class _Face:
    """One way of writing to a stream."""

    def __init__(self, stream: Stream, put: Callable[[str], None]) -> None:
        self._stream, self._put = stream, put

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._put(text)
        return len(text)


def guarded(stream: TextIO) -> Stream:
    """The stream as one that never raises; it may be one already."""
    return stream if isinstance(stream, Stream) else Stream(stream)


class Speech:
    """Both streams of a command."""

    def __init__(self, out: Stream, err: Stream) -> None:
        self.out, self.err = out, err

    def exit_code(self, code: int, *, read_by_programs: bool) -> int:
        """The command's exit code, once all is written; says on one what the other can't.

        With ``read_by_programs`` a reader that has gone (| head) read all that it wanted.
        """
        self.out.flush()
        self.err.flush()
        if read_by_programs and self.out.unread:
            return UNREAD
        self._tell("standard output", self.out, self.err)
        self._tell("standard error", self.err, self.out)
        failed = self.out.problem or self.err.problem
        return FAULT if failed and code in _OUTRANKED else code

    @staticmethod
    def _tell(name: str, stream: Stream, other: Stream) -> None:
        if stream.problem:
            other.write(f"{name} can't be written ({stream.problem}): what it said is lost\n")
            other.flush()


@contextmanager
def speaking() -> Iterator[Speech]:
    """Have guarded streams in place of the process's own meanwhile."""
    before = sys.stdin, sys.stdout, sys.stderr
    _open_what_is_closed()
    out, err = _stream(sys.stdout, 1), _stream(sys.stderr, 2)
    sys.stdin = sys.stdin or io.StringIO()
    sys.stdout, sys.stderr = cast("TextIO", out), cast("TextIO", err)
    try:
        yield Speech(out, err)
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def _stream(given: TextIO | None, number: int) -> Stream:
    if given is None:
        return Stream(os.fdopen(number, "w", closefd=False), _CLOSED)
    return guarded(given)


def _open_what_is_closed() -> None:
    """A file of ours must not get the number of a standard stream: anybody writes to those."""
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
