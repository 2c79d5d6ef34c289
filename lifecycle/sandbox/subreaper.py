"""The parent of a daemon: it adopts the processes that the daemon's children leave, and reaps them.

Without it init gets them, which in a container may reap late or never. Run as a program,
with the daemon's words as arguments; it ends when the last of them has.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from contextlib import suppress

_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Run the daemon and outlive all that came of it."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    daemon = subprocess.Popen(sys.argv[1:])
    code = 0
    with suppress(ChildProcessError):
        while True:
            pid, status = os.wait()
            if pid == daemon.pid:
                code = daemon.returncode = os.waitstatus_to_exitcode(status)
    return abs(code)


if __name__ == "__main__":
    sys.exit(main())
