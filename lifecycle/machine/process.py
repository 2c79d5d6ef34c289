"""One command without a terminal: run as its subject, bounded in time and in memory."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lifecycle.machine.procfs import exit_fd, kill_session
from lifecycle.machine.subject import Subject, spawn_identity

GRACE = 3.0
"""Seconds between TERM and KILL for a command that ran out of time."""

_CHUNK = 1 << 16
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127


@dataclass(frozen=True)
class Completed:
    """How a command ended and what it printed.

    ``exit_code`` is 128+n for signal n, and None when we ended it because its time was up.
    ``output`` is standard output and error in the order they arrived, ``lost`` the bytes that
    were cut out of its middle.
    """

    exit_code: int | None
    output: str
    stdout: str
    seconds: float
    timed_out: bool = False
    lost: int = 0


class Bounded:
    """Text of any length in bounded memory: its first and its last half."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.lost = 0

    def add(self, data: bytes) -> None:
        """Append, dropping from the middle."""
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        excess = len(self._tail) - self._half
        if excess > 0:
            del self._tail[:excess]
            self.lost += excess

    def text(self) -> str:
        """What was kept, with a note where something was cut."""
        if not self.lost:
            return (self._head + self._tail).decode("utf-8", "replace")
        head, tail = (half.decode("utf-8", "replace") for half in (self._head, self._tail))
        return f"{head}\n[... {self.lost} bytes were cut here ...]\n{tail}"


def run(  # noqa: PLR0913 - what a command needs is named at the call
    argv: Sequence[str],
    *,
    subject: Subject,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str],
    timeout: float,
    stdin: bytes | None = None,
    limit_bytes: int = 1 << 20,
    on_start: Callable[[int], None] | None = None,
    on_output: Callable[[bytes], None] | None = None,
) -> Completed:
    """Run a command to its end, or to its timeout: then TERM, and KILL for all that is left.

    It has ended when its first process has, as in a shell: what that left in the background is
    not waited for. A command that could not be started has the shell's exit code (127 not found,
    126 not executable) and a sentence as its output. ``on_start`` gets the pid at once, and
    ``on_output`` what comes on standard output, as it comes.
    """
    started = time.monotonic()
    try:
        child = _spawn(argv, subject, env, cwd, with_input=stdin is not None)
    except (OSError, subprocess.SubprocessError) as error:
        code, sentence = could_not_start(argv, subject, env, cwd, error)
        return Completed(code, sentence, "", time.monotonic() - started)
    with _Run(child, stdin or b"", limit_bytes, on_output) as running:
        try:
            if on_start is not None:
                on_start(child.pid)
            timed_out = not running.until(started + timeout)
            if timed_out:
                running.end()
        except BaseException:
            running.end()
            raise
        return running.completed(time.monotonic() - started, timed_out=timed_out)


def could_not_start(
    argv: Sequence[str],
    subject: Subject,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str],
    error: Exception,
) -> tuple[int, str]:
    """The shell's exit code and a sentence for a command that never ran."""
    who = f"{subject.name} (uid {subject.uid})"
    directory = os.fspath(cwd)
    # A failed preexec_fn has no details; entering the folder is all that ours does.
    if repr(directory) in str(error) or isinstance(error, subprocess.SubprocessError):
        reason = "there is none" if isinstance(error, FileNotFoundError) else "permission denied"
        return _NOT_EXECUTABLE, f"{directory}: {who} cannot enter this folder: {reason}"
    # Asked here, since "permission denied" may be said of a folder on the PATH.
    if not _exists(argv[0], env, directory):
        where = "" if "/" in argv[0] else f" on the PATH of {subject.name}"
        return _NOT_FOUND, f"{argv[0]}: command not found{where}"
    if isinstance(error, FileNotFoundError):
        return _NOT_EXECUTABLE, f"{argv[0]}: the interpreter that its #! names is missing"
    if isinstance(error, PermissionError):
        return _NOT_EXECUTABLE, f"{argv[0]}: {who} may not run it: permission denied"
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return _NOT_EXECUTABLE, f"{argv[0]}: is no program that this machine can run"
    return _NOT_EXECUTABLE, f"{argv[0]}: could not be started: {error}"


