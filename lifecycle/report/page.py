"""``index.html``: the report for people, one file that loads and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lifecycle.report.labels import labels, language, verdict_sentence, why
from lifecycle.report.model import UNVERIFIED_LINES, RunReport, broken, unverified
from lifecycle.report.screen_styles import parts, rules
from lifecycle.report.text import show

_TEMPLATES = Path(__file__).parent / "templates"
_MARKS = {"passed": "✓", "failed": "✗", "error": "!", "skipped": "-", "not-run": "·"}
_CHECK_MARKS = {"kept": "✓", "broken": "✗", "unverified": "?"}


def render_page(report: RunReport) -> str:
    """The page for a prepared report: autoescaped, and inert by its own content policy."""
    words = labels(report.lang)
    environment = _environment()
    style = environment.get_template("style.css").render()
    style += rules(step for _, step in report.steps())
    return environment.get_template("index.html.j2").render(
        report=report,
        t=words,
        lang=language(report.lang),
        style=Markup(style),  # noqa: S704 - ours, but for colours of six hexadecimal digits
        style_hash=_hash(style),
        tone=_tone(report.verdict),
        sentence=verdict_sentence(words, report.verdict),
        reasons=[why(words, reason) for reason in report.why_failed],
        facts=_facts(report, words),
        counts=_counts(report),
        listed=UNVERIFIED_LINES,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(show=show, show_fact=_show_fact, parts=parts)
    environment.globals.update(
        marks=_MARKS, check_marks=_CHECK_MARKS, broken=broken, unverified=unverified
    )
    return environment


def _show_fact(value: Any) -> str:
    return ", ".join(map(show, value)) if isinstance(value, list) else show(value)


def _hash(style: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _tone(verdict: str) -> str:
    if verdict.startswith("FAIL"):
        return "bad"
    return "good" if verdict == "PASS" else "unsure"


def _facts(report: RunReport, words: Mapping[str, str]) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (words["subject"], report.subject),
        (words["engine"], report.engine),
        (words["host"], report.host),
    ]


def _counts(report: RunReport) -> list[tuple[str, int]]:
    return [
        ("passed", report.count("passed")),
        ("failed", report.count("failed")),
        ("error", report.count("error")),
        ("skipped", report.count("skipped")),
        ("not-run", report.count("not-run")),
    ]
