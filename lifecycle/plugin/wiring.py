"""Where the layers meet: options from pytest, diagnosis for the runner."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from lifecycle.diagnosis.finding import Finding, Symptom
from lifecycle.engine.daemon import EngineError
from lifecycle.report.inert import inert
from lifecycle.report.text import clean
from lifecycle.run.scenario_run import LiveRun
from lifecycle.run.session.options import Options
from lifecycle.run.session.session import Session
from lifecycle.scenario.model import Scenario

if TYPE_CHECKING:
    import pytest

    from lifecycle.diagnosis.machine_facts import MachineFacts


def options_of(config: pytest.Config, user: str = "") -> Options:
    """The run's options from pytest's, for one of the people that it names."""
    given = config.option
    first = given.lifecycle_user[0] if given.lifecycle_user else ""
    return Options(
        gpu=given.lifecycle_gpu,
        strict=given.lifecycle_strict,
        as_written=given.lifecycle_as_written,
        user=user or first,
        context=given.lifecycle_context,
        lab=given.lifecycle_lab,
        sets=tuple(tuple(pair.split("=", 1)) for pair in given.lifecycle_set),
        allow_foreign=frozenset(given.lifecycle_allow_foreign),
        keep_on_failure=given.lifecycle_keep == "on-failure",
        remove_pulled=given.lifecycle_remove_pulled,
        publish=given.lifecycle_publish,
        lang=given.lifecycle_lang,
    )


def make_run(scenario: Scenario, config: pytest.Config, user: str = "") -> LiveRun:
    """A run of one scenario under these options, as one of the people that they name."""
    options = options_of(config, user)

    capture: Any = config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        # Pytest would keep it to itself, and a person waits.
        heard = capture.global_and_fixture_disabled() if capture else nullcontext()
        # The terminal may be gone, which must not end a clean-up.
        with suppress(OSError), heard:
            sys.stderr.write(f"{inert(clean(text))}\n")
            sys.stderr.flush()

    def find(symptom: Symptom, session: Session | None) -> list[Finding]:
        from lifecycle.diagnosis.match import diagnose  # most runs have nothing to explain

        return diagnose(
            symptom, machine_facts(session), lang="ko" if options.lang == "ko" else "en"
        )

    return LiveRun(scenario, options, find, say)


def machine_facts(session: Session | None) -> MachineFacts:
    """What diagnosis may look up, seen as the run's subject."""
    from lifecycle.diagnosis.machine_facts import MachineFacts

    if session is None:
        return MachineFacts()

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
    """Ours first, also by the names that the author wrote, as the lines that failed have them."""
    found = []
    for one in containers:
        real = one.get("Names") or []
        found.append({**one, "Names": list(dict.fromkeys([*real, *map(restore, real)]))})
    return sorted(found, key=lambda one: len(one["Names"]), reverse=True)
