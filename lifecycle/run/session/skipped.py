"""What skipped steps would have made or opened; a step that needs any of it is skipped too."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from lifecycle.command.line import Ref
from lifecycle.run.outcome import Skip
from lifecycle.run.plan.steps import PlannedStep


class Skipped:
    """The skips of one run, by what is missing of them."""

    def __init__(self) -> None:
        self._things: dict[Ref, Skip] = {}
        self._terminals: dict[str, Skip] = {}

    def add(self, planned: PlannedStep, skip: Skip) -> None:
        """Note a skipped step, whose line will make and open nothing."""
        reason = f"step {planned.index + 1} was skipped, since {skip.reason}"
        later = replace(skip, reason=reason)
        if planned.opens:
            self._terminals[planned.opens] = later
        if planned.line:
            self._things |= dict.fromkeys(planned.line.creates, later)

    def behind(self, planned: PlannedStep, open_terminal: str) -> Skip | None:
        """Why a step's needs are missing; ``open_terminal`` names the open one, if any."""
        return self._never_opened(planned, open_terminal) or self._never_made(planned)

    def _never_opened(self, planned: PlannedStep, open_terminal: str) -> Skip | None:
        """A step that types without ``in`` means the terminal that was to be opened last."""
        name = planned.step.in_ or ""
        if planned.step.kind == "type" and not (name or open_terminal):
            name = next(reversed(self._terminals), "")
        why = self._terminals.get(name)
        return why and replace(why, reason=f"terminal {name} was never opened: {why.reason}")

    def _never_made(self, planned: PlannedStep) -> Skip | None:
        if planned.step.on:
            return self._first([r for r in self._things if r.name == planned.step.on])
        return self._first(planned.line.uses | planned.line.destroys) if planned.line else None

    def _first(self, uses: Collection[Ref]) -> Skip | None:
        for ref in sorted(uses):
            if ref in self._things:
                why = self._things[ref]
                return replace(why, reason=f"{ref} was never made: {why.reason}")
        return None
