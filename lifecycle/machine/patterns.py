"""Looking for an author's regular expression, bounded in time and in memory.

``re`` can take longer than the universe on a pattern such as ``(a+)+$``, can't be interrupted, and
stops every other thread meanwhile. So it works in a process of its own, which the kernel ends
when its time is up. What a pattern means stays what ``re`` makes of it.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lifecycle.machine.deadline import TimeIsUpError, left

LIMIT = 5.0
"""Seconds that looking for one pattern may take; most take less than a millisecond."""
MOST_PATTERN = 10_000
"""Characters of a regular expression."""
MOST_TEXT = 4 << 20
"""Characters that a pattern is looked for in."""
MOST_MEMORY = 1 << 30
_SLACK = 2.0
"""Seconds after which a worker that the kernel should have ended is ended by us."""
_SPECIAL = frozenset(r"\.^$*+?{}[]|()")
_ADVICE = "write it without a repeat inside a repeat, as in (a+)+, and with few `.*`"
_LARGE = f"looking for it took more than {MOST_MEMORY >> 30} GiB of memory: {_ADVICE}"

_PROGRAM = f"""
import json, re, resource, signal, sys
resource.setrlimit(resource.RLIMIT_AS, ({MOST_MEMORY}, {MOST_MEMORY}))
signal.signal(signal.SIGALRM, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
for line in sys.stdin.buffer:
    asked = json.loads(line)
    signal.setitimer(signal.ITIMER_REAL, asked["limit"])
    try:
        pattern = re.compile(asked["pattern"], asked["flags"])
        matches = [pattern.search(text, asked["begin"]) for text in asked["texts"]]
        answer = [m and [m.span(n) for n in range(pattern.groups + 1)] for m in matches]
    except re.error as error:
        answer = f"{{asked['pattern']!r}} is no regular expression: {{error}}"
    except (MemoryError, RecursionError, OverflowError):
        answer = {_LARGE!r}
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
"""


class PatternError(Exception):
    """A pattern could not be looked for; the message says what it took and what to write."""


@dataclass(frozen=True)
class Found:
    """Where a pattern was found: as much of ``re.Match`` as anybody asks for."""

    string: str
    spans: tuple[tuple[int, int], ...]

    def start(self) -> int:
        """Where it begins."""
        return self.spans[0][0]

    def end(self) -> int:
        """Where it ends."""
        return self.spans[0][1]

    def group(self, number: int = 0) -> str | None:
        """What a group matched; None when it had no part in it."""
        begin, end = self.spans[number]
        return self.string[begin:end] if begin >= 0 else None


def find(pattern: str, text: str, begin: int = 0, *, multiline: bool = False) -> Found | None:
    """The first place of a pattern in a text; raises PatternError."""
    return find_in(pattern, [text], begin, multiline=multiline)[0]


def find_in(
    pattern: str, texts: Sequence[str], begin: int = 0, *, multiline: bool = False
) -> list[Found | None]:
    """The first place of a pattern in each of several texts; raises PatternError."""
    if _SPECIAL.isdisjoint(pattern):
        places = [text.find(pattern, begin) for text in texts]
        width = len(pattern)
        return [
            Found(t, ((at, at + width),)) if at >= 0 else None
            for t, at in zip(texts, places, strict=True)
        ]
    if len(pattern) > MOST_PATTERN:
        message = f"a pattern of {len(pattern)} characters, where at most {MOST_PATTERN} are tried"
        raise PatternError(message)
    if sum(map(len, texts)) > MOST_TEXT:
        raise PatternError(f"it is looked for in at most {MOST_TEXT} characters")
    flags = int(re.MULTILINE) if multiline else 0
    asked = {"pattern": pattern, "flags": flags, "begin": begin, "texts": list(texts)}
    try:
        limit = left(LIMIT)
    except TimeIsUpError as over:
        raise PatternError(str(over)) from over
    answer = _WORKER.ask(asked, limit)
    if isinstance(answer, str):
        raise PatternError(answer)
    return [
        Found(text, tuple((a, b) for a, b in spans)) if spans else None
        for text, spans in zip(texts, answer, strict=True)
    ]


class _Worker:
    """The process that ``re`` works in, started when first asked and again when it was ended."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, asked: dict[str, Any], limit: float) -> Any:
        """The spans for each text, or what kept it from finding any; raises PatternError."""
        with self._turn:
            try:
                process = self._started()
                answer = self._answer(process, json.dumps({**asked, "limit": limit}), limit)
            except BaseException as error:
                self._end()
                if isinstance(error, OSError):
                    raise PatternError(f"it could not be looked for: {error}") from error
                raise
            if not answer.endswith(b"\n"):
                self._end()
                raise PatternError(f"it was looked for for {limit:.3g} s, in vain: {_ADVICE}")
        return json.loads(answer)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            # In a session of its own: Ctrl-C is for us. It ends when we do, by our pipe's end.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-W", "ignore", "-c", _PROGRAM],
                executable="/proc/self/exe",  # this very one, also where its path is closed to us
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process

    @staticmethod
    def _answer(process: subprocess.Popen[bytes], question: str, limit: float) -> bytes:
        """A line, or what there is of it when the worker has ended."""
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        process.stdin.write(question.encode() + b"\n")
        process.stdin.flush()
        deadline, line = time.monotonic() + limit + _SLACK, b""
        poller = select.poll()
        poller.register(process.stdout, select.POLLIN)
        while not line.endswith(b"\n"):
            rest = max(0.0, deadline - time.monotonic())
            if not poller.poll(rest * 1000):
                break
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                break
            line += piece
        return line

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdout, process.stdin):
            if pipe is not None:
                _close(pipe)
        process.wait()

    def close(self) -> None:
        """End the process; the next question starts another."""
        with self._turn:
            self._end()


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        return  # what was not written will never be read


_WORKER = _Worker()
atexit.register(_WORKER.close)
