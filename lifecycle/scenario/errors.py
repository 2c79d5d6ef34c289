"""Where something stands in a file, and the one error that reading a scenario raises."""

from __future__ import annotations

from dataclasses import dataclass

from lifecycle.text.lines import one_line


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    col: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


class ScenarioError(Exception):
    """What the author wrote can't be used: what was found, what was expected, what to write."""

    def __init__(self, mark: Mark, problem: str, expected: str = "", corrected: str = "") -> None:
        self.mark = mark
        self.problem = problem
        self.expected = expected
        self.corrected = corrected
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [one_line(self.problem)]
        if self.expected:
            parts.append(f"expected {one_line(self.expected)}")
        if self.corrected:
            parts.append(f"write: {one_line(self.corrected)}")
        return f"{one_line(str(self.mark))}: " + "; ".join(parts)
