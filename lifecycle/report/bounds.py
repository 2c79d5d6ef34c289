"""The report made safe to write: cleaned, redacted and within limits, whatever was printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lifecycle.report.model import RunReport, ScenarioReport, Step, broken, why_step_failed
from lifecycle.report.text import clean, cut
from lifecycle.terminal.styled_screen import MOST_STYLED, still_true

_DEEPEST = 12
_ROUGHLY = 4


@dataclass(frozen=True)
class Limits:
    """The most bytes of one screen and of any other text, entries of one value, styled parts."""

    screen: int
    text: int
    entries: int
    styles: int = 0


LADDER = (
    Limits(screen=64 * 1024, text=8 * 1024, entries=500, styles=MOST_STYLED),
    Limits(screen=16 * 1024, text=4 * 1024, entries=100, styles=500),
    Limits(screen=4 * 1024, text=1024, entries=50),
    Limits(screen=1024, text=256, entries=20),
    Limits(screen=256, text=80, entries=5),
)
"""From roomy to tight: a writer takes the first whose files fit. Checks are never dropped,
so a tighter rung cannot change a count or the verdict."""


def _as_it_is(text: str) -> str:
    return text


def prepare(
    report: RunReport,
    redact: Callable[[str], str] = _as_it_is,
    limits: Limits = LADDER[0],
) -> RunReport:
    """The same report with every text cleaned, redacted and cut; safe to print and to write."""
    maker = _Preparer(redact, limits)
    return replace(
        report,
        run=maker.text(report.run),
        engine=maker.fields(report.engine),
        host=maker.fields(report.host),
        subject=maker.fields(report.subject),
        scenarios=tuple(
            ScenarioReport(
                maker.text(scenario.name),
                maker.text(scenario.file),
                tuple(maker.step(step) for step in scenario.steps),
            )
            for scenario in report.scenarios
        ),
        left_behind=[maker.value(item) for item in report.left_behind],
        kept_on_purpose=[maker.value(item) for item in report.kept_on_purpose],
        to_remove=[maker.text(item) for item in report.to_remove],
        foreign_touched=[maker.value(item) for item in report.foreign_touched],
        touched_with_leave=[maker.text(item) for item in report.touched_with_leave],
        not_gated=[maker.text(item) for item in report.not_gated],
    )


@dataclass(frozen=True)
class _Preparer:
    redact: Callable[[str], str]
    limits: Limits

    def text(self, text: str) -> str:
        return self.fit(text, self.limits.text)[0]

    def fit(self, text: str, limit: int) -> tuple[str, int]:
        """The text made safe and cut, and how many bytes were lost."""
        # Redacted before it is cut, for half a secret is not recognised, and once more after
        # it was cleaned, for a secret that an escape sequence had split. Endless output is cut
        # roughly before it is cleaned, which is what takes time.
        rough, before = cut(self.redact(text), _ROUGHLY * limit)
        fine, lost = cut(self.redact(clean(rough)), limit, already=before)
        return fine, lost

    def step(self, step: Step) -> Step:
        screen, lost = self.fit(step["screen"], self.limits.screen)
        safe: dict[str, Any] = {
            **self.fields({key: step[key] for key in step.keys() - _WHOLE}),
            "checks": [self.fields(check) for check in step["checks"]],
            "findings": [self.fields(finding) for finding in step["findings"]],
            "screen": screen,
            "screen_cut": lost + step.get("screen_cut", 0),
            "styles": self.styles(step, screen),
        }
        if broken(step):
            # Said anew from the checks: a secret quoted within a sentence is not recognised.
            safe["reason"] = self.text(why_step_failed(safe)[0])
        return {key: safe[key] for key in [*step, *(safe.keys() - step.keys())]}

    def styles(self, step: Step, screen: str) -> list[Sequence[object]]:
        """The styles that still fit the screen, those of its end where there are too many."""
        fitting = still_true(step.get("styles", ()), step["screen"], screen)
        return fitting[max(0, len(fitting) - self.limits.styles) :]

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Every field, whatever the limits: only what is in one is cut."""
        return {key: self.value(value) for key, value in fields.items()}

    def value(self, value: Any, depth: int = 0) -> Any:
        """Any value as JSON can hold it, each text in it made safe."""
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        if depth < _DEEPEST and isinstance(value, Mapping):
            return self._mapping(value, depth)
        if depth < _DEEPEST and isinstance(value, Sequence) and not isinstance(value, str | bytes):
            kept = [self.value(item, depth + 1) for item in value[: self._room(value)]]
            lost = len(value) - len(kept)
            return [*kept, f"[... {lost} more cut here ...]"] if lost else kept
        return self.text(str(value))

    def _room(self, value: Sequence[Any] | Mapping[Any, Any]) -> int:
        # The note takes a place too, so that preparing twice changes nothing.
        entries = self.limits.entries
        return entries if len(value) <= entries else entries - 1

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        shown = list(value.items())[: self._room(value)]
        kept = {self.text(str(key)): self.value(item, depth + 1) for key, item in shown}
        lost = len(value) - len(shown)
        return {**kept, "...": f"[... {lost} more cut here ...]"} if lost else kept


_WHOLE = frozenset({"checks", "findings", "screen", "screen_cut", "styles"})
