"""Asking again until it holds: for what neither the engine nor a terminal tells of."""

from __future__ import annotations

import time
from collections.abc import Callable

from lifecycle.checks.check import Check


def wait_until(holds: Callable[[], bool], limit: float) -> bool:
    """Ask until it holds or ``limit`` seconds pass, first soon and then less often."""
    deadline = time.monotonic() + limit
    pause = 0.002
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)  # nobody tells of what is asked for here
        pause = min(2 * pause, 0.05)
    return True


def until_kept(ask: Callable[[], list[Check]], limit: float) -> list[Check]:
    """Ask until every check is kept, or ``limit`` seconds pass; returns the last answer."""
    checks: list[Check] = []

    def holds() -> bool:
        nonlocal checks
        checks = ask()
        return all(c.status == "kept" for c in checks)

    wait_until(holds, limit)
    return checks
