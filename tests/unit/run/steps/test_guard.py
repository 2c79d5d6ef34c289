"""What keeps a step from being done here is told in data, beside the sentence for people."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.command.line import Ref
from lifecycle.machine.gpus import Gpu, Gpus
from lifecycle.run.outcome import Skip
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.steps.guard import never_made, not_for_here
from tests.unit.run.conftest import Planner

NONE = Gpus("none", (), "there is no driver")
ONE = Gpus("nvml", (Gpu(0, "GPU-1", "A"),), "")


def step(planned: Planner, text: str) -> PlannedStep:
    return planned(f"  - {text}\n").steps[0]


@pytest.mark.parametrize(
    ("text", "missing", "gpus", "lacks"),
    [
        ("command: docker run --gpus all x", "", NONE, "gpu"),
        ("command: docker run --gpus all x", "", ONE, None),
        ("command: docker run --gpus all x", "nobody plays bob here", NONE, "person"),
        ("{command: id, gpu: required}", "", NONE, "gpu"),
        ("{command: id, when: '${{ 1 == 2 }}', gpu: required}", "", NONE, "condition"),
        ("command: id", "", NONE, None),
        ("command: id", "nobody plays bob here", ONE, "person"),
    ],
)
def test_what_is_lacking_is_named(
    planned: Planner, text: str, missing: str, gpus: Gpus, lacks: Any
) -> None:
    skip = not_for_here(step(planned, text), missing, gpus)
    assert (skip.lacks if skip else None) == lacks


def test_what_a_skipped_step_would_have_made_is_lacking_for_the_same_reason(
    planned: Planner,
) -> None:
    skipped = {Ref("container", "c"): Skip("step 2 was skipped", "gpu")}
    wanted = Skip("container c was never made: step 2 was skipped", "gpu")
    assert never_made(step(planned, "command: docker start c"), skipped) == wanted
    assert never_made(step(planned, "command: docker rm c"), skipped) == wanted
    assert (
        never_made(step(planned, "{check: {container: {state: exited}}, on: c}"), skipped) == wanted
    )
    assert never_made(step(planned, "command: docker start d"), skipped) is None
    assert never_made(step(planned, "command: id"), skipped) is None
