"""What the engine's unit tests share: the person who runs them, and terminals that are closed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lifecycle.engine.subject import Subject, current_subject, environment
from lifecycle.engine.terminal import Terminal

Opener = Callable[..., Terminal]


@pytest.fixture
def me() -> Subject:
    """The person who runs the tests."""
    return current_subject()


@pytest.fixture
def opened(tmp_path: Path, me: Subject) -> Iterator[Opener]:
    """Open terminals that are closed again when the test is over."""
    terminals: list[Terminal] = []

    def opened(
        *argv: str,
        subject: Subject = me,
        cwd: Path = tmp_path,
        on_start: Callable[[int], None] | None = None,
        **size: int,
    ) -> Terminal:
        env = environment(subject, os.environ)
        terminal = Terminal(
            argv, name="test", subject=subject, env=env, cwd=cwd, on_start=on_start, **size
        )
        terminals.append(terminal)
        return terminal

    yield opened
    for terminal in terminals:
        terminal.close()
