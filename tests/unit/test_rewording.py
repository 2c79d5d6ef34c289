"""No verdict hangs on a word: in whatever words labels and reasons are, it is the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.checks import judge_promise, table, wording
from lifecycle.checks.check import Check
from lifecycle.checks.judge_promise import judge
from lifecycle.checks.table import row_of
from lifecycle.command.promise import Promise
from lifecycle.facts.model import Facts
from lifecycle.report.model import RunReport, ScenarioReport, count_gpu_checks
from lifecycle.run.outcome import Skip, StepResult
from tests.unit.checks.cases import Case
from tests.unit.checks.test_judge_promise import CASES

WORDS = {"about", "actual", "expected", "reason", "source", "name", "command", "cause", "screen"}
"""The keys of a report whose values are for people."""
TELLING = ("GPUs inside", "inside: GPUs", "[SIMULATED]", "it needs a GPU", "(seen inside)", "GPU")
TEXTS = st.sampled_from([*TELLING, "state", "no GPU here", ""])
CHECKS = st.builds(
    Check,
    TEXTS,
    TEXTS,
    TEXTS,
    st.sampled_from(["kept", "broken", "unverified"]),
    TEXTS,
    st.sampled_from([None, "real", "simulated"]),
)
SKIPS = st.none() | st.builds(Skip, TEXTS, st.sampled_from(["gpu", "person", "condition", "ours"]))
STEPS = st.builds(
    StepResult,
    TEXTS,
    st.just(3),
    skipped=SKIPS,
    ran=st.booleans(),
    not_run=st.sampled_from(["", "the step before it failed"]),
    checks=st.lists(CHECKS, max_size=3),
)


def reworded(value: Any, word: str) -> Any:
    """The same plain data with every text for people replaced."""
    if isinstance(value, Mapping):
        return {k: word if k in WORDS and v else reworded(v, word) for k, v in value.items()}
    if isinstance(value, list):
        return [reworded(one, word) for one in value]
    return value


def concluded(steps: Iterable[Mapping[str, Any]], gpu: str, *, strict: bool) -> tuple[Any, ...]:
    steps = list(steps)
    counts = count_gpu_checks(steps)
    report = RunReport(
        "r1",
        {},
        {},
        {},
        [ScenarioReport("s", "s.yaml", steps)],
        gpu_checks=counts,
        options={"strict": strict, "gpu": gpu},
    )
    return report.verdict, report.why_failed, counts, report.scenarios[0].status


@given(
    st.lists(STEPS, min_size=1, max_size=4),
    TEXTS,
    st.sampled_from([("auto", False), ("auto", True), ("require", False), ("require", True)]),
)
def test_a_report_concludes_the_same_in_any_words(
    steps: list[StepResult], word: str, options: tuple[str, bool]
) -> None:
    gpu, strict = options
    told = [step.to_json() for step in steps]
    other = [reworded(step, word) for step in told]
    assert concluded(other, gpu, strict=strict) == concluded(told, gpu, strict=strict)


def verdict(promise: Promise, facts: Facts) -> tuple[Any, ...]:
    check = judge(promise, facts)
    return check.status, check.gpu, check.expected, check.actual


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_promise_is_judged_the_same_in_any_words(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = [one for one in (case.kept, case.broken, case.unseen) if one]
    before = [verdict(case.promise, one) for one in facts]
    row = row_of(case.promise.field)
    monkeypatch.setattr(table, "RULES", {row: replace(table.RULES[row], phrase="another")})
    monkeypatch.setattr(judge_promise, "RULES", table.RULES)
    monkeypatch.setattr(wording, "_WHERE", dict.fromkeys(("inspect", "inside", "host"), "?"))
    assert [verdict(case.promise, one) for one in facts] == before
