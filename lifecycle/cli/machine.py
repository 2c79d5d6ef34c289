"""``doctor``, ``explain``, ``sweep`` and ``sandbox``: this machine and its engine."""

from __future__ import annotations

import argparse
import functools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lifecycle.checks.wording import shown
from lifecycle.cli import UsageError
from lifecycle.diagnosis.catalog import Lang
from lifecycle.diagnosis.doctor import doctor as examine
from lifecycle.diagnosis.finding import Finding, Symptom
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.diagnosis.match import diagnose, findings_json
from lifecycle.diagnosis.match import explain as explained
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.machine.end_signals import Ending, at_terminal, heeded
from lifecycle.machine.subject import current_subject, environment
from lifecycle.report.text import as_json
from lifecycle.run.ownership.ledger import LedgerError, default_folder
from lifecycle.run.ownership.sweep import Swept
from lifecycle.run.ownership.sweep import sweep as swept
from lifecycle.run.session.discover import StartError, connect, find_address, read_lab
from lifecycle.run.session.options import Options
from lifecycle.sandbox import SandboxError, open_sandbox
from lifecycle.scenario.errors import ScenarioError

_MARKS = {"kept": "✓", "broken": "✗", "unverified": "?"}


def connected(context: str) -> Daemon:
    """The engine that this person's docker would use; raises UsageError with the diagnosis."""
    subject = current_subject()
    env = environment(subject, os.environ)
    try:
        return connect(find_address(Options(context=context), env, subject), env)
    except StartError as error:
        findings = diagnose(error.symptom, MachineFacts())
        message = "\n".join([str(error), *finding_lines(findings)])
        raise UsageError(message) from error


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """Cause, evidence, and who can do what, for people."""
    lines = []
    for finding in findings:
        lines.append(f"cause: {finding.cause}  [{finding.id}]")
        lines += [f"  evidence: {text}" for text in finding.evidence]
        for remedy in finding.remedies:
            who = "you can" if remedy.who == "user" else "an admin can"
            lines.append(f"  {who}: {remedy.do}")
            lines += [f"      {command}" for command in remedy.commands]
    return lines


def doctor(args: argparse.Namespace) -> int:
    """Examine the machine; exit 1 when something is broken."""
    try:
        lab = read_lab(Options(lab=args.lab), os.environ, current_subject())
    except ScenarioError as error:
        raise UsageError(str(error)) from error
    found: dict[str, list[dict[str, Any]]] = {"containers": []}

    def engine() -> dict[str, Any] | str:
        subject = current_subject()
        env = environment(subject, os.environ)
        try:
            daemon = connect(find_address(Options(context=args.context), env, subject), env)
            found["containers"] = daemon.containers()
            answer = {"info": daemon.info, "version": daemon.version}
        except StartError as error:
            return str(error)
        except EngineError as error:
            return str(error)
        return answer

    facts = MachineFacts(containers=lambda: found["containers"])
    lang: Lang = "ko" if "ko" in {args.lang, lab.lang} else "en"
    report = examine(facts, engine, gpus_promised=lab.gpus, lang=lang)
    if args.json:
        sys.stdout.write(as_json(report.to_json()))
    else:
        for check in report.checks:
            detail = check.source if check.status == "unverified" else shown(check.actual)
            sys.stdout.write(f"{_MARKS[check.status]} {check.about}: {detail}\n")
        sys.stdout.write("".join(f"{line}\n" for line in finding_lines(report.findings)))
    return int(any(c.status == "broken" for c in report.checks))


def explain(args: argparse.Namespace) -> int:
    """Diagnose a pasted error; exit 1 when nothing is known of it."""
    try:
        text = Path(args.file).read_text("utf-8", "replace") if args.file else sys.stdin.read()
    except OSError as error:
        message = f"{args.file}: {error.strerror}"
        raise UsageError(message) from error
    findings = explained(text, MachineFacts(), lang=args.lang or "en")
    if args.json:
        sys.stdout.write(as_json(findings_json(findings)))
    else:
        lines = finding_lines(findings) or ["nothing is known of this message"]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if findings else 1


@functools.cache
def _daemon_at(address: str) -> Daemon:
    """One for all the ledgers of an engine, which knows by the second that the engine is silent."""
    return Daemon(address, os.environ)


def sweep(args: argparse.Namespace) -> int:
    """Finish dead runs; exit 1 when something could not be removed."""
    try:
        outcomes = swept(default_folder(), _daemon_at, dry_run=args.dry_run)
    except LedgerError as error:
        raise UsageError(str(error)) from error
    for outcome in outcomes:
        sys.stdout.write("".join(f"{line}\n" for line in _swept_lines(outcome)))
    findings = diagnose(_why_left(outcomes), MachineFacts())
    sys.stdout.write("".join(f"{line}\n" for line in finding_lines(findings)))
    if not outcomes:
        sys.stdout.write("nothing to sweep: no run of yours died on this machine\n")
    unfinished = any(c.status == "broken" for o in outcomes for c in o.checks)
    return int(unfinished or any(o.refused for o in outcomes))


def _why_left(outcomes: Iterable[Swept]) -> Symptom:
    """What stood in the way; of our own wording, so nothing of it was printed."""
    reasons = dict.fromkeys(o.left_alone for o in outcomes)
    return Symptom("\n".join(reasons), printed=False)


def _swept_lines(outcome: Swept) -> list[str]:
    if outcome.left_alone:
        return [f"run {outcome.run}: left alone, {outcome.left_alone}"]
    return [f"run {outcome.run}: {len(outcome.checks)} things"] + [
        f"  {check.about}: {check.actual}" for check in outcome.checks
    ]


def sweep_quietly(*, again: bool = False) -> None:
    """Before and after a run: finish what died, and speak only of what could not be removed.

    Where no ledger may be read, the run itself says so: it can write none.
    """
    try:
        outcomes = swept(default_folder(), _daemon_at, dry_run=False)
    except LedgerError:
        return
    for outcome in outcomes:
        if outcome.checks or (outcome.refused and not again):
            sys.stderr.write("".join(f"{line}\n" for line in _swept_lines(outcome)))


def sandbox(args: argparse.Namespace) -> int:
    """A disposable engine, for a command or until Ctrl-C."""
    ending = Ending()

    def end(number: int, _frame: object) -> None:
        if ending.ask(number) or ending.leaving:
            raise _AskedToEnd(number)

    for number in heeded():
        signal.signal(number, end)

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    try:
        with open_sandbox(gpus=args.gpus, say=say) as info:
            if args.rest:
                return _run_in(info.environ(), args.rest)
            lines = [f"export {key}={value}" for key, value in info.environ().items()]
            sys.stdout.write("\n".join([*lines, "# press Ctrl-C to take it down", ""]))
            sys.stdout.flush()
            # Nobody who can't read where it is can use it.
            if not getattr(sys.stdout, "problem", ""):
                threading.Event().wait()
    except SandboxError as error:
        raise UsageError(str(error)) from error
    return 0


class _AskedToEnd(KeyboardInterrupt):
    """A signal, as an exception that says which."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _run_in(environ: dict[str, str], words: list[str]) -> int:
    """Run a command against the sandbox; signals reach it, and its end is waited for."""
    try:
        child = subprocess.Popen(words, env={**os.environ, **environ})
    except OSError as error:
        message = f"{words[0]}: {error.strerror}"
        raise UsageError(message) from error
    try:
        return child.wait()
    except _AskedToEnd as asked:
        # A terminal's Ctrl-C has reached the child already, and a second would be impatience.
        if asked.number != signal.SIGINT or not at_terminal():
            child.send_signal(asked.number)
        return child.wait()
