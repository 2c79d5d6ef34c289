"""What builds on a skipped step is skipped too, and lacks the same."""

from __future__ import annotations

import pytest

from lifecycle.run.outcome import Skip
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.skipped import Skipped
from tests.unit.run.conftest import Planner

NO_GPU = Skip("it needs a GPU: there is none", "gpu")
MADE = "  - {command: docker run -ti --gpus all --name cc x, name: Run, gpu: required}\n"
BOX = "container cc was never made: step 1 was skipped, since it needs a GPU: there is none"


def second(planned: Planner, text: str) -> tuple[Skipped, PlannedStep]:
    """The skips after a skipped first step, and the step after it."""
    steps = planned(f"{MADE}  - {text}\n").steps
    skipped = Skipped()
    skipped.add(steps[0], NO_GPU)
    return skipped, steps[1]


@pytest.mark.parametrize(
    "text",
    [
        "command: docker start cc",
        "command: docker rm cc",
        "command: docker exec cc id",
        "{check: {container: {state: exited}}, on: cc}",
    ],
)
def test_what_it_would_have_made_is_missing(planned: Planner, text: str) -> None:
    skipped, step = second(planned, text)
    assert skipped.behind(step, "") == Skip(BOX, "gpu")


@pytest.mark.parametrize("text", ["type: ls", "{type: ls, in: cc}", "{press: [ctrl-d], in: cc}"])
def test_the_terminal_that_it_would_have_opened_is_missing(planned: Planner, text: str) -> None:
    skipped, step = second(planned, text)
    skip = skipped.behind(step, "")
    assert skip
    assert skip.lacks == "gpu"
    assert skip.reason.startswith("terminal cc was never opened: step 1 was skipped")


def test_a_terminal_that_is_open_is_typed_into_all_the_same(planned: Planner) -> None:
    skipped, step = second(planned, "type: ls")
    assert skipped.behind(step, "another") is None


@pytest.mark.parametrize("text", ["command: docker start dd", "command: id", "command: docker ps"])
def test_what_has_nothing_to_do_with_it_goes_on(planned: Planner, text: str) -> None:
    skipped, step = second(planned, text)
    assert skipped.behind(step, "") is None
