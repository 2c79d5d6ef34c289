"""``junit.xml`` is valid whatever it holds, and says the same as the verdict."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.report.bounds import prepare
from lifecycle.report.junit import render_junit
from lifecycle.report.model import RunReport
from lifecycle.report.text import clean
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import (
    FAILED,
    GPU,
    HOSTILE_NAMES,
    PASSED,
    PULL,
    STOP,
    hostile,
    report,
)

ERROR = StepResult("Broken harness", 3, error="the terminal was lost")


def junit(run: RunReport) -> ET.Element:
    """The parsed document of a run."""
    return ET.fromstring(render_junit(prepare(run)).encode())


def test_a_step_is_a_testcase_with_its_place_and_time() -> None:
    case = junit(report(*FAILED)).find("testsuite/testcase[@name='Run it']")
    assert case is not None
    assert case.get("file") == "scenarios/my-env.yaml"
    assert case.get("line") == "15"
    assert case.get("time") == "1.400"


def test_a_failure_tells_the_broken_checks_and_the_findings() -> None:
    failure = junit(report(*FAILED)).findtext("testsuite/testcase/failure") or ""
    assert "-v /mnt/my nas:/workspace: writable: expected true, found false" in failure
    assert "The NAS is mounted read-only on this server [mount.read_only]" in failure
    assert "admin: Mount it writable\nmount -o remount,rw /mnt/nas100" in failure


def test_skipped_not_run_and_error_keep_their_reasons() -> None:
    cases = junit(report(GPU, STOP, ERROR)).findall("testsuite/testcase")
    told = [(child.tag, child.get("message")) for case in cases for child in case]
    assert told[:3] == [
        ("skipped", "no GPU"),
        ("skipped", "not run: 'Run it' failed"),
        ("error", "the terminal was lost"),
    ]


def test_the_counts_are_those_of_the_cases() -> None:
    root = junit(report(*FAILED, ERROR))
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }


def test_engine_and_subject_are_properties() -> None:
    suite = junit(report(*PASSED)).find("testsuite")
    assert suite is not None
    told = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    assert told["engine.version"] == "28.5.1"
    assert told["subject.name"] == "mina"
    assert told["verdict"] == "PASS"


def test_what_was_left_behind_fails_the_run_as_a_whole() -> None:
    root = junit(report(*PASSED, left_behind=["container x"]))
    [failure] = root.findall("testsuite/testcase/failure")
    assert failure.get("message") == "FAIL: things left behind: 1"
    assert "container x" in (failure.text or "")


@given(
    st.lists(st.sampled_from([PULL, *FAILED, ERROR])),
    st.fixed_dictionaries({"strict": st.booleans(), "gpu": st.sampled_from(["auto", "require"])}),
    st.sampled_from([(), ("container x",)]),
)
def test_it_holds_a_failure_exactly_when_the_verdict_is_fail(
    steps: list[StepResult], options: dict[str, Any], left: tuple[str, ...]
) -> None:
    run = report(*steps, left_behind=left, options=options)
    root = junit(run)
    bad = int(root.get("failures", "")) + int(root.get("errors", ""))
    assert bool(bad) == (run.verdict == "FAIL")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_survives_as_text(name: str) -> None:
    suite = junit(hostile(name)).find("testsuite")
    assert suite is not None
    assert (suite.get("name") or "").split() == clean(name).split()


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_gives_valid_xml(text: str) -> None:
    junit(hostile(text))
