"""``sweep``, and what every run does of it before and after."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Iterable

from lifecycle.cli import UsageError
from lifecycle.cli.findings import finding_lines
from lifecycle.diagnosis.finding import Symptom
from lifecycle.engine.daemon import Daemon
from lifecycle.run.ownership.ledger import LedgerError, default_folder
from lifecycle.run.ownership.sweep import Swept
from lifecycle.run.ownership.sweep import sweep as swept


@functools.cache
def _daemon_at(address: str) -> Daemon:
    """One for all the ledgers of an engine, which knows by the second that the engine is silent."""
    return Daemon(address, os.environ)


def sweep(args: argparse.Namespace) -> int:
    """Finish dead runs; exit 1 when something could not be removed."""
    from lifecycle.diagnosis.machine_facts import MachineFacts
    from lifecycle.diagnosis.match import diagnose

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
    """The reasons that stood in the way, in our own words: no program printed them."""
    reasons = dict.fromkeys(o.left_alone for o in outcomes)
    return Symptom("\n".join(reasons), printed=False)


def _swept_lines(outcome: Swept) -> list[str]:
    if outcome.left_alone:
        return [f"run {outcome.run}: left alone, {outcome.left_alone}"]
    count = len(outcome.checks)
    return [f"run {outcome.run}: {count} {'thing' if count == 1 else 'things'}"] + [
        f"  {check.about}: {check.source if check.actual is None else check.actual}"
        for check in outcome.checks
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
