"""In the controller: collects what the steps report, and writes the report once at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lifecycle.machine.subject import Subject
from lifecycle.plugin.interrupts import Interrupts
from lifecycle.plugin.items import describe, item_names, run_key
from lifecycle.report import github
from lifecycle.report.bounds import prepare
from lifecycle.report.model import RunReport, ScenarioReport, count_gpu_checks
from lifecycle.report.streams import guarded
from lifecycle.report.summary import Progress, render_summary
from lifecycle.report.text import clean
from lifecycle.report.write import ReportError, choose_directory, write_report
from lifecycle.run.outcome import CLEANUP, Skip, StepResult
from lifecycle.run.session.open import new_run_id
from lifecycle.run.session.options import Options
from lifecycle.run.session.who import StartError, find_subject
from lifecycle.scenario.load import load


@dataclass
class _File:
    """What is known of one scenario file so far; ``chosen`` are the items that were to run."""

    described: dict[str, Any]
    chosen: frozenset[int]
    steps: dict[int, dict[str, Any]] = field(default_factory=dict)
    untold: list[dict[str, Any]] = field(default_factory=list)
    crashed: str = ""


class Reporter:
    """A pytest plugin object; lives in the controller only, so that files are written once."""

    def __init__(
        self,
        options: Options,
        folder: Path | None,
        interrupts: Interrupts,
        *,
        progress: bool,
        side_by_side: bool,
    ) -> None:
        """``folder`` is where the report goes; None chooses as the contract says.

        ``progress`` prints each step as it ends, in place of pytest's own output;
        ``side_by_side`` says that several scenarios run at a time.
        """
        self._side_by_side = side_by_side
        self._options, self._folder, self._interrupts = options, folder, interrupts
        self._captured = False
        self._files: dict[str, _File] = {}
        self._out = guarded(sys.stdout)
        self._stopped = github.CommandsStopped(os.environ, self._out.exact)
        self._console = Console(file=self._out.styled, highlight=False)
        self._progress = Progress(self._console, options.lang or "en") if progress else None

    def expect(
        self, files: Mapping[str, Path], ids: Collection[str], folder: Path, users: Sequence[str]
    ) -> None:
        """Know every file and item that was to run, so that none can be missing from the report.

        ``files`` maps the beginning of their ids to their paths; ``folder`` is where we stand;
        ``users`` are the people for each of whom every file is run, when there are several.
        """
        for file, path in files.items():
            scenario = load(path)
            steps = (*scenario.steps, *scenario.finally_)
            for user in users or ("",):
                key = run_key(file, user)
                names = enumerate(item_names(scenario))
                chosen = frozenset(i for i, name in names if f"{key}::{name}" in ids)
                described = describe(scenario, [s.title for s in steps], folder, user)
                self._files[key] = _File(described, chosen)

    def begin(self) -> None:
        """From here on containers print, and CI must not obey them."""
        self._stopped.stop()

    def pytest_unconfigure(self) -> None:
        """What comes after us in the same CI job may say commands again."""
        self._stopped.resume()

    def tell_interrupt(self) -> None:
        """Say that the first Ctrl-C was heard."""
        message = "interrupted: cleaning up; once more to leave at once"
        with suppress(OSError):  # the terminal may be gone
            sys.stderr.write(f"{message}\n")
            sys.stderr.flush()

    # -- what pytest tells --------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a step's result off its report, wherever it was run."""
        payload = getattr(report, "lifecycle", None)
        if payload:
            file = self._files[payload["key"]]
            file.described = payload["file"]
            file.steps[payload["index"]] = payload["step"]
            self._tell(file, payload)
        elif str(report.when) == "???":  # xdist's word for an item whose worker died
            self._crashed(report)

    def _tell(self, file: _File, payload: dict[str, Any]) -> None:
        """A step as it ends; of scenarios that run side by side, each as a whole at its end."""
        file.untold.append(payload["step"])
        last = payload["index"] == len(file.described["titles"])
        if not self._captured and (not self._side_by_side or last):
            self._tell_rest(file)

    def _tell_rest(self, file: _File) -> None:
        for step in file.untold:
            if self._progress:
                self._progress.step(file.described["name"], file.described["file"], step)
        file.untold.clear()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, Any, Any]:
        """A run that is ended cleans up in a teardown, where pytest takes what is printed."""
        self._captured = True
        try:
            return (yield)
        finally:
            self._captured = False
            for file in () if self._side_by_side else self._files.values():
                self._tell_rest(file)

    def _crashed(self, report: pytest.TestReport) -> None:
        for key, file in self._files.items():
            if report.nodeid.startswith(f"{key}::"):
                file.crashed = " ".join(str(report.longrepr).split())

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Print the step that begins; a wide run prints each step when it ends."""
        if self._progress and not self._side_by_side:
            self._progress.begin(nodeid.partition("::")[2])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report; its verdict can fail a session whose tests all passed."""
        for file in self._files.values():
            self._tell_rest(file)
        report = self._report()
        published = self._publish(report)
        if self._interrupts.requested:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        elif not published:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif report.verdict == "FAIL" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    # -- the report -----------------------------------------------------------------------------

    def _publish(self, report: RunReport) -> bool:
        """Write the report and print its summary; return whether all of it could be written."""
        index: Path | None = None
        problem = ""
        try:
            directory = choose_directory(self._folder, None, report.run)
            index = write_report(
                report, directory, _same, owner=_owner(self._options), publish=self._options.publish
            )
        except ReportError as error:
            problem = str(error)
        steps_printed = self._progress is not None
        render_summary(
            prepare(report, _same), self._console, index=index, steps_printed=steps_printed
        )
        if problem:
            self._console.print(clean(problem), markup=False)
        with self._stopped.obeyed():
            github.publish(prepare(report, _same), os.environ, self._out.exact)
        return not (problem or self._out.problem)

    def _report(self) -> RunReport:
        files = list(self._files.values())
        first = next((f.described for f in files if f.described["facts"]), files[0].described)
        first = {**first, "run": first["run"] or new_run_id()}
        facts = first["facts"]
        remains = [f.described["remains"] for f in files]
        return RunReport(
            run=first["run"],
            engine=facts.get("engine", {}),
            host=facts.get("host", {}),
            subject=facts.get("subject", {}),
            scenarios=[_scenario(f) for f in files],
            gpu_checks=count_gpu_checks(s for f in files for s in f.steps.values()),
            left_behind=[x for r in remains for x in r["left_behind"]],
            kept_on_purpose=[x for r in remains for x in r["kept_on_purpose"]],
            to_remove=[x for r in remains for x in r["to_remove"]],
            foreign_touched=[x for r in remains for x in r["foreign_touched"]],
            others_meanwhile=_of_others(remains),
            touched_with_leave=sorted({x for r in remains for x in r["touched_with_leave"]}),
            not_gated=[f.described["file"] for f in files if f.described["not_gated"]],
            options={
                "strict": self._options.strict,
                "gpu": self._options.gpu,
                "allow_foreign": sorted(self._options.allow_foreign),
            },
            lang=self._options.lang or "en",
        )


