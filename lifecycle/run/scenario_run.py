"""One run of one scenario file, from the first step asked for to its end.

The file's collector owns it. Steps come in order; after a failed one the rest are not run;
``finally`` and the clean-up always are, once, whoever asks first.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from lifecycle.checks.check import Check
from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.symptoms import of_engine
from lifecycle.engine.daemon import EngineError
from lifecycle.gate.ahead import Ahead
from lifecycle.gate.gate import GateError
from lifecycle.run.locks import LockError
from lifecycle.run.outcome import CLEANUP, Remains, Skip, StepResult
from lifecycle.run.ownership.ledger import LedgerError
from lifecycle.run.ownership.take_down import leave_all
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.discover import NoEngineError
from lifecycle.run.session.open import new_run_id, open_session
from lifecycle.run.session.options import Options
from lifecycle.run.session.session import Say, Session
from lifecycle.run.session.who import StartError
from lifecycle.run.steps.clean_up import clean_up, keep_all
from lifecycle.run.steps.engine_outages import observed
from lifecycle.run.steps.findings import add_findings, without_a_run
from lifecycle.run.steps.runner import Runner
from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.model import Scenario, Step

BEGIN = "the run can begin"
_CANNOT_BEGIN = (StartError, ScenarioError, LedgerError, LockError, EngineError, GateError)
_TRY_SANDBOX = (
    "; to see the same on a disposable engine: ./noxw -s sandbox, "
    "or lifecycle sandbox -- lifecycle run ..."
)


class LiveRun:
    """Opens at the first step, closes once."""

    def __init__(
        self,
        scenario: Scenario,
        options: Options,
        say: Say,
        environ: Mapping[str, str] | None = None,
        *,
        ahead: Ahead | None = None,
    ) -> None:
        """Nothing is opened yet.

        ``say`` tells the person what the run waits for; ``ahead`` may have a gate's process.
        """
        self.scenario = scenario
        self.id = new_run_id()
        self.remains = Remains()
        self._options, self._say = options, say
        self._ahead = ahead or Ahead()
        self._environ = dict(os.environ if environ is None else environ)
        self._secrets = Secrets(self._environ)
        self._stack = ExitStack()
        self._session: Session | None = None
        self._runner: Runner | None = None
        self._next = 0
        self._stopped = ""
        self._over = False
        self.facts: dict[str, Any] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, ``finally`` last."""
        return (*self.scenario.steps, *self.scenario.finally_)

    def title(self, index: int) -> str:
        """A step's name, with its variables filled in once they are known."""
        planned = self._session.plan.steps[index] if self._session else None
        return planned.title if planned else self.steps[index].title

    def redact(self, text: str) -> str:
        """A text without this run's secrets."""
        return self._secrets.redact(text)

    def step(self, index: int) -> StepResult:
        """Do step ``index`` (counting ``finally`` on); out of order it is an error."""
        result = StepResult(self.title(index), self.steps[index].mark.line)
        result.command = " ".join((self.steps[index].command or "").split())
        is_finally = index >= len(self.scenario.steps)
        if index != self._next and not (is_finally and index > self._next):
            result.error = "the steps before it did not run in this process"
            return result
        self._next = index + 1
        if self._runner is None and not self._stopped:
            self._open(result)
        if self._runner is None or self._session is None:
            result.not_run = "" if result.checks else f"not run: {self._stopped}"
            return result
        if self._stopped and not is_finally:
            result.not_run = f"not run: {self._stopped}"
            return result
        result = self._guarded(self._runner, index)
        if result.status in {"failed", "error"} and not self._stopped:
            self._stopped = f"step {index + 1} ({result.name}) {result.status}"
        return result

    def stop(self, because: str) -> None:
        """Do no further step but those of ``finally``."""
        self._stopped = self._stopped or because

    def interrupted(self, index: int) -> StepResult:
        """Return the result of a step that a person ended; the run stops there."""
        self.stop("the run was interrupted")
        result = StepResult(self.title(index), self.steps[index].mark.line, ran=True)
        reason = "a person or the system ended it (Ctrl-C, SIGTERM, or its terminal was closed)"
        result.checks.append(Check("it gets done", "done", reason, "broken", "signal"))
        return result

    def _guarded(self, runner: Runner, index: int) -> StepResult:
        """Do the step; a fault of our own is an ``error``, and the run still cleans up."""
        try:
            return runner.step(runner.planned(index))
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be told as ours
            result = StepResult(self.title(index), self.steps[index].mark.line)
            result.error = f"a fault of the harness itself, please report it: {error!r}"
            result.screen = "".join(traceback.format_exception(error))
            return result

    def _open(self, result: StepResult) -> None:
        stack = ExitStack()
        try:
            self._session = open_session(
                self.scenario,
                self._options,
                self._environ,
                stack,
                self._say,
                run=self.id,
                secrets=self._secrets,
                ahead=self._ahead,
            )
        except _CANNOT_BEGIN as error:
            stack.close()
            reason = f"{error}{_TRY_SANDBOX if isinstance(error, NoEngineError) else ''}"
            result.checks.append(Check(BEGIN, "ready", reason, "broken", "before the first step"))
            result.findings += without_a_run(_symptom(error), self._options)
            self._stopped = "the run could not begin"
            return
        except BaseException:
            stack.close()
            raise
        self._stack = stack
        self._runner = Runner(self._session)
        self.facts = _facts(self._session)

    def finish(self) -> StepResult:
        """Clean up; a second call changes nothing and says so."""
        if self._session is None or self._over:
            nothing = None if self._over else Skip("nothing was made", "nothing")
            return StepResult(CLEANUP, 0, ran=True, skipped=nothing)
        self._over = True
        if self._options.keep_on_failure and self._stopped:
            result, self.remains = keep_all(self._session, "kept on failure (--keep on-failure)")
        else:
            result, self.remains = clean_up(self._session)
            if result.status == "failed" and (outages := observed(self._session)):
                add_findings(self._session, result, Symptom(observed=outages))
        return result

    @property
    def over(self) -> bool:
        """Whether the clean-up has run, or nothing was ever opened."""
        return self._over or self._session is None

    def abandon(self) -> None:
        """Leave without cleaning up; the ledger stays for the next sweep."""
        self._over = True
        if self._session is not None and self._session.ownership.entries():
            self.remains = leave_all(self._session.ownership)
            self._say(f"left at once: what run {self.id} made, lifecycle sweep or a run removes")

    def close(self) -> None:
        """Give everything back; cleans up first when nobody has."""
        try:
            if not self.over:
                self.finish()
        finally:
            self._stack.close()


def _symptom(error: Exception) -> Symptom:
    """What diagnosis starts from, of a run that could not begin."""
    if isinstance(error, StartError):
        return error.symptom
    if isinstance(error, EngineError):
        return of_engine(error, "")
    return Symptom(str(error), printed=False)


def _facts(session: Session) -> dict[str, Any]:
    """What the report says of the engine, this machine and the subject."""
    info, subject = session.daemon.info, session.world.subject
    return {
        "engine": {
            "address": session.daemon.address,
            "version": info.get("ServerVersion", ""),
            "id": info.get("ID", ""),
            "storage": info.get("Driver", ""),
            "cgroup": info.get("CgroupVersion", ""),
            "shares_machine": session.world.shares_machine,
            "equals_root": session.daemon.equals_root,
        },
        "host": {
            "name": os.uname().nodename,
            "kernel": os.uname().release,
            "gpus": [g.name for g in session.world.gpus.items],
            "gpus_seen_by": session.world.gpus.reason or session.world.gpus.source,
        },
        "subject": {
            "name": subject.name,
            "uid": subject.uid,
            "gid": subject.gid,
            "groups": list(subject.group_names),
            "home": subject.home,
            "synthetic": subject.synthetic,
        },
    }
