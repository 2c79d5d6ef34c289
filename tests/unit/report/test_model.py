"""The verdict and the statuses are derived, and never greener than what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.report.document import to_json
from lifecycle.report.model import RunReport
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import (
    ENGINE,
    FAILED,
    GPU,
    HOST,
    PASSED,
    PULL,
    RUN,
    STOP,
    SUBJECT,
    report,
    scenario,
)

GPU_REQUIRED = {"strict": False, "gpu": "require", "allow_foreign": []}
STRICT = {"strict": True, "gpu": "auto", "allow_foreign": []}
ERROR = StepResult("Broken harness", 3, error="the terminal was lost")


def codes(run: RunReport) -> list[str]:
    """The codes of why a run failed."""
    return [reason.code for reason in run.why_failed]


def test_a_run_in_which_everything_passed_is_pass() -> None:
    assert report(*PASSED).verdict == "PASS"


@pytest.mark.parametrize("step", [RUN, STOP, ERROR])
def test_a_failed_an_error_and_a_not_run_step_each_fail_the_run(step: StepResult) -> None:
    assert report(PULL, step).verdict == "FAIL"


@pytest.mark.parametrize("field", ["left_behind", "foreign_touched"])
def test_what_was_left_or_touched_fails_a_run_whose_steps_passed(field: str) -> None:
    run = report(*PASSED, **{field: ["container x"]})
    assert (run.verdict, codes(run)) == ("FAIL", [field])


def test_what_was_kept_on_purpose_fails_nothing() -> None:
    assert report(*PASSED, kept_on_purpose=["image python:3.12"]).verdict == "PASS"


def test_unverified_promises_are_counted_in_the_verdict() -> None:
    unsure = StepResult("Port", 4, ran=True, checks=[c for c in RUN.checks if c.actual is None] * 2)
    assert report(PULL, unsure).verdict == "PASS WITH 2 UNVERIFIED"


def test_strict_makes_unverified_fail() -> None:
    run = report(PULL, GPU, options=STRICT)
    assert (run.verdict, codes(run)) == ("FAIL", ["strict"])


def test_a_run_that_skipped_a_step_is_no_plain_pass() -> None:
    assert report(PULL, GPU).verdict == "PASS WITH 1 UNVERIFIED"


@pytest.mark.parametrize("steps", [(), (GPU,)])
def test_a_run_in_which_nothing_passed_is_never_pass(steps: tuple[StepResult, ...]) -> None:
    run = report(*steps)
    assert (run.verdict, codes(run)) == ("FAIL", ["nothing_passed"])


def test_a_run_without_scenarios_is_never_pass() -> None:
    assert report(scenarios=[]).verdict == "FAIL"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"real": 2, "simulated": 0, "skipped": 0}, []),
        ({"real": 0, "simulated": 2, "skipped": 0}, []),
        ({"real": 2, "simulated": 0, "skipped": 1}, ["gpu_skipped"]),
        ({"real": 0, "simulated": 0, "skipped": 0}, ["gpu_none"]),
        ({}, ["gpu_none"]),
        ({"real": 0, "simulated": 0, "skipped": 3}, ["gpu_skipped", "gpu_none"]),
    ],
)
def test_gpu_require_fails_every_skip_and_a_zero_count(
    counts: dict[str, int], expected: list[str]
) -> None:
    assert codes(report(*PASSED, gpu_checks=counts, options=GPU_REQUIRED)) == expected


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (PASSED, "passed"),
        ((PULL, GPU), "passed"),
        ((GPU,), "skipped"),
        ((), "skipped"),
        ((PULL, STOP), "not-run"),
        (FAILED, "failed"),
        ((*FAILED, ERROR), "error"),
    ],
)
def test_a_scenario_has_the_gravest_status_of_its_steps(
    steps: tuple[StepResult, ...], status: str
) -> None:
    assert scenario(*steps).status == status


def test_report_json_has_the_shape_of_the_contract() -> None:
    document = to_json(report(*FAILED, gpu_checks={"simulated": 1}))
    contract = {
        "schema": 1,
        "verdict": "FAIL",
        "run": "k3x9",
        "engine": ENGINE,
        "host": HOST,
        "subject": SUBJECT,
        "gpu_checks": {"real": 0, "simulated": 1, "skipped": 0},
        "left_behind": [],
        "kept_on_purpose": [],
        "foreign_touched": [],
    }
    assert {key: document[key] for key in contract} == contract
    [told] = document["scenarios"]
    assert (told["name"], told["file"], told["status"]) == (
        "My environment, start to finish",
        "scenarios/my-env.yaml",
        "failed",
    )
    step: dict[str, Any] = told["steps"][2]
    assert set(step) >= {
        "name", "line", "command", "status", "reason", "lacks", "seconds", "checks", "findings",
        "screen",
    }  # fmt: skip
    assert set(step["checks"][0]) == {"about", "expected", "actual", "status", "source", "gpu"}
    assert set(step["findings"][0]) == {"id", "cause", "evidence", "remedies"}
    assert set(step["findings"][0]["remedies"][0]) == {"who", "do", "commands"}
