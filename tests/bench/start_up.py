"""How quickly the command starts, beside its peers."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.timing import median_of, row

TIMES = 7
BOUND_S = 0.25


def start_up() -> Iterator[str]:
    """``lifecycle --help`` beside its peers' help."""
    yield f"Start-up, medians of {TIMES}"
    ours = median_of([sys.executable, "-m", "lifecycle.cli", "--help"], TIMES)
    yield row("lifecycle --help", ours, f"bound {BOUND_S} s")
    peers = {
        "docker --help": ["docker", "--help"],
        "pytest --help": [sys.executable, "-m", "pytest", "--help"],
        "nox --help": [sys.executable, "-m", "nox", "--help"],
    }
    for name, words in peers.items():
        peer = median_of(words, TIMES)
        yield row(name, peer, f"ours / peer {ours / peer:5.2f}")
