"""``junit.xml``: a testsuite a scenario, a testcase a step, and one for the run as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from lifecycle.report.labels import labels, why
from lifecycle.report.model import RunReport, ScenarioReport, Step, why_step_failed
from lifecycle.report.text import clean, one_line, show


def render_junit(report: RunReport) -> str:
    """The document for a prepared report; it holds a failure exactly when the verdict is FAIL."""
    root = ET.Element("testsuites")
    for scenario in report.scenarios:
        root.append(_suite(report, scenario))
    root.append(_whole_run(report))
    _attributes(root, name=f"lifecycle {report.run}", **_totals(root.findall("testsuite")))
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _suite(report: RunReport, scenario: ScenarioReport) -> ET.Element:
    suite = ET.Element("testsuite")
    _properties(suite, report)
    for step in scenario.steps:
        suite.append(_case(scenario, step))
    counts = {
        "tests": len(scenario.steps),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    _attributes(suite, name=scenario.name, file=scenario.file, time=_time(scenario.seconds))
    _attributes(suite, **counts)
    return suite


def _case(scenario: ScenarioReport, step: Step) -> ET.Element:
    case = ET.Element("testcase")
    _attributes(
        case,
        classname=scenario.name,
        name=one_line(step["name"]),
        file=scenario.file,
        line=step["line"],
        time=_time(step["seconds"]),
    )
    status = step["status"]
    if status == "failed":
        _child(
            case,
            "failure",
            _explanation(step),
            message=one_line(step["reason"]),
            type="check",
        )
    elif status == "error":
        _child(
            case,
            "error",
            _explanation(step),
            message=one_line(step["reason"]),
            type="harness",
        )
    elif status == "not-run":
        _child(case, "skipped", message=f"not run: {one_line(step['reason'])}")
    elif status == "skipped":
        _child(case, "skipped", message=one_line(step["reason"]))
    if status in ("failed", "error") and step["screen"]:
        _child(case, "system-out", step["screen"])
    return case


def _whole_run(report: RunReport) -> ET.Element:
    """What no single step can show: leftovers, strictness, a GPU that was promised."""
    words = labels(report.lang)
    reasons = [why(words, reason) for reason in report.why_failed_beyond_steps]
    suite = ET.Element("testsuite")
    _attributes(suite, name="the run as a whole", tests=1, failures=int(bool(reasons)))
    _attributes(suite, errors=0, skipped=0, time=_time(0.0))
    _properties(suite, report)
    case = ET.SubElement(suite, "testcase")
    _attributes(case, classname="lifecycle", name="verdict", time=_time(0.0))
    if reasons:
        things = [*report.left_behind, *report.foreign_touched]
        text = "\n".join([*reasons, *(f"  {show(thing)}" for thing in things)])
        _child(
            case,
            "failure",
            text,
            message=f"{report.verdict}: {reasons[0]}",
            type="verdict",
        )
    return suite


def _explanation(step: Step) -> str:
    lines = [step["command"], *why_step_failed(step)]
    for finding in step["findings"]:
        lines += [f"{finding['cause']} [{finding['id']}]", *finding["evidence"]]
        for remedy in finding["remedies"]:
            lines += [f"{remedy['who']}: {remedy['do']}", *remedy["commands"]]
    return "\n".join(line for line in lines if line)


def _properties(suite: ET.Element, report: RunReport) -> None:
    properties = ET.SubElement(suite, "properties")
    named: dict[str, Mapping[str, Any]] = {
        "engine": report.engine,
        "host": report.host,
        "subject": report.subject,
        "gpu_checks": report.gpu_checks,
    }
    for name, values in (("run", report.run), ("verdict", report.verdict)):
        _child(properties, "property", name=name, value=values)
    for group, facts in named.items():
        for key, value in facts.items():
            _child(properties, "property", name=f"{group}.{key}", value=show(value))


def _totals(suites: list[ET.Element]) -> dict[str, Any]:
    counted = ("tests", "failures", "errors", "skipped")
    totals: dict[str, Any] = {
        key: sum(int(suite.get(key, "0")) for suite in suites) for key in counted
    }
    return {
        **totals,
        "time": _time(sum(float(suite.get("time", "0")) for suite in suites)),
    }


def _child(parent: ET.Element, tag: str, text: str = "", **attributes: Any) -> None:
    child = ET.SubElement(parent, tag)
    _attributes(child, **attributes)
    if text:
        child.text = clean(text)


def _attributes(element: ET.Element, **attributes: Any) -> None:
    for key, value in attributes.items():
        element.set(key, clean(str(value)))


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
