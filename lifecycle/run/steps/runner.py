"""Doing a run step by step: decide, act, observe, judge. One step in, one StepResult out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.expect.judge_expect import judge_expect
from lifecycle.checks.expected_failure import judge_failing
from lifecycle.checks.judge_promise import judge_all, not_judged
from lifecycle.command.promise import Promise
from lifecycle.command.values.mounts import Mount, MountAccess
from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.symptoms import of_engine, of_missing_source, of_refused_write
from lifecycle.engine.daemon import EngineError
from lifecycle.facts.host_files import state_of
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.gate.gate import GateError
from lifecycle.machine.as_subject import refused
from lifecycle.machine.deadline import TimeIsUpError
from lifecycle.run.observing.step_facts import Before, look_after, look_before
from lifecycle.run.observing.until import until_kept
from lifecycle.run.outcome import Acted, Skip, StepResult
from lifecycle.run.ownership.ledger import LedgerError
from lifecycle.run.ownership.ownership import Refusal
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.session import Session
from lifecycle.run.steps import before_and_after, engine_outages, execute, guard
from lifecycle.run.steps.findings import add_findings
from lifecycle.run.steps.time_limit import unseen, within_limit
from lifecycle.run.steps.type_step import type_step
from lifecycle.run.steps.window_size import window_inside
from lifecycle.run.steps.write_step import write_file
from lifecycle.terminal.errors import TerminalError
from lifecycle.terminal.styled_screen import Picture

_GPU = "GPUs of this machine"
_Ready = tuple[Sequence[str], tuple[Promise, ...], Before]
"""The words that run, what they promise, and what was there before them."""


class Runner:
    """Does the steps of one open session."""

    def __init__(self, session: Session) -> None:
        self._s = session

    def planned(self, index: int) -> PlannedStep:
        """Step ``index`` of the plan, counting ``finally`` on."""
        return self._s.plan.steps[index]

    def step(self, planned: PlannedStep) -> StepResult:
        """Do one step; whatever a user can cause is in the result, never raised."""
        if planned.step.as_ and self._s.person is not self._s.people[planned.step.as_]:
            whose = Runner(self._s.seen_by(planned.step.as_))
            return whose.step(planned)
        started, started_at = time.monotonic(), time.time()
        result = StepResult(planned.title, planned.step.mark.line, person=planned.step.as_ or "")
        result.command = self._s.shown(planned.shown)
        try:
            self._do(planned, result, started)
        except EngineError as error:
            result.checks.append(
                Check(
                    "the engine answers", "an answer", str(error), "broken", self._s.daemon.address
                )
            )
            add_findings(self._s, result, of_engine(error, self._s.daemon.address, planned.words))
        except LedgerError as error:
            result.checks.append(
                Check("the ledger", "written first", str(error), "broken", "this machine")
            )
        except GateError as error:
            result.checks.append(Check("the gate", "open", str(error), "broken", "this machine"))
        except TerminalError as error:
            result.checks.append(
                Check("the terminal", "open", str(error).splitlines()[0], "broken", "terminal")
            )
        if result.status == "failed":
            self._away(result, started_at)
        result.seconds = time.monotonic() - started
        result.change_screen(self._s.printed)
        result.checks = [self._shown(c) for c in result.checks]
        return result

    def _shown(self, check: Check) -> Check:
        def clean(value: object) -> object:
            return self._s.printed(value) if isinstance(value, str) else value

        return replace(
            check,
            about=self._s.shown(check.about),
            expected=clean(check.expected),
            actual=clean(check.actual),
        )

    def _do(self, planned: PlannedStep, result: StepResult, started: float) -> None:
        planned = self._for_this_machine(planned, result)
        skip = self._why_skip(planned)
        if skip:
            self._skip(planned, result, skip)
            return
        match planned.step.kind:
            case "command":
                self._command(planned, result, started)
            case "write":
                result.ran = True
                result.checks += write_file(self._s, planned)
            case "type" | "check":
                self._looked(planned, result, started)

    def _looked(self, planned: PlannedStep, result: StepResult, started: float) -> None:
        try:
            with within_limit(planned, started):
                if planned.step.kind == "type":
                    type_step(self._s, planned, result)
                    return
                result.checks += self._check(planned)
        except TimeIsUpError as over:
            result.checks += unseen(self._s, planned, (), None, str(over))
        # A look is best effort: when nothing at all was seen, the engine may be why.
        if result.status == "skipped" and (away := self._s.daemon.away()):
            raise away

    # -- decide ---------------------------------------------------------------------------

    def _for_this_machine(self, planned: PlannedStep, result: StepResult) -> PlannedStep:
        """Under ``gpu: optional`` a line loses ``--gpus`` where there is no GPU."""
        optional = self._s.plan.scenario.gpu == "optional" and planned.step.gpu != "required"
        if not (planned.needs_gpu and optional) or self._s.world.gpus.items:
            return planned
        if self._s.options.gpu == "require":
            return planned
        bare = planned.without_gpus()
        result.actual_command = bare.command
        reason = f"left out: {self._s.world.gpus.reason}"
        result.checks += [
            unverified("--gpus: GPUs inside are the host's", p.expected, reason, gpu="real")
            for p in planned.promises
            if p.field == "container.gpus.visible"
        ]
        return bare

    def _why_skip(self, planned: PlannedStep) -> Skip | None:
        not_here = guard.not_for_here(planned, self._s.person.missing, self._s.world.gpus)
        return not_here or self._s.skipped.behind(planned, self._s.terminals.latest)

    def _skip(self, planned: PlannedStep, result: StepResult, skip: Skip) -> None:
        self._s.skipped.add(planned, skip)
        if self._s.options.gpu == "require" and skip.lacks == "gpu":
            check = Check(_GPU, "at least one", skip.reason, "broken", "--gpu require")
            result.checks.append(check)
            return
        result.skipped = skip

    # -- commands -------------------------------------------------------------------------

    def _command(self, planned: PlannedStep, result: StepResult, started: float) -> None:
        with self._s.daemon.asked_once():
            ready = self._begin(planned, result)
        if ready is None:
            return
        words, promises, before = ready
        run = execute.run_on_terminal if planned.on_terminal else execute.run_to_end
        acted = run(self._s, planned, words)
        result.ran = True
        result.show(acted.picture or Picture(acted.screen))
        refusals, notes = before_and_after.settle(self._s, planned)
        result.checks += notes
        # What was refused is the cause of how the command ended.
        failed = _refused(result, refusals) or self._exit_checks(planned, acted, result)
        not_judged: Sequence[Promise] = promises
        try:
            with self._s.daemon.asked_once():
                if planned.line and planned.line.verb == "load" and acted.exit_code == 0:
                    promises = before_and_after.loaded(self._s, acted.output) or promises
                with within_limit(planned, started):
                    facts = look_after(self._s, planned, promises, acted, before)
            not_judged = ()
            with within_limit(planned, started):
                self._judge_command(planned, result, promises, acted, (before, facts, failed))
        except TimeIsUpError as over:
            result.checks += unseen(self._s, planned, not_judged, acted, str(over))
            if failed:
                add_findings(self._s, result, _symptom(planned, acted, result))
        self._s.gates.check()
        self._s.made_by_lines.add(planned)

    def _begin(self, planned: PlannedStep, result: StepResult) -> _Ready | None:
        """The words to run, their promises and the state before; None where it may not run."""
        words = before_and_after.words_to_run(self._s, planned)
        if words.changed:
            result.actual_command = self._s.secrets.redact(words.shown)
        if words.skip:
            result.skipped = words.skip
            return None
        missing = self._missing_sources(planned)
        if missing:
            result.checks += missing
            if missing[0].actual == "missing":
                source = str(missing[0].expected)
                add_findings(self._s, result, of_missing_source(source, planned.words))
            return None
        promises = self._promises(planned)
        before = look_before(self._s, planned, promises)
        result.checks += before_and_after.volumes_not_used(self._s, planned)
        before_and_after.begin(self._s, planned)
        return words.argv, promises, before

    def _judge_command(
        self,
        planned: PlannedStep,
        result: StepResult,
        promises: Sequence[Promise],
        acted: Acted,
        known: tuple[Before, Facts, bool],
    ) -> None:
        before, facts, failed = known
        result.checks += self._nas(planned)
        opened = self._s.terminals.get(planned.opens)
        if opened and planned.step.window:
            result.checks += window_inside(self._s, opened, planned.step.window)
        if not planned.fails:
            # One cause, one failure: what a failed command promised is not judged one by one.
            why = "the command failed"
            result.checks += not_judged(promises, why) if failed else judge_all(promises, facts)
        on = facts.containers.get(planned.container)
        result.checks += self._expected(planned, lambda: acted, before, facts)
        if any(c.status == "broken" for c in result.checks):
            add_findings(self._s, result, _symptom(planned, acted, result))
            for path, error in _denied(promises, on).items():
                by = on.inside.uid if on else None
                add_findings(self._s, result, of_refused_write(path, error, planned.words, by))

    def _promises(self, planned: PlannedStep) -> tuple[Promise, ...]:
        """The line's own; a later start repeats those of the line that made the container."""
        if planned.does.starts and not planned.does.makes:
            return planned.promises + self._s.made_by_lines.of(planned.container)
        return planned.promises

    def _missing_sources(self, planned: PlannedStep) -> list[Check]:
        """Docker would make a missing bind source itself, owned by root."""
        if self._s.world.no_host_side or planned.does.makes != "container":
            return []
        sources = {
            p.expected.source
            for p in planned.promises
            if isinstance(p.expected, Mount) and p.expected.type == "bind"
        }
        missing = {s: why for s in sorted(sources) if (why := self._unseen(Path(s)))}
        return [
            Check(f"-v {s}: the folder is there", s, why, "broken", "stat on this machine")
            for s, why in missing.items()
        ]

    def _unseen(self, path: Path) -> str:
        """Why a source is not known to be there; empty when it is."""
        try:
            return "" if state_of(path, self._s.world.subject) else "missing"
        except (OSError, ValueError) as error:
            return refused(self._s.world.subject, error)

    def _nas(self, planned: PlannedStep) -> list[Check]:
        stand_in = self._s.person.stand_in
        used = stand_in and any(stand_in in w for w in planned.words)
        if not (used and planned.does.makes == "container"):
            return []
        reason = "lab.nas_home is not set, so a temporary folder stood in for it"
        return [unverified("NAS", "the lab's NAS", reason)]

    def _exit_checks(self, planned: PlannedStep, acted: Acted, result: StepResult) -> bool:
        """The exit code and how it ended; returns whether the command failed."""
        added: list[Check] = []
        if acted.problem:
            added.append(Check("it gets done", "done", acted.problem, "broken", "the terminal"))
        if planned.fails:
            added += judge_failing(planned.fails, acted.exit_code, acted.output)
        elif acted.exit_code is not None and "exit" not in planned.expect:
            added.append(compare("exit code", 0, acted.exit_code, "the command's own"))
        result.checks += added
        return any(c.status == "broken" for c in added)

    # -- checks ---------------------------------------------------------------------------

    def _check(self, planned: PlannedStep) -> list[Check]:
        opened = self._s.terminals.get(planned.step.in_ or planned.step.on)

        def shown() -> Acted:
            screen = opened.terminal.screen() if opened else ""
            return Acted(opened.terminal.exit_code if opened else None, screen, screen)

        return self._expected(planned, shown, look_before(self._s, planned, ()))

    def _expected(
        self,
        planned: PlannedStep,
        acted: Callable[[], Acted],
        before: Before,
        facts: Facts | None = None,
    ) -> list[Check]:
        """Judge ``expect`` by these facts, or with ``within`` ask again until it holds."""

        def ask() -> list[Check]:
            nonlocal facts
            again = replace(before, watch=None)
            now = facts or look_after(self._s, planned, (), acted(), again)
            facts = None
            return judge_expect(planned.expect, now, now.containers.get(planned.container))

        return until_kept(ask, float(planned.step.within or 0))

    # -- findings -------------------------------------------------------------------------

    def _away(self, result: StepResult, started_at: float) -> None:
        """An engine that went away outranks whatever else may be behind the failure."""
        observed = engine_outages.observed(self._s)
        if observed and engine_outages.lasted_until(self._s, started_at):
            result.findings.clear()
        if observed:
            add_findings(self._s, result, Symptom(observed=observed))


_GATE = "the gate, by the engine's ids"


def _refused(result: StepResult, refusals: Sequence[Refusal]) -> bool:
    """Note what the gate did not let through, and tell whether there was any."""
    result.checks += [Check(r.about, "ours", r.sentence, "broken", _GATE) for r in refusals]
    return bool(refusals)


def _symptom(planned: PlannedStep, acted: Acted, result: StepResult) -> Symptom:
    """How a command failed; the gate's refusals count, though a script threw them away."""
    refusals = tuple(str(c.actual) for c in result.checks if c.source == _GATE)
    return Symptom(acted.output, planned.words, acted.exit_code, observed=refusals)


def _denied(promises: Sequence[Promise], on: ContainerFacts | None) -> dict[str, str]:
    """Why a program inside may not write where the line promised it could, by the path."""
    writable = {
        p.expected.target
        for p in promises
        if isinstance(p.expected, MountAccess) and not p.expected.readonly
    }
    errors = on.inside.writes if on else {}
    return {target: errors[target] for target in sorted(writable) if errors.get(target)}
