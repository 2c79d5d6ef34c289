"""pytest's view of a scenario: the file owns the run, an item reports a step."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lifecycle.plugin.interrupts import KEY, Interrupts
from lifecycle.report.inert import inert
from lifecycle.report.text import clean, one_line
from lifecycle.run.outcome import Remains, StepResult
from lifecycle.run.scenario_run import LiveRun
from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.load import load
from lifecycle.scenario.model import Scenario, Step

CLEANUP_NAME = "clean-up"


class StepFailed(Exception):  # noqa: N818 - it is an outcome, not a defect
    """A step with a broken check; carries its result."""

    def __init__(self, result: StepResult) -> None:
        super().__init__(result.reason)
        self.result = result


class ScenarioFile(pytest.File):
    """A scenario file. Its teardown ends the run, so that ``-x`` and Ctrl-C clean up."""

    scenario: Scenario
    run: LiveRun
    user = ""
    """Whose run it is, where the same file is run for several people."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item a step, then ``finally``, then the clean-up."""
        from lifecycle.plugin.wiring import ahead_of, make_run

        if not self.config.option.collectonly:
            ahead_of(self.config).start()
        try:
            self.scenario = load(self.path)
        except ScenarioError as error:
            raise self.CollectError(shown(str(error))) from None
        self.run = make_run(self.scenario, self.config, self.user)
        # Where pytest itself breaks (nobody reads what it prints), it may tear nothing down.
        self.config.add_cleanup(self.run.close)
        *names, last = item_names(self.scenario)
        self.items: list[pytest.Item] = [
            StepItem.from_parent(self, name=name, index=i, step=self.run.steps[i])
            for i, name in enumerate(names)
        ]
        self.items.append(CleanupItem.from_parent(self, name=last))
        yield from self.items

    def setup(self) -> None:
        """From here on a signal ends the run in order."""
        self.interrupts.install(worker=hasattr(self.config, "workerinput"))

    @property
    def interrupts(self) -> Interrupts:
        """The signals of this process."""
        return self.config.stash[KEY]

    def teardown(self) -> None:
        """End the run; do what is left to do, and report it as the items that it stands for."""
        try:
            if not (self.run.over or self.interrupts.leaving):
                for item in self._undone():
                    item.report_result()
        finally:
            if self.interrupts.leaving:
                self.run.abandon()
            self.run.close()

    def _undone(self) -> list[StepItem | CleanupItem]:
        """Items that must always run and have not: ``finally`` and the clean-up."""
        return [
            i
            for i in self.items
            if isinstance(i, StepItem | CleanupItem) and i.always and i.result is None
        ]

    def describe(self) -> dict[str, Any]:
        """What the controller must know of this file to report it, also when a worker dies."""
        titles = [self.run.redact(self.run.title(i)) for i in range(len(self.run.steps))]
        return {
            **describe(self.scenario, titles, self.config.invocation_params.dir, self.user),
            "run": self.run.id,
            "facts": self.run.facts,
            "remains": vars(self.run.remains),
        }


class SeveralPeople(pytest.File):
    """A scenario file that is run once for each of several people."""

    def collect(self) -> Iterator[pytest.Collector]:
        """One run a person, in the order in which they were named."""
        for user in dict.fromkeys(self.config.option.lifecycle_user):
            run: ScenarioFile = ScenarioFile.from_parent(
                self, path=self.path, name=user, nodeid=run_key(self.nodeid, user)
            )
            run.user = user
            yield run


def run_key(file: str, user: str) -> str:
    """The beginning of the ids of one run's items: its file, and its person among several."""
    return f"{file}::{user}" if user else file


def describe(
    scenario: Scenario, titles: Sequence[str], folder: Path, user: str = ""
) -> dict[str, Any]:
    """What is known of a file before its run."""
    path = scenario.file
    shown = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
    steps = (*scenario.steps, *scenario.finally_)
    return {
        "name": f"{scenario.name} ({user})" if user else scenario.name,
        "file": shown,
        "run": "",
        "facts": {},
        "remains": vars(Remains()),
        "not_gated": scenario.engine == "as-written",
        "titles": [(t, s.mark.line) for t, s in zip(titles, steps, strict=True)],
    }


def item_names(scenario: Scenario) -> list[str]:
    """The names of a file's items, the clean-up last."""
    steps = (*scenario.steps, *scenario.finally_)
    return [*(_item_name(i, s, scenario) for i, s in enumerate(steps)), CLEANUP_NAME]


