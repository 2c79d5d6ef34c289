"""Stopwatches: medians of a call, and of whole commands."""

from __future__ import annotations

import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
median = statistics.median


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds that a call takes, and what it returns."""
    begun = time.perf_counter()
    value = call()
    return time.perf_counter() - begun, value


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, and of the processor's, which others on the machine stretch less."""

    wall: float
    cpu: float


def median_of(words: Sequence[str], times: int) -> Took:
    """Medians of what a command takes, with all that it waits for; once more, to warm up."""
    took = [_once(words) for _ in range(times + 1)][1:]
    return Took(median(t.wall for t in took), median(t.cpu for t in took))


def _once(words: Sequence[str]) -> Took:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    def run() -> None:
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    wall = timed(run)[0]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def row(name: str, seconds: float, says: str = "") -> str:
    """One line of a table."""
    return f"{name:<46} {seconds:8.3f} s   {says}".rstrip()
