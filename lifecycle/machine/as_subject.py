"""Doing something with files as the person it is for, when root acts for somebody.

Whatever a scenario or a person names is touched with their ids, so that links, races and modes are
the kernel's matter: root opens nothing that they could not. When we are that person already it is
a plain call; else a child of theirs does it, which stays for the next question.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from lifecycle.machine import file_actions, subject_child
from lifecycle.machine.deadline import rest
from lifecycle.machine.private_folders import why_unsafe
from lifecycle.machine.regular_files import OWN, Files
from lifecycle.machine.subject import Subject, spawn_identity

P = ParamSpec("P")
T = TypeVar("T")

LIMIT = 20.0
"""Seconds that one thing may take: a NAS that hangs hangs its child, and not the run."""
_LEAST = 1.0
"""Seconds that it gets in any case: what is cleaned up so is never left out."""
_START = "from lifecycle.machine.subject_child import serve; serve()"
_PACKAGE = Path(__file__).resolve().parents[2]


def call(subject: Subject, function: Callable[P, T], *args: P.args, **_: P.kwargs) -> T:
    """What a function of a module comes to, done as that person; raises its OSError.

    Arguments and result cross as JSON, bytes as well: tuples come back as lists.
    """
    return _done(subject, function, args, None)


def call_in(
    subject: Subject, folder: int, function: Callable[P, T], *args: P.args, **_: P.kwargs
) -> T:
    """The same, standing in an open folder: for root only, who has another identity to give."""
    return _done(subject, function, args, folder)


def is_other(subject: Subject) -> bool:
    """Whether root acts for somebody here; nobody else can become another."""
    return os.geteuid() == 0 and bool(spawn_identity(subject))


def files_of(subject: Subject) -> Files:
    """The reader of a scenario's files for that person."""
    if not is_other(subject):
        return OWN

    def read(path: str, limit: int) -> bytes:
        return call(subject, file_actions.beginning, path, limit)

    def template(path: str, limit: int) -> bytes:
        try:
            return read(path, limit)
        except PermissionError:
            # The library lies where root installed it. Only what nobody else can have put there
            # is root's choice; a link of the person's would choose for root.
            if why_unsafe(Path(path)):
                raise
        return file_actions.beginning(path, limit)

    return Files(read, template, real=lambda path: call(subject, file_actions.real, path))


def refused(subject: Subject, error: Exception) -> str:
    """Why something is not known, in a sentence that names whom the kernel refused."""
    reason = str(getattr(error, "strerror", None) or error).lower()
    return f"cannot be read as {subject.name}: {reason}"


def _done(
    subject: Subject, function: Callable[..., T], args: tuple[Any, ...], folder: int | None
) -> T:
    if not is_other(subject):
        return function(*args)
    child = _child_of(spawn_identity(subject), function.__module__)
    answer = child.ask(function.__name__, args, folder)
    if "errno" in answer:
        raise OSError(answer["errno"], answer["said"])
    if "fault" in answer:
        raise RuntimeError(f"{function.__name__} as {subject.name}: {answer['fault']}")
    returned: T = answer["returned"]
    return returned


class _Child:
    """One child and the line to it; questions of several threads come one after the other."""

    def __init__(self, identity: dict[str, Any], module: str) -> None:
        self._words = (module, json.dumps(identity))
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def ask(self, name: str, args: tuple[Any, ...], folder: int | None) -> dict[str, Any]:
        """Its answer; OSError where there is none."""
        with self._lock:
            limit = max(min(_LEAST, LIMIT), rest(LIMIT))
            try:
                channel = self._channel or self._start()
                channel.settimeout(limit)
                subject_child.send(channel, {"do": name, "with": args}, folder)
                answer, _ = subject_child.receive(channel)
            except TimeoutError:
                self._end()
                raise TimeoutError(110, f"no answer within {limit:g} s") from None
            except (EOFError, OSError, ValueError) as error:
                self._end()
                raise OSError(5, "the process that reads as them has ended") from error
            except BaseException:
                self._end()  # the answer to a question that was given up is nobody's
                raise
        return dict(answer)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            # Isolated: nothing of the person's, nor of where we stand, is imported as root.
            start = f"import sys; sys.path.insert(0, {str(_PACKAGE)!r}); {_START}"
            python = [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", start]
            self._process = subprocess.Popen(
                [*python, str(theirs.fileno()), *self._words],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.defpath},
                start_new_session=True,  # Ctrl-C is for the run, which still needs it to clean up
            )
        self._channel = ours
        return ours

    def _end(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.kill()
            # One that hangs in the kernel outlives KILL, and we do not wait with it.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        self._channel = self._process = None

    def close(self) -> None:
        """End it; the next question starts another."""
        with self._lock:
            self._end()


_children: dict[str, _Child] = {}
"""Processes, not state: to start one takes longer than all that a run asks of it."""
_registry = threading.Lock()


def _child_of(identity: dict[str, Any], module: str) -> _Child:
    key = json.dumps([os.getpid(), module, identity])
    with _registry:
        if key not in _children:
            _children[key] = _Child(identity, module)
        return _children[key]


@atexit.register
def end_children() -> None:
    """End those that wait for a question."""
    for child in list(_children.values()):
        child.close()
