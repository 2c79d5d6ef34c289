"""Where the layers meet: options from pytest, diagnosis for the runner."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lifecycle.diagnosis.evidence import MachineFacts
from lifecycle.diagnosis.match import diagnose
from lifecycle.engine.daemon import EngineError
from lifecycle.run.live import LiveRun
from lifecycle.run.options import Options
from lifecycle.run.outcome import Finding, Symptom
from lifecycle.run.session import Session
from lifecycle.scenario.model import Scenario

if TYPE_CHECKING:
    import pytest


def options_of(config: pytest.Config) -> Options:
    """The run's options from pytest's."""
    given = config.option
    return Options(
        gpu=given.lifecycle_gpu,
        strict=given.lifecycle_strict,
        as_written=given.lifecycle_as_written,
        user=given.lifecycle_user,
        context=given.lifecycle_context,
        lab=given.lifecycle_lab,
        sets=tuple(tuple(pair.split("=", 1)) for pair in given.lifecycle_set),
        allow_foreign=frozenset(given.lifecycle_allow_foreign),
        keep_on_failure=given.lifecycle_keep == "on-failure",
        remove_pulled=given.lifecycle_remove_pulled,
        lang=given.lifecycle_lang,
    )


def make_run(scenario: Scenario, config: pytest.Config) -> LiveRun:
    """A run of one scenario under these options."""
    options = options_of(config)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress for the person waiting

    def find(symptom: Symptom, session: Session | None) -> list[Finding]:
        return diagnose(
            symptom, machine_facts(session), lang="ko" if options.lang == "ko" else "en"
        )

    return LiveRun(scenario, options, find, say)


def machine_facts(session: Session | None) -> MachineFacts:
    """What diagnosis may look up, seen as the run's subject."""
    if session is None:
        return MachineFacts()

    def containers() -> list[dict[str, Any]] | None:
        try:
            return session.daemon.containers()
        except EngineError:
            return None

    return MachineFacts(
        session.world.subject, environ=session.env, cwd=session.folder, containers=containers
    )
