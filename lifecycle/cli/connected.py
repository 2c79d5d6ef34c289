"""The engine that a command asks about what is there already."""

from __future__ import annotations

import os

from lifecycle.cli import UsageError
from lifecycle.cli.findings import finding_lines
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.diagnosis.match import diagnose
from lifecycle.engine.daemon import Daemon
from lifecycle.machine.subject import current_subject, environment
from lifecycle.run.session.discover import connect, find_address
from lifecycle.run.session.options import Options
from lifecycle.run.session.who import StartError


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
