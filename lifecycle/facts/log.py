"""The log of a container, as the engine has it."""

from __future__ import annotations

from contextlib import suppress

from lifecycle.command.values.logs import between
from lifecycle.engine.daemon import Daemon
from lifecycle.facts.model import LogFacts

MORE = 500
"""Lines that are asked of the engine beyond those that were printed."""


def printed(output: str) -> tuple[str, ...]:
    """The lines of an output."""
    lines = [line.rstrip("\r") for line in output.split("\n")]
    return tuple(lines[:-1] if lines[-1] == "" else lines)


def ask_log(daemon: Daemon, container: str, output: str, until: str, times: LogFacts) -> LogFacts:
    """The newest of the engine's lines, some more than were printed; ``times`` has the rest."""
    many = len(printed(output)) + MORE
    end: float | None = None
    with suppress(ValueError):
        end = between(until, times.begun, times.ended)[1]
    text = daemon.log(container, lines=many, until=end)
    lines = printed(text)
    return LogFacts(lines, times.begun, times.ended, len(lines) >= many, times.clock)
