"""How quickly the commands start, beside their peers."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.timing import Took, median_of, row

TIMES = 7
HELP_BOUND_S = 0.25
YARDSTICK_S = 1.17
"""What ``pytest --help`` took where the other bounds were set, in seconds of them as well."""
BOUNDS_S = {"run": 0.7, "check": 0.4, "explain": 0.4, "doctor": 0.4}
SCENARIO = """\
scenario: One step
steps:
  - docker ps
"""
ERROR = "docker: Error response from daemon: Conflict. The container name is already in use.\n"
PEERS = {
    "docker --help": ["docker", "--help"],
    "pytest --help": [sys.executable, "-m", "pytest", "--help"],
    "nox --help": [sys.executable, "-m", "nox", "--help"],
}


def start_up() -> Iterator[str]:
    """``lifecycle --help`` beside its peers' help, then what each command takes to begin."""
    yield f"Start-up, medians of {TIMES}; the second is the processor's"
    ours = _ours("--help")
    yield _row("lifecycle --help", ours, f"bound {HELP_BOUND_S} s")
    peers = {name: median_of(words, TIMES) for name, words in PEERS.items()}
    for name, peer in peers.items():
        yield _row(name, peer, f"ours / peer {ours.wall / peer.wall:5.2f}")
    yardstick = peers["pytest --help"]
    with tempfile.TemporaryDirectory() as folder:
        scenario, error = Path(folder, "one-step.yaml"), Path(folder, "error.txt")
        scenario.write_text(SCENARIO)
        error.write_text(ERROR)
        commands = {
            "run": [str(scenario), "--report", f"{folder}/report"],
            "check": [str(scenario)],
            "explain": [str(error)],
            "doctor": [],
        }
        for name, words in commands.items():
            took, bound = _ours(name, *words), BOUNDS_S[name] / YARDSTICK_S
            wall, cpu = took.wall / yardstick.wall, took.cpu / yardstick.cpu
            says = f"of pytest --help {wall:.2f}, cpu {cpu:.2f}, bound {bound:.2f}"
            yield _row(f"lifecycle {name}", took, says)


def _ours(*words: str) -> Took:
    return median_of([sys.executable, "-m", "lifecycle.cli", *words], TIMES)


def _row(name: str, took: Took, says: str) -> str:
    return row(name, took.wall, f"{took.cpu:6.3f} s   {says}")
