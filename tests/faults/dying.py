"""Runs ``lifecycle`` and dies by SIGKILL at the n-th write of a ledger, before it or after it.

Usage: dying.py N before|after WORDS-OF-LIFECYCLE...
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import Any

from lifecycle.cli import main
from lifecycle.run.ownership.ledger import Ledger


def arm(number: int, when: str) -> None:
    """Have it die at that write, whichever thread writes."""
    write, writes = Ledger._write, itertools.count(1)

    def dying(self: Ledger, line: dict[str, Any]) -> None:
        now = next(writes) == number
        if now and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, line)
        if now:
            os.kill(os.getpid(), signal.SIGKILL)

    Ledger._write = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    arm(int(sys.argv[1]), sys.argv[2])
    sys.exit(main(sys.argv[3:]))
