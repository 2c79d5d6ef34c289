"""A step's status follows from its checks and evidence: nothing looked at is never passed."""

from __future__ import annotations

import itertools

import pytest

from lifecycle.checks.check import Check, CheckStatus
from lifecycle.diagnosis.finding import Finding, Remedy
from lifecycle.run.outcome import Skip, StepResult, StepStatus


def check(status: CheckStatus) -> Check:
    return Check("state", "exited", "running", status, "inspect")


def result(
    *statuses: CheckStatus, ran: bool = False, skipped: str = "", not_run: str = "", error: str = ""
) -> StepResult:
    skip = Skip(skipped, "gpu") if skipped else None
    made = StepResult("step", 3, ran=ran, skipped=skip, not_run=not_run, error=error)
    made.checks = [check(s) for s in statuses]
    return made


@pytest.mark.parametrize(
    ("step", "status", "reason"),
    [
        (result(ran=True), "passed", ""),
        (result("kept", ran=True), "passed", ""),
        (result("kept"), "passed", ""),
        (result("kept", "unverified"), "passed", ""),
        (result("unverified", ran=True), "passed", ""),
        (result(), "skipped", "nothing was run and nothing was observed"),
        (result("unverified"), "skipped", "nothing was run and nothing was observed"),
        (result(skipped="no GPU"), "skipped", "no GPU"),
        (result("unverified", skipped="no GPU"), "skipped", "no GPU"),
        (result("kept", ran=True, skipped="no GPU"), "skipped", "no GPU"),
        (result("broken", ran=True), "failed", "state: expected 'exited', found 'running'"),
        (result("kept", "broken"), "failed", "state: expected 'exited', found 'running'"),
        (result(not_run="step 1 failed"), "not-run", "step 1 failed"),
        (result("kept", not_run="step 1 failed"), "not-run", "step 1 failed"),
        (result(error="boom"), "error", "boom"),
        (result("broken", error="boom", ran=True), "error", "boom"),
        (result("kept", error="boom", skipped="x", not_run="y"), "error", "boom"),
    ],
)
def test_the_status_is_derived(step: StepResult, status: StepStatus, reason: str) -> None:
    assert (step.status, step.reason) == (status, reason)


def test_a_skip_does_not_hide_a_broken_check() -> None:
    assert result("broken", skipped="no GPU").status == "failed"
    assert result("broken", not_run="step 1 failed").status == "failed"


def test_nothing_kept_and_nothing_run_is_never_passed() -> None:
    texts = ("", "because")
    statuses: list[tuple[CheckStatus, ...]] = [(), ("unverified",), ("broken",)]
    for seen, skipped, not_run, error in itertools.product(statuses, texts, texts, texts):
        step = result(*seen, skipped=skipped, not_run=not_run, error=error)
        assert step.status != "passed"
        assert step.reason


def test_a_passed_step_has_no_broken_check_and_no_excuse() -> None:
    statuses: list[tuple[CheckStatus, ...]] = [(), ("kept",), ("broken",), ("kept", "broken")]
    texts = ("", "because")
    for seen, skipped, not_run, error in itertools.product(statuses, texts, texts, texts):
        step = result(*seen, ran=True, skipped=skipped, not_run=not_run, error=error)
        clean = "broken" not in seen and not (skipped or not_run or error)
        assert (step.status == "passed") is clean


def test_the_report_has_the_status_and_what_it_follows_from() -> None:
    step = result("kept", ran=True)
    step.command, step.seconds = "docker stop c", 1.23456
    step.findings = [Finding("F1", "cause", ("evidence",), (Remedy("admin", "do", ("cmd",)),))]
    assert step.to_json() == {
        "name": "step",
        "line": 3,
        "as": "",
        "command": "docker stop c",
        "actual_command": "docker stop c",
        "status": "passed",
        "reason": "",
        "lacks": None,
        "seconds": 1.235,
        "checks": [check("kept").to_json()],
        "findings": [
            {
                "id": "F1",
                "cause": "cause",
                "evidence": ["evidence"],
                "remedies": [{"who": "admin", "do": "do", "commands": ["cmd"]}],
            }
        ],
        "screen": "",
        "screen_cut": 0,
        "styles": [],
    }
    step.actual_command = "docker stop c-r1"
    assert step.to_json()["actual_command"] == "docker stop c-r1"
