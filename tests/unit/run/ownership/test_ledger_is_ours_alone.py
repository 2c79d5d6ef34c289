"""A ledger is held by its run alone: what a step starts does not keep it alive."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from lifecycle.machine import process
from lifecycle.machine.subject import current_subject
from lifecycle.run.ownership.ledger import Ledger
from lifecycle.terminal.terminal import Terminal
from tests.engine.harness import wait_until


def names_of_files(pid: int) -> list[str]:
    """What a process holds open; it may close one while we look."""
    names = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            names.append(str(path.readlink()))
    return names


@pytest.mark.parametrize("on_terminal", [False, True])
def test_no_program_of_a_run_holds_its_ledger(
    ledger: Ledger,
    on_terminal: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    subject = current_subject()
    held: list[list[str]] = []

    def look(pid: int) -> None:
        wait_until(lambda: b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes())
        held.append(names_of_files(pid))

    words, env = ["sleep", "60"], {"PATH": os.defpath}
    if on_terminal:
        terminal = Terminal(words, name="t", subject=subject, env=env, cwd=str(tmp_path))
        look(terminal.pid)
        terminal.close()
    else:
        process.run(words, subject=subject, env=env, cwd="/", timeout=0.5, on_start=look)
    assert len(held) == 1
    assert str(ledger.path) not in held[0]
