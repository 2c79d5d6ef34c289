"""Was a command that must fail refused as its author says?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lifecycle.checks.check import Check, compare
from lifecycle.checks.expect import pattern


def judge_failing(
    fails: Mapping[str, Any] | None, exit_code: int | None, output: str
) -> list[Check]:
    """A command that must fail: with one of the codes written, or any but 0."""
    wanted = (fails or {}).get("exit")
    codes = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    if wanted:
        kept = str(exit_code) in [str(c) for c in codes]
        source = "the command's own"
        checks = [
            Check("it fails with exit", codes, exit_code, "kept" if kept else "broken", source)
        ]
    else:
        failed = exit_code not in {0, None}
        checks = [compare("it fails", expected=True, actual=failed, source="exit code")]
    text = (fails or {}).get("output")
    return [*checks, pattern("it says", text, output, "its output")] if text else checks
