"""``explain``: what is behind a pasted error."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lifecycle.cli import UsageError
from lifecycle.cli.findings import finding_lines
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.diagnosis.match import explain as explained
from lifecycle.diagnosis.match import findings_json
from lifecycle.report.text import as_json


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
