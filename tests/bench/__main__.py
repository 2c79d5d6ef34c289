"""Benchmarks: what a run costs beyond its commands, and how quickly it looks and starts.

``nox -s bench`` runs this against the sandbox, or with the names of tables only those. Peers do
the same work in the same run; times are medians, and nothing here passes or fails by its time.
"""

from __future__ import annotations

import os
import sys

from tests.bench.crowd import crowd
from tests.bench.gate import gate
from tests.bench.guide import guide
from tests.bench.looks import looks
from tests.bench.scaling import scaling
from tests.bench.start_up import start_up

TABLES = {
    "start-up": start_up,
    "gate": gate,
    "looks": looks,
    "guide": guide,
    "scaling": scaling,
    "crowd": crowd,
}


def main(names: list[str]) -> None:
    """Print the tables."""
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        sys.exit(f"there is no table {unknown[0]}; there are {', '.join(TABLES)}")
    print(f"{os.cpu_count()} cores")
    for name in names or TABLES:
        print()
        for line in TABLES[name]():
            print(line, flush=True)


main(sys.argv[1:])
