"""The end of a run in a terminal: a line a step, what failed and why, the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lifecycle.report.bounds import LADDER, prepare
from lifecycle.report.labels import labels, verdict_sentence, why
from lifecycle.report.model import (
    UNVERIFIED_LINES,
    RunReport,
    ScenarioReport,
    Step,
    broken,
    unverified,
)
from lifecycle.report.text import clean, one_line, show
from lifecycle.run.outcome import StepStatus

if TYPE_CHECKING:
    from rich.console import Console

_MARKS: dict[StepStatus, str] = {
    "passed": "✓",
    "failed": "✗",
    "error": "!",
    "skipped": "-",
    "not-run": "·",
}
_ASCII_MARKS: dict[StepStatus, str] = {
    "passed": "+",
    "failed": "x",
    "error": "!",
    "skipped": "-",
    "not-run": ".",
}
_STYLES: dict[StepStatus, str] = {
    "passed": "green",
    "failed": "bold red",
    "error": "bold red",
    "skipped": "yellow",
    "not-run": "dim",
}
_WIDEST = 120
_SCREEN_LINES = 12


def render_summary(
    report: RunReport, console: Console, *, index: Path | None = None, steps_printed: bool = False
) -> None:
    """Print the summary of a report that was redacted (``prepare``), and where its page is.

    ``steps_printed``: :class:`Progress` has printed the steps already, so a run of several
    scenarios lists those instead. Everything foreign is printed as plain text: no markup, no
    escape sequence, no highlighting.
    """
    _Summary(prepare(report, limits=LADDER[2]), console).print(index, steps_printed=steps_printed)


class Progress:
    """Prints each step when it ends, under the title of its scenario."""

    def __init__(self, console: Console, lang: str = "en") -> None:
        """``lang`` chooses the words."""
        self._console, self._lang = console, lang
        self._under = ""

    def begin(self, name: str) -> None:
        """Say what is being done, on a terminal only: the line is written over at its end."""
        if self._console.is_terminal:
            shown = Text(
                f"  … {one_line(clean(name))}", style="dim", overflow="ellipsis", no_wrap=True
            )
            self._console.print(shown, end="\r", width=self._console.width - 1)

    def step(self, scenario: str, file: str, step: Step) -> None:
        """Print one step that has ended."""
        one = ScenarioReport(scenario, file, [step])
        report = RunReport("", {}, {}, {}, [one], lang=self._lang)
        summary = _Summary(prepare(report, limits=LADDER[2]), self._console)
        under = f"{scenario} {file}"
        summary.scenario(summary.report.scenarios[0], titled=under != self._under)
        self._under = under


class _Summary:
    def __init__(self, report: RunReport, console: Console) -> None:
        self.report = report
        self.console = console
        self.words = labels(report.lang)
        self.width = min(console.width, _WIDEST)
        self.encoding = console.encoding
        self.marks = _ASCII_MARKS if console.options.ascii_only else _MARKS

    def print(self, index: Path | None, *, steps_printed: bool) -> None:
        for scenario in self.report.scenarios:
            if not steps_printed:
                self.scenario(scenario, titled=True)
                self.console.print()
        if steps_printed:
            self.console.print()
            self._scenarios()
        self._unverified()
        self._things()
        self._verdict()
        if index is not None:
            # On a line of its own and never folded, so that it can be clicked and copied.
            where = self._text(f"{self.words['report']}: {index}")
            self.console.print(where, soft_wrap=True)

    def _scenarios(self) -> None:
        """A line a scenario, where there are several."""
        if len(self.report.scenarios) == 1:
            return
        for scenario in self.report.scenarios:
            line = self._text(f"  {self.marks[scenario.status]} ", _STYLES[scenario.status])
            line.append(self._known(one_line(scenario.name)), "default")
            self.console.print(line, width=self.width)
        self.console.print()

    def scenario(self, scenario: ScenarioReport, *, titled: bool) -> None:
        """The steps of a scenario, each with why it did not simply pass."""
        title = self._text(one_line(scenario.name), "bold")
        title.append(self._known(f"  {scenario.file}"), "dim")
        if titled:
            self.console.print(title, width=self.width)
        for step in scenario.steps:
            self.console.print(self._line(step), width=self.width)
            for text, style, indent in self._explanation(step):
                line = Padding(self._text(text, style), (0, 0, 0, indent), expand=False)
                self.console.print(line, width=self.width)

    def _line(self, step: Step) -> Table:
        status = step["status"]
        right = Text()
        unsure = len(unverified(step))
        if unsure:
            right += self._text(f"{unsure} {self.words['unverified']}  ", "yellow")
        if status not in ("skipped", "not-run"):
            right += self._text(f"{step['seconds']:.1f} {self.words['seconds']}")
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(width=3, justify="right", no_wrap=True)
        line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        line.add_column(width=max(8, right.cell_len), justify="right", no_wrap=True)
        name = self._text(one_line(step["name"]), "dim" if status == "not-run" else "")
        line.add_row(self._text(self.marks[status], _STYLES[status]), name, right)
        return line

    def _explanation(self, step: Step) -> Iterator[tuple[str, str, int]]:
        """Text, style and indent of each line under a step that did not simply pass."""
        if step["status"] == "skipped":
            yield step["reason"], "yellow", 4
        if step["status"] not in ("failed", "error"):
            return
        failures = broken(step)
        if step["status"] == "error" or not failures:
            yield step["reason"], "red", 4
        for check in failures:
            yield check["about"], "red", 4
            yield f"{self.words['expected']}: {show(check['expected'])}", "", 6
            yield (
                f"{self.words['actual']}: {show(check['actual'])}  ({check['source']})",
                "",
                6,
            )
        for finding in step["findings"]:
            yield f"{finding['cause']} [{finding['id']}]", "bold", 4
            for fact in finding["evidence"]:
                yield fact, "dim", 6
            for remedy in finding["remedies"]:
                yield f"{self.words[remedy['who']]}: {remedy['do']}", "cyan", 4
                for command in remedy["commands"]:
                    yield f"$ {command}", "", 6
        for text in step["screen"].rstrip().splitlines()[-_SCREEN_LINES:]:
            yield f"| {text}", "dim", 4

    def _unverified(self) -> None:
        unsure = self.report.not_verified
        if not unsure:
            return
        self.console.print(self._text(self.words["what_unverified"], "yellow"))
        for about, reason in unsure[:UNVERIFIED_LINES]:
            line = self._text(f"{one_line(about)}: {reason}")
            self.console.print(Padding(line, (0, 0, 0, 4), expand=False), width=self.width)
        if len(unsure) > UNVERIFIED_LINES:
            more = self.words["more"].format(n=len(unsure) - UNVERIFIED_LINES)
            self.console.print(Padding(self._text(more, "dim"), (0, 0, 0, 4)))
        self.console.print()

    def _things(self) -> None:
        lists = (
            ("left_behind", "red", self.report.left_behind),
            ("foreign_touched", "red", self.report.foreign_touched),
            ("kept_on_purpose", "", self.report.kept_on_purpose),
        )
        for key, style, things in lists:
            if things:
                line = ", ".join(one_line(show(thing)) for thing in things)
                text = self._text(f"{self.words[key]}: {line}", style)
                self.console.print(text, width=self.width)
        if self.report.to_remove:
            self.console.print(self._text(f"{self.words['to_remove']}:"), width=self.width)
            for command in self.report.to_remove:
                # Never folded, so that it can be copied.
                self.console.print(self._text(f"    {one_line(command)}"), soft_wrap=True)
        if self.report.others_meanwhile:
            line = self.words["others_meanwhile"].format(n=self.report.others_meanwhile)
            self.console.print(self._text(line), width=self.width)
        if self.report.touched_with_leave:
            named = ", ".join(map(one_line, self.report.touched_with_leave))
            line = f"{self.words['touched_with_leave']}: {named}"
            self.console.print(self._text(line, "yellow"), width=self.width)
        if self.report.not_gated:
            line = f"{self.words['not_gated']} ({', '.join(map(one_line, self.report.not_gated))})"
            self.console.print(self._text(line, "yellow"), width=self.width)

    def _where(self) -> Iterator[str]:
        """Who the steps ran as, and on which engine."""
        subject, engine = self.report.subject, self.report.engine
        if {"name", "uid", "gid"} <= subject.keys():
            made = f", {self.words['synthetic']}" if subject.get("synthetic") else ""
            who = f"{subject['name']} (uid {subject['uid']}, gid {subject['gid']}{made})"
            yield f"{self.words['subject']}: {who}"
        if {"version", "address"} <= engine.keys():
            yield f"{self.words['engine']}: Docker {engine['version']}, {engine['address']}"

    def _verdict(self) -> None:
        report, words = self.report, self.words
        counts = [
            f"{report.count(status)} {words[status]}" for status in _MARKS if report.count(status)
        ]
        gpus = [
            f"{report.gpus(kind)} {words[f'gpu_{kind}']}"
            for kind in ("real", "simulated", "skipped")
            if report.gpus(kind)
        ]
        totals = ", ".join([*counts, f"{report.seconds:.1f} {words['seconds']}"])
        self.console.print(self._text(totals), width=self.width)
        for text in self._where():
            self.console.print(self._text(text), width=self.width)
        if gpus:
            self.console.print(self._text(f"{words['gpu']}: {', '.join(gpus)}"), width=self.width)
        for reason in report.why_failed:
            self.console.print(self._text(f"- {why(words, reason)}", "red"), width=self.width)
        tones = {"PASS": "bold green", **dict.fromkeys(("FAIL", "FAIL, NOT GATED"), "bold red")}
        tone = tones.get(report.verdict, "bold yellow")
        line = self._text(report.verdict, tone)
        line.append(
            self._known(f"  {verdict_sentence(words, report.verdict)}"),
            "default not bold",
        )
        self.console.print(line, width=self.width)

    def _text(self, text: str, style: str = "") -> Text:
        return Text(self._known(text), style=style, overflow="fold")

    def _known(self, text: str) -> str:
        # A terminal of another encoding shows an escape instead of ending the run.
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)
