"""Decisions before a step: pure functions that return why it is skipped, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from lifecycle.command.line import Ref
from lifecycle.machine.gpus import Gpus
from lifecycle.run.outcome import Skip
from lifecycle.run.plan.steps import PlannedStep


def not_for_here(planned: PlannedStep, missing: str, gpus: Gpus) -> Skip | None:
    """Why a step has no place on this machine; ``missing`` says why nobody can act it."""
    if missing:
        return Skip(missing, "person")
    if not planned.when:
        bare = str(planned.step.when).replace("${{", "").replace("}}", "").strip()
        return Skip(f"its condition does not hold here: {bare}", "condition")
    if planned.needs_gpu and not gpus.items:
        return Skip(f"it needs a GPU: {gpus.reason}", "gpu")
    return None


def never_made(planned: PlannedStep, skipped: Mapping[Ref, Skip]) -> Skip | None:
    """Why what a step is about, by ``on`` or by its line, was never made."""
    if planned.step.on:
        return _first([r for r in skipped if r.name == planned.step.on], skipped)
    return _first(planned.line.uses | planned.line.destroys, skipped) if planned.line else None


def _first(uses: Collection[Ref], skipped: Mapping[Ref, Skip]) -> Skip | None:
    for ref in sorted(uses):
        if ref in skipped:
            return replace(skipped[ref], reason=f"{ref} was never made: {skipped[ref].reason}")
    return None
