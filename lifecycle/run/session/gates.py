"""The gates of one run: one for each person whose commands it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lifecycle.gate.gate import Call, Gate, GateError, GateProcess, Judge
from lifecycle.machine.subject import Subject, make_owned

_LONGEST = 100
"""Bytes of a socket's path: the kernel takes 107."""


class Gates:
    """Opens a gate when its person needs it first, and closes all."""

    def __init__(self, engine: str, first: GateProcess | None = None) -> None:
        """``engine`` is the address that the gates lead to; ``first`` is for the first of them."""
        self._engine = engine
        self._judge: Judge | None = None
        self._open: dict[Path, Gate] = {}
        self._spare = first
        self._closed = False

    def judged_by(self, judge: Judge) -> None:
        """Who decides on requests; before that nothing is let through."""
        self._judge = judge

    def start(self, subject: Subject, work: Path, env: Mapping[str, str]) -> Gate:
        """A person's gate, beside their work folder; raises GateError."""
        if self._closed:
            raise GateError("the run's gate is closed")
        if work not in self._open:
            folder = work.parent / "gate"
            if len(os.fsencode(folder / "docker.sock")) > _LONGEST:
                raise GateError(
                    f"{folder} is too long for a socket: set TMPDIR to a shorter folder"
                )
            make_owned(folder, subject, 0o700)
            process, self._spare = self._spare or GateProcess(), None
            self._open[work] = Gate(
                subject, env, self._engine, folder, self._decide, process=process
            )
        return self._open[work]

    def environ(self, subject: Subject, work: Path, env: Mapping[str, str]) -> dict[str, str]:
        """The environment of a person's command. Raises GateError."""
        return self.start(subject, work, env).environ(env)

    def check(self) -> None:
        """Raise GateError unless every gate is as it was opened."""
        for gate in self._open.values():
            gate.check()

    def shown(self, text: str) -> str:
        """A text in which no gate's address stands."""
        for gate in self._open.values():
            text = gate.shown(text)
        return text

    def close(self) -> None:
        """End them: what still runs in the background reaches the engine no more."""
        self._closed = True
        for gate in self._open.values():
            gate.close()

    def _decide(self, call: Call) -> None:
        if self._judge is None:
            call.refuse("the run has not begun yet", 503)
        else:
            self._judge(call)
