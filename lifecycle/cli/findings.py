"""What was diagnosed, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable

from lifecycle.diagnosis.finding import Finding


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
