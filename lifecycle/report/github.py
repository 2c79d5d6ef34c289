"""What GitHub Actions shows of a run: annotations at the author's lines, and the job summary."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lifecycle.report.bounds import LADDER, prepare
from lifecycle.report.inert import inert
from lifecycle.report.labels import labels, verdict_sentence, why
from lifecycle.report.model import (
    RunReport,
    ScenarioReport,
    Step,
    unverified,
    why_step_failed,
)
from lifecycle.report.text import cut, one_line, show

_SUMMARY_BYTES = 900 * 1024  # GitHub takes 1 MiB a step


def on_github(environ: Mapping[str, str]) -> bool:
    """Whether this is a GitHub Actions job."""
    return environ.get("GITHUB_ACTIONS") == "true"


def workflow_commands(report: RunReport, workspace: str = "") -> list[str]:
    """Workflow commands: an error a failed step, a warning a step with something unverified.

    Errors come first, because GitHub shows ten of each kind. Files are named relative to
    ``workspace`` where they are in it.
    """
    words = labels(report.lang)
    errors, warnings = [], []
    for scenario, step in report.steps():
        title = f"{scenario.name}: {step['name']}"
        where = {"file": _relative(scenario.file, workspace), "line": str(step["line"])}
        if step["status"] in ("failed", "error"):
            errors.append(_command("error", {**where, "title": title}, _message(step)))
        elif unverified(step):
            message = "\n".join(f"{c['about']}: {c['source']}" for c in unverified(step))
            title = f"{words['unverified']}: {title}"
            warnings.append(_command("warning", {**where, "title": title}, message))
    beyond = [
        _command("error", {"title": report.verdict}, why(words, reason))
        for reason in report.why_failed_beyond_steps
    ]
    return [*errors, *beyond, *warnings]


def job_summary(report: RunReport) -> str:
    """The run as the Markdown of a job summary; everything foreign is escaped."""
    words = labels(report.lang)
    lines = [f"## {report.verdict}", "", verdict_sentence(words, report.verdict), ""]
    lines += [f"- {_plain(why(words, reason))}" for reason in report.why_failed]
    gpus = ", ".join(
        f"{report.gpus(kind)} {words[f'gpu_{kind}']}" for kind in ("real", "simulated", "skipped")
    )
    lines += ["", f"{words['gpu']}: {gpus}"]
    for scenario in report.scenarios:
        lines += ["", f"### {_plain(scenario.name)}", "", *_table(scenario, words)]
        for step in scenario.steps:
            if step["status"] in ("failed", "error"):
                lines += ["", f"<b>{_plain(step['name'])}</b>", _block(_message(step))]
    for key, things in (
        ("left_behind", report.left_behind),
        ("foreign_touched", report.foreign_touched),
    ):
        if things:
            lines += [
                "",
                f"{words[key]}:",
                *(f"- {_plain(show(thing))}" for thing in things),
            ]
    return cut("\n".join(lines) + "\n", _SUMMARY_BYTES)[0]


def publish(report: RunReport, environ: Mapping[str, str], stream: TextIO) -> None:
    """On GitHub Actions, print the annotations and add to the job summary; elsewhere nothing.

    The report is one that was redacted (``prepare``).
    """
    if not on_github(environ):
        return
    safe = prepare(report, limits=LADDER[2])
    for line in workflow_commands(safe, environ.get("GITHUB_WORKSPACE", "")):
        print(line, file=stream)
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(job_summary(safe))
        except OSError as error:
            message = _data(f"the job summary could not be written: {error}")
            print(f"::warning::{message}", file=stream)


class CommandsStopped:
    """On GitHub Actions, lets nothing that is printed meanwhile act as a workflow command.

    A container can print ``::add-mask::`` or ``::error::``, and the runner obeys such a line
    from anyone, indented or not. It stops at a word that no container can guess.
    """

    def __init__(self, environ: Mapping[str, str], stream: TextIO) -> None:
        """``stream`` is written as it is."""
        self._stream = stream if on_github(environ) else None
        self._word = ""

    def stop(self) -> None:
        """From here on, no line is a command."""
        if self._stream and not self._word:
            self._word = secrets.token_hex(16)
            # Whatever was being written has not ended its line.
            print(f"\n::stop-commands::{self._word}", file=self._stream, flush=True)

    def resume(self) -> None:
        """From here on, commands are obeyed again; ours are."""
        if self._stream and self._word:
            print(f"\n::{self._word}::", file=self._stream, flush=True)
            self._word = ""

    @contextmanager
    def obeyed(self) -> Iterator[None]:
        """Have commands obeyed meanwhile: only ours may be printed."""
        self.resume()
        try:
            yield
        finally:
            self.stop()


def _message(step: Step) -> str:
    lines = why_step_failed(step)
    for finding in step["findings"]:
        lines.append(finding["cause"])
        for remedy in finding["remedies"]:
            lines += [f"{remedy['who']}: {remedy['do']}", *remedy["commands"]]
    return "\n".join(lines)


def _table(scenario: ScenarioReport, words: Mapping[str, str]) -> Iterator[str]:
    yield f"| {words['steps']} | {words['status']} | {words['time']} |"
    yield "| --- | --- | ---: |"
    for step in scenario.steps:
        status = words[step["status"]]
        if step["status"] in ("skipped", "not-run"):
            status += f": {_plain(step['reason'])}"
        seconds = f"{step['seconds']:.1f} {words['seconds']}"
        yield f"| {_plain(step['name'])} | {status} | {seconds} |"


def _plain(text: str) -> str:
    """Text as Markdown shows it, letter for letter: no markup, link, mention or table cell."""
    escaped = html.escape(one_line(text))
    return re.sub(r"[\\`*_{}\[\]()#+!|~@:-]", lambda match: f"&#{ord(match.group())};", escaped)


def _block(text: str) -> str:
    return f"<pre>{html.escape(inert(text))}</pre>"


def _relative(file: str, workspace: str) -> str:
    if workspace and Path(file).is_relative_to(workspace):
        return str(Path(file).relative_to(workspace))
    return file


def _command(name: str, properties: Mapping[str, str], message: str) -> str:
    fields = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {fields}::{_data(message)}"


def _data(text: str) -> str:
    """A text as an annotation has it: none of its lines is a command where it is shown, either."""
    return inert(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
