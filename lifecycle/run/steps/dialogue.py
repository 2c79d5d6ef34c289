"""Answering the prompts of a command, and typing into a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lifecycle.run.session.session import Session
from lifecycle.scenario.model import Dialogue
from lifecycle.terminal.errors import TerminalEnded
from lifecycle.terminal.terminal import Reader, Terminal

ECHO_LIMIT = 2.0
"""Seconds that a password prompt gets to turn the echo off."""


def answer(
    session: Session,
    container: str,
    dialogue: Sequence[Dialogue],
    terminal: Terminal,
    deadline: float,
) -> None:
    """Wait for each prompt in order and answer it; a prompt marked optional may not come."""
    reader = Reader(terminal)
    for index, entry in enumerate(dialogue):
        rest = dialogue[index:]
        # An optional prompt is passed over when a later one comes first, or the program ends.
        awaited = rest if entry.optional else rest[:1]
        patterns = [e.expect for e in awaited]
        try:
            which, found = reader.wait_for(patterns, max(0.0, deadline - time.monotonic()))
        except TerminalEnded:
            if all(e.optional for e in rest):
                return
            raise
        if which:
            continue
        if entry.send is None and not entry.press:
            reader.pass_over(found)
            continue
        # All that is there by now belongs to this prompt, which may say the same word twice.
        reader.skip_to(terminal.mark())
        send(session, container, terminal, entry.send, entry.press)


def send(
    session: Session, container: str, terminal: Terminal, text: str | None, keys: Sequence[str]
) -> None:
    """Type a line or press keys; a secret is remembered as the container's latest password."""
    if text is not None:
        if session.secrets.inside(text):
            session.terminals.remember_secret(container, text)
            terminal.wait_echo_off(ECHO_LIMIT)
        terminal.send_line(text)
    if keys:
        terminal.press(list(keys))
