"""The report as one value built from plain data; everything it concludes is derived here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lifecycle.report.text import show
from lifecycle.run.outcome import StepStatus

Step = Mapping[str, Any]
"""One step in the shape of ``StepResult.to_json()``.

The ``command`` of a step that is no command starts with its keyword and a colon, as the author
wrote it (``write: dockerfile``, ``type: exit``, ``press: ctrl-p``, ``window: 80x24``,
``check: ...``).
"""

UNVERIFIED_LINES = 10
"""So many of what was not verified are listed; the rest is counted, and shown with its step."""

ReasonCode = Literal[
    "steps_failed",
    "steps_error",
    "steps_not_run",
    "left_behind",
    "foreign_touched",
    "strict",
    "gpu_skipped",
    "gpu_none",
    "nothing_passed",
]


@dataclass(frozen=True)
class Reason:
    """One cause of a failed run, and how often it was met."""

    code: ReasonCode
    count: int


@dataclass(frozen=True)
class ScenarioReport:
    """What came of one scenario file."""

    name: str
    file: str
    steps: Sequence[Step]

    @property
    def status(self) -> StepStatus:
        """The gravest status of its steps; passed only when one did pass and none is worse."""
        statuses = {step["status"] for step in self.steps}
        order: tuple[StepStatus, ...] = ("error", "failed", "not-run", "passed")
        return next((status for status in order if status in statuses), "skipped")

    @property
    def seconds(self) -> float:
        """Wall time of all its steps."""
        return float(sum(step["seconds"] for step in self.steps))


@dataclass(frozen=True)
class RunReport:
    """What came of a run: plain data, and the verdict derived from it.

    ``gpu_checks`` counts the checks made on real and on simulated GPUs, and those skipped for
    want of one; ``options`` holds ``strict``, ``gpu`` (``auto``, ``require`` or ``off``) and
    ``allow_foreign`` (a list of names).
    """

    run: str
    engine: Mapping[str, Any]
    host: Mapping[str, Any]
    subject: Mapping[str, Any]
    scenarios: Sequence[ScenarioReport]
    gpu_checks: Mapping[str, int] = field(default_factory=dict)
    left_behind: Sequence[Any] = ()
    kept_on_purpose: Sequence[Any] = ()
    to_remove: Sequence[str] = ()
    """What to type to remove what ``--keep`` left."""
    foreign_touched: Sequence[Any] = ()
    others_meanwhile: int = 0
    """Things of others that changed while the run went on, and not through it."""
    touched_with_leave: Sequence[str] = ()
    """What ``--allow-foreign`` named and the run then touched."""
    not_gated: Sequence[str] = ()
    """Scenarios whose commands may go round the gate, as their authors say."""
    options: Mapping[str, Any] = field(default_factory=dict)
    lang: str = "en"

    def steps(self) -> Iterator[tuple[ScenarioReport, Step]]:
        """Every step beside the scenario it belongs to, in order."""
        for scenario in self.scenarios:
            for step in scenario.steps:
                yield scenario, step

    def count(self, status: StepStatus) -> int:
        """How many steps ended with this status."""
        return sum(step["status"] == status for _, step in self.steps())

    def gpus(self, kind: Literal["real", "simulated", "skipped"]) -> int:
        """How many GPU checks were real, simulated or skipped."""
        return int(self.gpu_checks.get(kind, 0))

    @property
    def seconds(self) -> float:
        """Wall time of all steps."""
        return sum(scenario.seconds for scenario in self.scenarios)

    @property
    def not_verified(self) -> list[tuple[str, str]]:
        """What was promised and not looked at: what it is about, and why not.

        A skipped step is one of them where it lists no unverified promise of its own, so that
        a run that skipped something never reads as a plain PASS.
        """
        return [pair for _, step in self.steps() for pair in _not_verified(step)]

    @property
    def unverified(self) -> int:
        """How many things were promised and not looked at."""
        return len(self.not_verified)

    @property
    def why_failed(self) -> tuple[Reason, ...]:
        """All that makes this run a failure; empty when it is none."""
        strict = bool(self.options.get("strict"))
        require_gpu = self.options.get("gpu") == "require"
        looked = self.gpus("real") + self.gpus("simulated")
        counted = (
            Reason("steps_failed", self.count("failed")),
            Reason("steps_error", self.count("error")),
            Reason("steps_not_run", self.count("not-run")),
            Reason("left_behind", len(self.left_behind)),
            Reason("foreign_touched", len(self.foreign_touched)),
            Reason("strict", self.unverified if strict else 0),
            Reason("gpu_skipped", self.gpus("skipped") if require_gpu else 0),
            Reason("gpu_none", int(require_gpu and not looked)),
        )
        reasons = tuple(reason for reason in counted if reason.count)
        # The clean-up, which has no line in the file, proves nothing.
        did = any(s["status"] == "passed" and s["line"] for _, s in self.steps())
        if not reasons and not did:
            return (Reason("nothing_passed", 1),)
        return reasons

    @property
    def why_failed_beyond_steps(self) -> tuple[Reason, ...]:
        """The reasons that no failed step of the report already shows."""
        reasons = self.why_failed
        shown = {"steps_failed", "steps_error"}
        if shown & {reason.code for reason in reasons}:
            shown.add("steps_not_run")
        return tuple(reason for reason in reasons if reason.code not in shown)

    @property
    def verdict(self) -> str:
        """``PASS``, ``PASS WITH n UNVERIFIED`` or ``FAIL``; and whether all of it was gated."""
        suffix = ", NOT GATED" if self.not_gated else ""
        if self.why_failed:
            return f"FAIL{suffix}"
        return (
            f"PASS WITH {self.unverified} UNVERIFIED{suffix}"
            if self.unverified
            else f"PASS{suffix}"
        )


def count_gpu_checks(steps: Iterable[Step]) -> dict[str, int]:
    """How many checks of GPUs were ``real``, ``simulated`` and ``skipped``."""
    counts = {"real": 0, "simulated": 0, "skipped": 0}
    for step in steps:
        counts["skipped"] += step["lacks"] == "gpu"
        for check in step["checks"]:
            if check["gpu"]:
                counts["skipped" if check["status"] == "unverified" else check["gpu"]] += 1
    return counts


def broken(step: Step) -> list[Mapping[str, Any]]:
    """The broken checks of a step."""
    return [check for check in step["checks"] if check["status"] == "broken"]


def unverified(step: Step) -> list[Mapping[str, Any]]:
    """The unverified checks of a step."""
    return [check for check in step["checks"] if check["status"] == "unverified"]


def why_step_failed(step: Step) -> list[str]:
    """Why a step did not pass: a sentence a broken check, else its reason; empty when it did."""
    reason = [step["reason"]] if step["reason"] else []
    if step["status"] == "failed":
        return [_say(check) for check in broken(step)] or reason
    return reason + [_say(check) for check in broken(step)]


def _say(check: Mapping[str, Any]) -> str:
    expected, actual = show(check["expected"]), show(check["actual"])
    return f"{check['about']}: expected {expected}, found {actual} ({check['source']})"


def _not_verified(step: Step) -> list[tuple[str, str]]:
    pairs = [(check["about"], check["source"]) for check in unverified(step)]
    return pairs or ([(step["name"], step["reason"])] if step["status"] == "skipped" else [])