def find_program(name: str, env: Mapping[str, str], cwd: str) -> str:
    """The path of a command, looked up where the subject's shell would; OSError without one."""
    if "/" not in name:
        program = shutil.which(name, path=env.get("PATH", os.defpath))
        if program is None:
            raise FileNotFoundError(name)
        return program
    path = Path(cwd, name)
    if not path.exists():
        raise FileNotFoundError(name)
    if path.is_dir() or not os.access(path, os.X_OK):
        raise PermissionError(name)
    return str(path)


def _exists(name: str, env: Mapping[str, str], cwd: str) -> bool:
    for folder in [cwd] if "/" in name else os.get_exec_path(env):
        with contextlib.suppress(OSError):
            if Path(folder, name).exists():
                return True
    return False


def _spawn(
    argv: Sequence[str],
    subject: Subject,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str],
    *,
    with_input: bool,
) -> subprocess.Popen[bytes]:
    identity = spawn_identity(subject)
    # Root may be the one who cannot enter the folder (a NAS that squashes root), and `cwd=` is
    # entered before the identity changes; preexec_fn runs after it.
    enter = functools.partial(os.chdir, cwd) if identity else None
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=None if identity else cwd,
        preexec_fn=enter,  # noqa: PLW1509 - it only changes the folder
        env=dict(env),
        bufsize=0,
        start_new_session=True,
        **identity,
    )


class _Run:
    """A command that was started: its pipes, what came out of them, and its end."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        stdin: bytes,
        limit: int,
        on_output: Callable[[bytes], None] | None,
    ) -> None:
        self._child, self._on_output = child, on_output
        self._pending = memoryview(stdin)
        self._both = Bounded(limit)
        self._stdout = Bounded(limit)
        self._exit = exit_fd(child.pid)
        self._selector = selectors.DefaultSelector()
        self._outputs = [pipe.fileno() for pipe in (child.stdout, child.stderr) if pipe]

    def __enter__(self) -> Self:
        for fd in self._outputs:
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ)
        if self._child.stdin:
            os.set_blocking(self._child.stdin.fileno(), False)
            self._selector.register(self._child.stdin, selectors.EVENT_WRITE)
        self._selector.register(self._exit, selectors.EVENT_READ)
        return self

    def __exit__(self, *_: object) -> None:
        self._reap()
        self._selector.close()
        os.close(self._exit)
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe:
                pipe.close()

    def until(self, deadline: float) -> bool:
        """Feed and drain the command until it has ended (True) or the time is up (False)."""
        while (remaining := deadline - time.monotonic()) > 0:
            ready = [key.fd for key, _ in self._selector.select(remaining)]
            for fd in ready:
                if fd in self._outputs:
                    self._read(fd)
                elif fd != self._exit:
                    self._feed(fd)
            if self._exit in ready:
                self._rest()
                return True
        return False

    def end(self) -> None:
        """End all that it started: TERM to its group, then KILL after the grace."""
        # The child is not reaped before this, so that its id cannot be anybody else's.
        try:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGTERM)
            self.until(time.monotonic() + GRACE)
        finally:
            kill_session(self._child.pid)
            self.until(time.monotonic() + GRACE)

    def completed(self, seconds: float, *, timed_out: bool) -> Completed:
        """What came of it."""
        status = self._reap()
        code = 128 - status if status is not None and status < 0 else status
        code = None if timed_out else code
        output, stdout = self._both.text(), self._stdout.text()
        return Completed(code, output, stdout, seconds, timed_out, self._both.lost)

    def _reap(self) -> int | None:
        # Even KILL does not end a process that waits for a dead NAS; we don't wait with it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._child.wait(GRACE)
        return None

    def _feed(self, fd: int) -> None:
        try:
            self._pending = self._pending[os.write(fd, self._pending[:_CHUNK]) :]
        except BrokenPipeError:  # it reads no further, which is its own business
            self._pending = memoryview(b"")
        if not self._pending and self._child.stdin:
            self._selector.unregister(fd)
            self._child.stdin.close()

    def _read(self, fd: int) -> int:
        """Read what is there, once; 0 when there is nothing now or nothing any more."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return 0
        if not data:
            self._selector.unregister(fd)
            self._outputs.remove(fd)
            return 0
        self._both.add(data)
        if self._child.stdout and fd == self._child.stdout.fileno():
            self._stdout.add(data)
            if self._on_output:
                self._on_output(data)
        return len(data)

    def _rest(self) -> None:
        """What the pipes still hold; bounded, since a background job may go on writing."""
        for fd in list(self._outputs):
            left = 16 * _CHUNK
            while left > 0 and (size := self._read(fd)):
                left -= size
