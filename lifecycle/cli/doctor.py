"""``doctor``: the machine before any scenario."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from lifecycle.checks.wording import shown
from lifecycle.cli import UsageError
from lifecycle.cli.findings import finding_lines
from lifecycle.diagnosis.catalog import Lang
from lifecycle.diagnosis.doctor import doctor as examine
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.engine.errors import EngineError
from lifecycle.machine.subject import current_subject, environment
from lifecycle.report.text import as_json
from lifecycle.run.session.discover import connect, find_address
from lifecycle.run.session.options import Options
from lifecycle.run.session.who import StartError, read_lab
from lifecycle.scenario.errors import ScenarioError

_MARKS = {"kept": "✓", "broken": "✗", "unverified": "?"}


def doctor(args: argparse.Namespace) -> int:
    """Examine the machine; exit 1 when something is broken."""
    try:
        lab = read_lab(Options(lab=args.lab), os.environ, current_subject())
    except ScenarioError as error:
        raise UsageError(str(error)) from error
    listing: dict[str, list[dict[str, Any]]] = {"containers": []}

    def engine() -> dict[str, Any] | str:
        subject = current_subject()
        env = environment(subject, os.environ)
        try:
            daemon = connect(find_address(Options(context=args.context), env, subject), env)
            listing["containers"] = daemon.containers()
            answer = {"info": daemon.info, "version": daemon.version}
        except StartError as error:
            return str(error)
        except EngineError as error:
            return str(error)
        return answer

    facts = MachineFacts(containers=lambda: listing["containers"])
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
