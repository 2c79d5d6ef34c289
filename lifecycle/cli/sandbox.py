"""``sandbox``: a disposable engine, for a command or until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading

from lifecycle.cli import UsageError
from lifecycle.machine.end_signals import Ending, at_terminal, heeded
from lifecycle.sandbox.open import open_sandbox
from lifecycle.sandbox.shell import SandboxError


def sandbox(args: argparse.Namespace) -> int:
    """A disposable engine, for a command or until Ctrl-C."""
    ending = Ending()

    def end(number: int, _frame: object) -> None:
        if ending.ask(number) or ending.leaving:
            raise _AskedToEnd(number)

    for number in heeded():
        signal.signal(number, end)

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    try:
        with open_sandbox(gpus=args.gpus, say=say) as info:
            if args.rest:
                return _run_in(info.environ(), args.rest)
            lines = [f"export {key}={value}" for key, value in info.environ().items()]
            sys.stdout.write("\n".join([*lines, "# press Ctrl-C to take it down", ""]))
            sys.stdout.flush()
            # Nobody who can't read where it is can use it.
            if not getattr(sys.stdout, "problem", ""):
                threading.Event().wait()
    except SandboxError as error:
        raise UsageError(str(error)) from error
    return 0


class _AskedToEnd(KeyboardInterrupt):
    """A signal, as an exception that says which."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _run_in(environ: dict[str, str], words: list[str]) -> int:
    """Run a command against the sandbox, pass signals on to it, and wait for its end."""
    try:
        child = subprocess.Popen(words, env={**os.environ, **environ})
    except OSError as error:
        message = f"{words[0]}: {error.strerror}"
        raise UsageError(message) from error
    try:
        return child.wait()
    except _AskedToEnd as asked:
        # A terminal's Ctrl-C has reached the child already, and a second would be impatience.
        if asked.number != signal.SIGINT or not at_terminal():
            child.send_signal(asked.number)
        return child.wait()
