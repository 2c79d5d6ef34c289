"""``report.json``: the report for programs, as the command-line contract has it."""

from __future__ import annotations

from typing import Any

from lifecycle.report.model import RunReport, Step

SCHEMA = 1


def to_json(report: RunReport) -> dict[str, Any]:
    """The document of schema 1; keys may be added to it, never taken away."""
    return {
        "schema": SCHEMA,
        "verdict": report.verdict,
        "run": report.run,
        "engine": dict(report.engine),
        "host": dict(report.host),
        "subject": dict(report.subject),
        "scenarios": [
            {
                "name": scenario.name,
                "file": scenario.file,
                "status": scenario.status,
                "steps": [_step(step) for step in scenario.steps],
            }
            for scenario in report.scenarios
        ],
        "gpu_checks": {
            "real": report.gpus("real"),
            "simulated": report.gpus("simulated"),
            "skipped": report.gpus("skipped"),
        },
        "left_behind": list(report.left_behind),
        "kept_on_purpose": list(report.kept_on_purpose),
        "to_remove": list(report.to_remove),
        "foreign_touched": list(report.foreign_touched),
        "others_meanwhile": report.others_meanwhile,
        "touched_with_leave": list(report.touched_with_leave),
        "not_gated": list(report.not_gated),
        "options": dict(report.options),
        "seconds": round(report.seconds, 3),
        "why_failed": [{"code": r.code, "count": r.count} for r in report.why_failed],
    }


def _step(step: Step) -> dict[str, Any]:
    """All but the styles of its screen, which are for the page alone."""
    return {key: value for key, value in step.items() if key != "styles"}
