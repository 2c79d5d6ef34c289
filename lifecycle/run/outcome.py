"""What came of a run: whether it held, and how it is written down.

Statuses are derived from checks and evidence, never stored beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lifecycle.checks.check import Check
from lifecycle.diagnosis.finding import Finding
from lifecycle.terminal.styled_screen import Picture, still_true

CLEANUP = "Clean-up"
"""The name of every run's last step."""
StepStatus = Literal["passed", "failed", "skipped", "not-run", "error"]
Lacks = Literal["gpu", "person", "condition", "ours", "choice", "nothing"]
"""What a skipped step was without: a GPU, somebody to act it, its condition, a thing of ours to
remove, the choice of whoever runs it; or it had nothing to do."""


@dataclass
class Acted:
    """What a command came to. ``exit_code`` is None while its terminal stays open."""

    exit_code: int | None
    output: str
    screen: str
    problem: str = ""
    """Why it did not get as far as it should: a timeout, or a prompt that never came."""
    seconds: float | None = None
    """How long it took; None while its terminal stays open."""
    picture: Picture | None = None
    """The screen as it looked; without a terminal, what was printed."""
    lost: int = 0
    """Bytes that were cut out of the output's middle."""


@dataclass(frozen=True)
class Skip:
    """Why a step is skipped, in a sentence for people, and what it lacks."""

    reason: str
    lacks: Lacks


@dataclass
class Remains:
    """What is measured after the clean-up, by inventory; all empty when nothing went wrong."""

    left_behind: list[str] = field(default_factory=list)
    kept_on_purpose: list[str] = field(default_factory=list)
    foreign_touched: list[str] = field(default_factory=list)
    others_meanwhile: list[str] = field(default_factory=list)
    """Ids of others' things that changed while the run went on, and not through it."""
    known: list[str] = field(default_factory=list)
    """Ids and names of what is the run's: no other run of the same start counts them."""
    touched_with_leave: list[str] = field(default_factory=list)
    """What ``--allow-foreign`` named and the run then touched."""
    to_remove: list[str] = field(default_factory=list)
    """What to type to remove what ``--keep`` left."""


@dataclass
class StepResult:
    """What came of one step.

    ``line`` is the line in the scenario file, ``command`` the command as typed by the author
    with its variables filled in (redacted), ``person`` which of the scenario's people did it
    (empty for the run's own subject), ``ran`` whether anything was done at all,
    ``reason`` why it was skipped, not run or an error, ``seconds`` wall time, ``screen`` the
    text of the terminal or of the command's output after the step.
    """

    name: str
    line: int
    command: str = ""
    person: str = ""
    ran: bool = False
    skipped: Skip | None = None
    not_run: str = ""
    error: str = ""
    seconds: float = 0.0
    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    screen: str = ""
    styles: Sequence[Sequence[object]] = ()
    """Which parts of the screen had which style; see :mod:`lifecycle.terminal.styled_screen`."""
    screen_cut: int = 0
    """Bytes printed before what the screen still shows."""
    actual_command: str = ""
    """The command as it was really run, when the name map or the GPU rule changed it."""

    def show(self, picture: Picture) -> None:
        """This is the screen after the step."""
        self.screen, self.styles, self.screen_cut = picture.text, picture.styles, picture.lost

    def change_screen(self, change: Callable[[str], str]) -> None:
        """Change the screen's text (written names, no secrets); what changed has no style."""
        before, self.screen = self.screen, change(self.screen)
        self.styles = still_true(self.styles, before, self.screen)

    @property
    def status(self) -> StepStatus:
        """Derived: an error outranks a broken check, which outranks everything kept."""
        if self.error:
            return "error"
        if any(c.status == "broken" for c in self.checks):
            return "failed"
        if self.not_run:
            return "not-run"
        if self.skipped or not (self.ran or any(c.status == "kept" for c in self.checks)):
            return "skipped"
        return "passed"

    @property
    def reason(self) -> str:
        """Why the status is not ``passed``, in one line; empty when it is."""
        if self.error or self.not_run or self.skipped:
            return self.error or self.not_run or (self.skipped.reason if self.skipped else "")
        broken = [c for c in self.checks if c.status == "broken"]
        if broken:
            first = broken[0]
            return f"{first.about}: expected {first.expected!r}, found {first.actual!r}"
        return "" if self.status == "passed" else "nothing was run and nothing was observed"

    def to_json(self) -> dict[str, Any]:
        """The shape of report.json's ``steps``, with the styles that only the page shows."""
        return {
            "name": self.name,
            "line": self.line,
            "as": self.person,
            "command": self.command,
            "actual_command": self.actual_command or self.command,
            "status": self.status,
            "reason": self.reason,
            "lacks": self.skipped.lacks if self.skipped else None,
            "seconds": round(self.seconds, 3),
            "checks": [c.to_json() for c in self.checks],
            "findings": [f.to_json() for f in self.findings],
            "screen": self.screen,
            "screen_cut": self.screen_cut,
            "styles": [list(styled) for styled in self.styles],
        }
