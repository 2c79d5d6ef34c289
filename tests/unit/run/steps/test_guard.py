"""What keeps a step from being done here is told in data, beside the sentence for people."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.machine.gpus import Gpu, Gpus
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.steps.guard import not_for_here
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
