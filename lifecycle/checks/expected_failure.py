"""Was a command that must fail refused as its author says?"""

from __future__ import annotations

from lifecycle.checks.check import Check, compare
from lifecycle.checks.expect.pattern import pattern
from lifecycle.scenario.model import Fails


def judge_failing(fails: Fails, exit_code: int | None, output: str) -> list[Check]:
    """A command that must fail: with one of the codes written, or any but 0."""
    if fails.exit:
        codes, kept = list(fails.exit), str(exit_code) in map(str, fails.exit)
        source = "the command's own"
        checks = [
            Check("it fails with exit", codes, exit_code, "kept" if kept else "broken", source)
        ]
    else:
        failed = exit_code not in {0, None}
        checks = [compare("it fails", expected=True, actual=failed, source="exit code")]
    if fails.output:
        checks.append(pattern("it says", fails.output, output, "its output"))
    return checks