class _Reporting(pytest.Item):
    """An item whose outcome is a StepResult."""

    parent: ScenarioFile
    always = False
    result: StepResult | None = None

    def perform(self) -> StepResult:
        """Do it."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Do it, and turn the result into pytest's outcome."""
        self.result = self.perform()
        if self.parent.interrupts.requested and not hasattr(self.config, "workerinput"):
            # pytest stops after this item and tears the file down, which does what must be done.
            self.session.shouldstop = "the run was told to end; its clean-up is told above"
        match self.result.status:
            case "failed" | "error":
                raise StepFailed(self.result)
            case "skipped" | "not-run":
                # The step was skipped, with its reason; this is how pytest is told.
                pytest.skip(self.printable(self.result.reason))

    def report_result(self) -> None:
        """Do it outside pytest's loop and log it all the same."""
        call = pytest.CallInfo.from_call(self.runtest, "call", reraise=(KeyboardInterrupt,))
        report = self.ihook.pytest_runtest_makereport(item=self, call=call)
        self.ihook.pytest_runtest_logreport(report=report)

    def payload(self) -> dict[str, Any]:
        """What crosses to the controller on the report."""
        if self.result is None:
            return {}
        whole = {
            "file": self.parent.describe(),
            "key": self.parent.nodeid,
            "index": self.index_in_file,
            "step": _redacted(self.result.to_json(), self.parent.run.redact),
        }
        # Only plain JSON types cross between xdist's processes.
        return dict(json.loads(json.dumps(whole, ensure_ascii=False)))

    @property
    def index_in_file(self) -> int:
        """Its place among the file's items."""
        return self.parent.items.index(self)

    def reportinfo(self) -> tuple[os.PathLike[str], int | None, str]:
        """Where pytest says it stands."""
        return self.path, max(self.line - 1, 0), self.name

    @property
    def line(self) -> int:
        """Its line in the file."""
        return 1

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        """A failure in the author's terms: the line, the checks, the findings."""
        _ = style
        if not isinstance(excinfo.value, StepFailed):
            # Without the locals that --showlocals asks for: a secret may be among them.
            return self.printable(str(excinfo.getrepr()))
        return self.printable(describe_failure(excinfo.value.result, self.path))

    def printable(self, text: str) -> str:
        """A text as pytest may print it: no secrets, and nothing that a terminal or a CI obeys."""
        return shown(self.parent.run.redact(text))


class StepItem(_Reporting):
    """One step."""

    def __init__(self, *, index: int, step: Step, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index, self.step = index, step
        self.always = index >= len(self.parent.scenario.steps)
        if step.gpu == "required" or "--gpus" in (step.command or ""):
            self.add_marker("gpu")

    @property
    def line(self) -> int:
        """Its line in the file."""
        return self.step.mark.line

    def perform(self) -> StepResult:
        """Do the step; a first Ctrl-C or SIGTERM ends it, and becomes its outcome."""
        run, interrupts = self.parent.run, self.parent.interrupts
        if interrupts.requested:
            run.stop("the run was interrupted")
        if self.always:
            return run.step(self.index)
        try:
            with interrupts.step():
                return run.step(self.index)
        except KeyboardInterrupt:
            return run.interrupted(self.index)


class CleanupItem(_Reporting):
    """The ledger's own clean-up."""

    always = True

    def perform(self) -> StepResult:
        """Remove what the run made, and measure what is left."""
        return self.parent.run.finish()


def _item_name(index: int, step: Step, scenario: Scenario) -> str:
    prefix = "finally " if index >= len(scenario.steps) else ""
    return f"{prefix}{index + 1}: {one_line(clean(step.title))}"


def shown(text: str) -> str:
    """Words of anybody's, made inert."""
    return inert(clean(text))


def describe_failure(result: StepResult, path: Path) -> str:
    """The text of a failed step."""
    lines = [f"{path.name}:{result.line}: {result.command or result.name}"]
    if result.actual_command and result.actual_command != result.command:
        lines.append(f"  ran as: {result.actual_command}")
    if result.error:
        lines.append(f"  error: {result.error}")
    for check in result.checks:
        if check.status == "broken":
            lines.append(f"  broken: {check.about}")
            lines.append(f"    expected: {check.expected}")
            lines.append(f"    found:    {check.actual}  ({check.source})")
    for finding in result.findings:
        lines.append(f"  cause: {finding.cause} [{finding.id}]")
        lines += [f"    evidence: {e}" for e in finding.evidence]
        for remedy in finding.remedies:
            lines.append(f"    {remedy.who} can: {remedy.do}")
            lines += [f"      {c}" for c in remedy.commands]
    if result.screen.strip():
        lines += ["  screen:", *(f"    | {s}" for s in result.screen.rstrip().splitlines()[-15:])]
    return "\n".join(lines)


def _redacted(value: Any, redact: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {k: _redacted(v, redact) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(v, redact) for v in value]
    return value
