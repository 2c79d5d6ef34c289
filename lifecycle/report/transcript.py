"""``transcript.sh``: what was typed, in order, to be read or run again in bash."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from lifecycle.report.labels import labels, why
from lifecycle.report.model import (
    RunReport,
    ScenarioReport,
    Step,
    unverified,
    why_step_failed,
)
from lifecycle.report.text import one_line, show, was_cut

_NOT_A_COMMAND = re.compile(r"(?:write|type|press|window|check):")


def render_transcript(report: RunReport) -> str:
    """The script for a prepared report: each command that ran, quoted; all else as comments."""
    lines = ["#!/usr/bin/env bash", *_heading(report)]
    for scenario in report.scenarios:
        lines += ["", _comment(f"==== {scenario.name} ({scenario.file})")]
        for step in scenario.steps:
            lines += ["", *_step(scenario, step)]
    return "\n".join(lines) + "\n"


def _heading(report: RunReport) -> Iterator[str]:
    words = labels(report.lang)
    yield _comment(f"{words['run']} {report.run}: {report.verdict}")
    for reason in report.why_failed:
        yield _comment(f"  {why(words, reason)}")
    for title, facts in (("subject", report.subject), ("engine", report.engine)):
        line = ", ".join(f"{key} {show(value)}" for key, value in facts.items())
        yield _comment(f"{words[title]}: {line or '-'}")


def _step(scenario: ScenarioReport, step: Step) -> Iterator[str]:
    words = labels("en")
    status = f"{words[step['status']]}, {step['seconds']:.1f} s"
    yield _comment(f"{scenario.file}:{step['line']} {step['name']} [{status}]")
    for reason in why_step_failed(step):
        yield _comment(f"  {reason}")
    for check in unverified(step):
        yield _comment(f"  unverified: {check['about']}: {check['source']}")
    for finding in step["findings"]:
        yield _comment(f"  cause: {finding['cause']}")
    if step["actual_command"] != step["command"]:
        yield _comment(f"  really run: {step['actual_command']}")
    if step["as"]:
        yield _comment(f"  as {step['as']}")
    if step["command"]:
        yield _command(step)


def _command(step: Step) -> str:
    """The command as bash takes it, or as a comment where bash must not run it."""
    typed: str = step["command"]
    if step["status"] in ("skipped", "not-run") or _NOT_A_COMMAND.match(typed) or was_cut(typed):
        return _comment(typed)
    try:
        words = shlex.split(typed)
    except ValueError:  # a quote that never ends
        return _comment(typed)
    # Split and quoted again, so that nothing in a word is syntax for the shell.
    return shlex.join(words)


def _comment(text: str) -> str:
    # One line: a line end inside a name would start a command.
    return f"# {one_line(text)}"