def _of_others(remains: Sequence[Mapping[str, Any]]) -> int:
    """How many things of others changed: what another run of this start made is nobody else's."""
    known = {x for r in remains for x in r["known"]}
    return len({x for r in remains for x in r["others_meanwhile"]} - known)


def _scenario(file: _File) -> ScenarioReport:
    """Every step of the file, those that never came to run included."""
    titles = [*file.described["titles"], (CLEANUP, 0)]
    steps = [
        file.steps.get(index) or _never(index, title, line, file)
        for index, (title, line) in enumerate(titles)
    ]
    return ScenarioReport(file.described["name"], file.described["file"], steps)


def _never(index: int, title: str, line: int, file: _File) -> dict[str, Any]:
    result = StepResult(title, line)
    if index not in file.chosen:
        result.skipped = Skip("not chosen", "choice")
    elif file.crashed:
        result.error = f"the worker died: {file.crashed}"
    else:
        result.not_run = "not run: the run was stopped before it"
    return result.to_json()


def _owner(options: Options) -> Subject | None:
    """When root acts for a person, the report is that person's, also of a run that never began."""
    if os.geteuid() != 0:
        return None
    try:
        who = find_subject(options, os.environ)
    except StartError:
        return None
    return None if who.synthetic else who


def _same(text: str) -> str:
    """Every payload was redacted where its secrets are known, before it crossed."""
    return text
