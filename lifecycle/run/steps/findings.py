"""What may be behind a failure: diagnosis, with what this run knows of the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from lifecycle.diagnosis.finding import Finding, Symptom
from lifecycle.engine.daemon import EngineError
from lifecycle.run.outcome import StepResult
from lifecycle.run.session.options import Options
from lifecycle.run.session.session import Session

if TYPE_CHECKING:
    from lifecycle.diagnosis.machine_facts import MachineFacts


def add_findings(session: Session, result: StepResult, symptom: Symptom) -> None:
    """Add to a step's findings those of a symptom that are not there yet, in written names."""
    known = {finding.id for finding in result.findings}
    for finding in _diagnosed(symptom, session.options, _facts(session)):
        # What it quotes was cut, perhaps within a secret; a command of a remedy never was.
        quoted = tuple(session.printed(text) for text in finding.evidence)
        if finding.id not in known:
            result.findings.append(replace(finding.with_texts(session.shown), evidence=quoted))


def without_a_run(symptom: Symptom, options: Options) -> list[Finding]:
    """The findings of a run that could not begin, with what the machine itself tells."""
    return _diagnosed(symptom, options, None)


def _diagnosed(symptom: Symptom, options: Options, facts: MachineFacts | None) -> list[Finding]:
    from lifecycle.diagnosis.machine_facts import MachineFacts  # most runs have nothing to explain
    from lifecycle.diagnosis.match import diagnose

    lang: Literal["en", "ko"] = "ko" if options.lang == "ko" else "en"
    return diagnose(symptom, facts or MachineFacts(), lang=lang)


def _facts(session: Session) -> MachineFacts:
    """What diagnosis may look up, seen as the run's subject."""
    from lifecycle.diagnosis.machine_facts import MachineFacts

    def containers() -> list[dict[str, Any]] | None:
        try:
            return _by_both_names(session.daemon.containers(), session.plan.names.restore)
        except EngineError:
            return None

    def inspect(name: str) -> dict[str, Any] | None:
        try:
            return session.daemon.container(name)
        except EngineError:
            return None

    return MachineFacts(
        session.world.subject,
        environ=session.env,
        cwd=session.folder,
        containers=containers,
        inspect=inspect,
        eyes=session.world.subject,
        made=lambda identity: session.ownership.owns("container", identity),
    )


def _by_both_names(
    containers: list[dict[str, Any]], restore: Callable[[str], str]
) -> list[dict[str, Any]]:
    """List our containers first, and add the author's names for them, which failed lines use."""
    named = []
    for one in containers:
        real = one.get("Names") or []
        named.append({**one, "Names": list(dict.fromkeys([*real, *map(restore, real)]))})
    return sorted(named, key=lambda one: len(one["Names"]), reverse=True)
