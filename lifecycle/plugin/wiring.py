"""Where pytest and a run meet: its options, and where it speaks."""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any

import pytest

from lifecycle.gate.ahead import Ahead
from lifecycle.report.inert import inert
from lifecycle.report.text import clean
from lifecycle.run.scenario_run import LiveRun
from lifecycle.run.session.options import Options, options_from
from lifecycle.scenario.model import Scenario

_AHEAD: pytest.StashKey[Ahead] = pytest.StashKey()


def options_of(config: pytest.Config, user: str = "") -> Options:
    """The run's options from pytest's, for one of the people that it names."""
    options = options_from(vars(config.option), "lifecycle_")
    return replace(options, user=user) if user else options


def ahead_of(config: pytest.Config) -> Ahead:
    """What starts this process's next gate ahead."""
    if _AHEAD not in config.stash:
        config.stash[_AHEAD] = Ahead()
        config.add_cleanup(config.stash[_AHEAD].close)
    return config.stash[_AHEAD]


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

    return LiveRun(scenario, options, say, ahead=ahead_of(config))
