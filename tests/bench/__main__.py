"""Benchmarks: what a run costs beyond its commands, and how quickly the command starts.

``nox -s bench`` runs this against the sandbox. Peers do the same work in the same run; times are
medians, and nothing here passes or fails.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lifecycle.engine.terminal import Terminal
from lifecycle.run import act, live, runner, typed
from lifecycle.run.live import LiveRun
from lifecycle.run.options import Options
from lifecycle.scenario.load import load
from lifecycle.scenario.templates import library

TIMES = 7
GUIDE_TIMES = 5
HELP_BOUND_S = 0.25
HARNESS_BOUND_S = 0.30


def median_of(words: Sequence[str]) -> float:
    """Median wall time of a command, in seconds."""
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def start_up() -> Iterator[str]:
    """``lifecycle --help`` beside its peers' help."""
    module = [sys.executable, "-m", "lifecycle.cli", "--help"]
    ours = median_of(module)
    yield f"lifecycle --help          {ours:7.3f} s   bound {HELP_BOUND_S} s"
    peers = {
        "docker --help": ["docker", "--help"],
        "pytest --help": [sys.executable, "-m", "pytest", "--help"],
        "nox --help": [sys.executable, "-m", "nox", "--help"],
    }
    for name, words in peers.items():
        peer = median_of(words)
        yield f"{name:<25} {peer:7.3f} s   ours / peer {ours / peer:5.2f}"


@dataclass
class Clock:
    """Adds up the time spent in wrapped calls; inside one, another does not count again."""

    seconds: dict[str, float] = field(default_factory=dict)
    _inside: bool = False

    def wrap(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return function(*args, **kwargs)
            self._inside = True
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._inside = False
                spent = time.perf_counter() - begun
                self.seconds[kind] = self.seconds.get(kind, 0.0) + spent

        return timed


@contextmanager
def timed_parts() -> Iterator[Clock]:
    """Time what a run does for others: the commands themselves, and the facts."""
    clock = Clock()
    places: list[tuple[Any, str, str]] = [
        (act, "run_to_end", "commands"),
        (act, "run_on_terminal", "commands"),
        (act, "send", "commands"),
        (Terminal, "wait_end", "commands"),
        (typed, "wait_until", "commands"),
        (runner, "look_before", "facts"),
        (runner, "look_after", "facts"),
        (typed, "look_before", "facts"),
        (typed, "look_after", "facts"),
        (live, "clean_up", "clean-up"),
    ]
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, kind in places:
        setattr(owner, name, clock.wrap(kind, getattr(owner, name)))
    try:
        yield clock
    finally:
        for owner, name, original in kept:
            setattr(owner, name, original)


def one_run() -> dict[str, float]:
    """Seconds of one run of the guide, by what they went to."""
    scenario = load(library() / "guide.yaml")
    run = LiveRun(scenario, Options(), lambda _symptom, _session: [], lambda _text: None)
    with timed_parts() as clock:
        begun = time.perf_counter()
        results = [run.step(index) for index in range(len(run.steps))]
        results.append(run.finish())
        total = time.perf_counter() - begun
        run.close()
    bad = [f"{r.name}: {r.reason}" for r in results if r.status in {"failed", "error", "not-run"}]
    if bad:
        sys.exit(f"the guide did not pass here, so its time says nothing: {bad[0]}")
    parts = {kind: clock.seconds.get(kind, 0.0) for kind in ("commands", "facts", "clean-up")}
    return {"total": total, **parts, "harness": total - sum(parts.values())}


def guide() -> Iterator[str]:
    """What the harness adds to ``guide.yaml`` beyond imports, facts and the commands."""
    runs = [one_run() for _ in range(GUIDE_TIMES)]
    for part in runs[0]:
        bound = f"   bound {HARNESS_BOUND_S} s" if part == "harness" else ""
        yield f"guide.yaml: {part:<13} {statistics.median(r[part] for r in runs):7.3f} s{bound}"


def main() -> None:
    """Print every table."""
    print(f"{os.cpu_count()} cores, medians of {TIMES} (the guide: {GUIDE_TIMES})")
    for table in (start_up, guide):
        print()
        for line in table():
            print(line, flush=True)


main()
