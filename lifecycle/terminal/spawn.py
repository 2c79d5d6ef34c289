"""Starting a program on a pseudo-terminal as somebody; the only importer of ptyprocess."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from lifecycle.machine.process import could_not_start, find_program
from lifecycle.machine.subject import Subject, spawn_identity
from lifecycle.terminal.errors import TerminalError

_TERM = "xterm-256color"
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_MAY_BE_IGNORED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def spawn(
    argv: Sequence[str],
    subject: Subject,
    env: Mapping[str, str],
    cwd: str,
    size: tuple[int, int],
) -> tuple[int, int]:
    """Start the program; its pid and a descriptor of its terminal that is ours alone.

    Raises TerminalError, with the shell's exit code, when it can't be started.
    """
    from ptyprocess import PtyProcess  # type: ignore[import-untyped]  # not every run has one

    identity = spawn_identity(subject)

    def become() -> None:
        for number in (*_IGNORED_BY_PYTHON, *_MAY_BE_IGNORED):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if identity:
            os.fchown(0, identity["user"], -1)  # as a login does: a terminal is its user's
            os.setgroups(identity["extra_groups"])
            os.setgid(identity["group"])
            os.setuid(identity["user"])
            os.umask(identity["umask"])
        # After the change: on a NAS that squashes root, root is the one who may not enter.
        os.chdir(cwd)

    # The terminal is ours: its kind and size are not those of the one that we were started in.
    own = {k: v for k, v in env.items() if k not in {"LINES", "COLUMNS"}} | {"TERM": _TERM}
    try:
        words = [find_program(argv[0], own, cwd), *argv[1:]]
        with warnings.catch_warnings():
            # The child runs nothing but `become` between fork and exec, and that takes no lock.
            warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
            child: Any = PtyProcess.spawn(words, env=own, preexec_fn=become, dimensions=size)
    except OSError as error:
        # ptyprocess passes on a failed exec as a plain OSError with the number set.
        known = OSError(error.errno, os.strerror(error.errno)) if error.errno else error
        code, sentence = could_not_start(argv, subject, env, cwd, known)
        raise TerminalError(sentence, exit_code=code) from error
    fd = os.dup(child.fd)
    child.fileobj.close()
    child.closed = True  # its own way of closing sleeps
    os.set_blocking(fd, False)
    return child.pid, fd
