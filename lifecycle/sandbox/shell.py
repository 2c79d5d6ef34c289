"""Running other programs so that none of them outlives an interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from lifecycle.machine.secret_variables import without_secrets


class SandboxError(Exception):
    """The sandbox can't be had; the message is a sentence that says why and what to do."""


def run(
    *words: str,
    what: str,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    limit: float = 600,
) -> str:
    """Run a program to its end and return what it printed.

    ``what`` begins the SandboxError of one that fails. The program has a session of its own,
    so Ctrl-C reaches us first, and we end all of it before going on.
    """
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=without_secrets(os.environ if environ is None else environ),
            cwd=cwd,
            start_new_session=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise SandboxError(f"{what}: {words[0]}: {error.strerror}") from error
    try:
        printed, complaint = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _end(process)
        raise SandboxError(f"{what}: no end after {limit:.0f} s") from None
    except BaseException:
        _end(process)
        raise
    if process.returncode:
        raise SandboxError(f"{what}: {last_words(complaint or printed)}")
    return printed


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and its children: asked first, because mmdebstrap and apt clean up."""
    for how, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, how)
            process.communicate(timeout=seconds)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
        else:
            break


def last_words(text: str) -> str:
    """The last line that says something, which is where programs put the reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it failed without a word"


def wait_until(condition: Callable[[], bool], *, limit: float, every: float = 0.02) -> bool:
    """Look again and again until the condition holds; False when the limit passed first."""
    until = time.monotonic() + limit
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(every)
    return True
