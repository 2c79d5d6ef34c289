"""Stopwatches: medians of a call, and of whole commands."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
median = statistics.median


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds that a call takes, and what it returns."""
    begun = time.perf_counter()
    value = call()
    return time.perf_counter() - begun, value


def median_of(words: Sequence[str], times: int) -> float:
    """Median wall time of a command."""

    def run() -> None:
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    return median(timed(run)[0] for _ in range(times))


def row(name: str, seconds: float, says: str = "") -> str:
    """One line of a table."""
    return f"{name:<46} {seconds:8.3f} s   {says}".rstrip()
