"""Why a step has no place on this machine: decided of values, before anything is asked."""

from __future__ import annotations

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
