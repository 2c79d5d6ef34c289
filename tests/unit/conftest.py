"""What unit tests share: the person who runs them, and terminals that are closed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lifecycle.machine.subject import Subject, current_subject, environment
from lifecycle.terminal.terminal import Terminal

Opener = Callable[..., Terminal]


@pytest.fixture
def me() -> Subject:
    """The person who runs the tests."""
    return current_subject()


@pytest.fixture
def opened(tmp_path: Path, me: Subject) -> Iterator[Opener]:
    """Open terminals that are closed again when the test is over."""
    terminals: list[Terminal] = []

    def opened(  # noqa: PLR0913 - what a terminal can be given
        *argv: str,
        subject: Subject = me,
        cwd: Path = tmp_path,
        on_start: Callable[[int], None] | None = None,
        rows: int = 40,
        cols: int = 120,
        ring_bytes: int = 1 << 20,
    ) -> Terminal:
        env = environment(subject, os.environ)
        terminal = Terminal(
            argv,
            name="test",
            subject=subject,
            env=env,
            cwd=cwd,
            on_start=on_start,
            rows=rows,
            cols=cols,
            ring_bytes=ring_bytes,
        )
        terminals.append(terminal)
        return terminal

    yield opened
    for terminal in terminals:
        terminal.close()
