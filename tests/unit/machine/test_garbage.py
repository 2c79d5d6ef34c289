"""A short command looks for no garbage; a run does again, but not in what was loaded."""

from __future__ import annotations

import subprocess
import sys

CHILD = """
import atexit, gc
atexit.register(lambda: print("at the end", gc.get_freeze_count() > 0))
from lifecycle.machine.garbage import all_is_loaded, spare_what_is_loaded
spare_what_is_loaded()
print("loading", gc.isenabled())
"""
RUN = """
all_is_loaded()
print("loaded", gc.isenabled(), gc.get_freeze_count() > 0)
class Ring: pass
ring = Ring()
ring.ring = ring
del ring
print("found", gc.collect() > 0)
"""


def told(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_short_command_collects_nothing_and_is_let_go_of_as_it_is() -> None:
    assert told(CHILD) == ["loading False", "at the end True"]


def test_a_run_finds_the_garbage_that_comes_after_it_has_loaded_everything() -> None:
    assert told(CHILD + RUN)[1:3] == ["loaded True True", "found True"]


def test_a_command_called_from_a_program_leaves_its_collector_alone() -> None:
    program = (
        "import gc\nfrom lifecycle.cli import main\nmain(['--version'])\nprint(gc.isenabled())"
    )
    assert told(program)[-1] == "True"
