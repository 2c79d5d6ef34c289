"""The terminals that steps left open, and the secrets that were typed into containers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from lifecycle.run.plan.steps import PlannedStep
from lifecycle.terminal.errors import TerminalError
from lifecycle.terminal.terminal import Terminal


@dataclass(frozen=True)
class OpenTerminal:
    """A terminal that a step left open; ``attached`` says it is PID 1's own."""

    terminal: Terminal
    container: str
    planned: PlannedStep
    exec_id: str = ""
    usual_keys: str = ""
    """What detaches it where its line does not say: the person's own, or nothing for Docker's."""

    @property
    def attached(self) -> bool:
        """Whether its end is the end of the container's first process."""
        return self.planned.does.first_process


class Terminals:
    """The open ones by the names that their steps gave them."""

    def __init__(self) -> None:
        self._open: dict[str, OpenTerminal] = {}
        self._typed: dict[str, str] = {}

    def add(self, name: str, opened: OpenTerminal) -> None:
        """A step has left it open under this name."""
        self._open[name] = opened

    def get(self, name: str | None) -> OpenTerminal | None:
        """The open one of a name."""
        return self._open.get(name or "")

    @property
    def latest(self) -> str:
        """The name of the one that was opened last; empty when none is open."""
        return next(reversed(self._open), "")

    def end(self, opened: OpenTerminal) -> None:
        """It has ended, so it is closed and known no more."""
        self._open = {name: one for name, one in self._open.items() if one is not opened}
        opened.terminal.close()

    def close(self) -> None:
        """Close all of them; one that outlives KILL must not keep the rest from being closed."""
        for opened in self._open.values():
            with suppress(TerminalError):
                opened.terminal.close()
        self._open.clear()

    def remember_secret(self, container: str, text: str) -> None:
        """A secret was typed in a container: its new password, as far as anybody can tell."""
        self._typed[container] = text

    def last_secret(self, container: str) -> str:
        """The secret that was typed last in a container; empty without one."""
        return self._typed.get(container, "")
