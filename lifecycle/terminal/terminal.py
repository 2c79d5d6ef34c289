"""A pseudo-terminal that a command opened.

One thread drains it into a bounded ring for as long as it is open: an undrained terminal blocks
whatever writes to it. Waits end on text, on the program's end or on a limit, never on a guess.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from lifecycle.machine.patterns import Found, PatternError, find
from lifecycle.machine.procfs import exit_fd, kill_session, start_time
from lifecycle.machine.subject import Subject
from lifecycle.terminal.errors import TerminalEnded, TerminalError, TerminalTimeout
from lifecycle.terminal.keys import key_bytes, known_key, known_keys
from lifecycle.terminal.plain_text import Stripper, strip
from lifecycle.terminal.spawn import spawn
from lifecycle.terminal.styled_screen import Picture

if TYPE_CHECKING:
    from lifecycle.terminal.emulator import Emulator

RING_BYTES = 1 << 20
SCREEN_BYTES = 1 << 16
"""At most this much of what came since the last look is drawn; older output is skipped."""

_READ = 1 << 16
_READS = 256
_INPUT_LIMIT = 10.0
"""Seconds that a program may take to read what was typed, where the terminal is full."""
# Text that was searched once is not searched again, except for this much before the new text.
_LONGEST_MATCH = 1 << 14


class Terminal:
    """A program on a terminal of its own, started as its subject. Every method is thread-safe."""

    def __init__(  # noqa: PLR0913 - what a terminal needs is named at the call
        self,
        argv: Sequence[str],
        *,
        name: str,
        subject: Subject,
        env: Mapping[str, str],
        cwd: str | os.PathLike[str],
        on_start: Callable[[int], None] | None = None,
        on_end: Callable[[], None] | None = None,
        rows: int = 40,
        cols: int = 120,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        self.name = name
        self._on_end = on_end
        self._changed = threading.Condition()
        self._ring = bytearray()
        self._ring_bytes = ring_bytes
        self._total = 0
        self._exit_code: int | None = None
        self._closing = threading.Lock()
        self._closed = False
        self._using_fd = threading.Lock()
        self._drawing = threading.Lock()
        self._drawn = self._never_drawn = 0
        self._pictured: tuple[int, Picture] | None = None
        self._size = rows, cols
        self.pid, self._fd = spawn(argv, subject, env, os.fspath(cwd), (rows, cols))
        self.started = start_time(self.pid) or 0
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._drain, name=f"terminal {name}", daemon=True)
        self._thread.start()
        try:
            if on_start is not None:
                on_start(self.pid)
        except BaseException:
            self.close(0)
            raise

    # What was printed

    @property
    def total_bytes(self) -> int:
        """How many bytes it has printed, the forgotten ones included."""
        with self._changed:
            return self._total

    def mark(self) -> int:
        """This moment, as an offset to search from later."""
        return self.total_bytes

    def text(self, since: int = 0) -> str:
        """The plain text since an offset, as far back as the ring goes."""
        with self._changed:
            data = self._since(since)[1]
        return strip(data)

    def screen(self) -> str:
        """What a person would see, with the last lines that scrolled off above it."""
        with self._drawing:
            return self._draw().text()

    def picture(self) -> Picture:
        """The screen with its styles, and how many printed bytes it lacks."""
        with self._drawing:
            if self._pictured is None or self._pictured[0] != self.total_bytes:
                emulator = self._draw()
                self._pictured = self._drawn, emulator.picture(self._never_drawn)
            return self._pictured[1]

    @cached_property
    def _emulator(self) -> Emulator:
        from lifecycle.terminal.emulator import Emulator  # most commands have no terminal

        return Emulator(*self._size)

    def _draw(self) -> Emulator:
        with self._changed:
            start, data = self._since(max(self._drawn, self._total - SCREEN_BYTES))
            skipped, self._drawn = start > self._drawn, self._total
        if skipped:  # begin at a line, on a blank screen
            self._emulator.reset()
            self._never_drawn = self._drawn - len(data)
            data = data.partition(b"\n")[2] or data
        self._emulator.feed(data)
        return self._emulator

    # What happens to it

    @property
    def ended(self) -> bool:
        """Whether the program has ended and all that it printed is here."""
        return self.exit_code is not None

    @property
    def exit_code(self) -> int | None:
        """Its exit code, 128+n for signal n; None while it runs."""
        with self._changed:
            return self._exit_code

    def wait_end(self, timeout: float) -> int | None:
        """Wait for the program's end: its exit code, or None when it still runs."""
        with self._changed:
            self._changed.wait_for(lambda: self._exit_code is not None, timeout)
            return self._exit_code

    def wait_change(self, offset: int, timeout: float) -> int:
        """Wait until it has printed beyond an offset, or ended; returns how far it has come."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._total > offset or self._exit_code is not None, timeout
            )
            return self._total

    def wait_for(self, pattern: str, *, since: int, timeout: float) -> Found:
        """Wait until a regular expression matches the plain text printed since an offset.

        What was printed before the wait counts. A match longer than 16 KiB is not found.
        """
        return Reader(self, since).wait_for([pattern], timeout)[1]

    def wait_piece(self, since: int, timeout: float) -> tuple[int, bytes, int | None]:
        """Wait for more than was printed up to an offset: where it begins, it, the exit code.

        It begins later than asked when the ring has forgotten what lies between.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._total > since or self._exit_code is not None, timeout
            )
            return *self._since(since), self._exit_code

    def echo_off(self) -> bool:
        """Whether typed text is not shown (a password prompt; also any program in raw mode)."""
        with self._using_fd, contextlib.suppress(termios.error):
            return not self._closed and not termios.tcgetattr(self._fd)[3] & termios.ECHO
        return False

    def wait_echo_off(self, timeout: float) -> bool:
        """Wait until typed text is not shown, so that a secret can be sent; False if it stays.

        Nothing tells of a change of a terminal's modes, so this alone asks again and again.
        """
        deadline = time.monotonic() + timeout
        while not self.echo_off():
            remaining = deadline - time.monotonic()
            if remaining <= 0 or self.wait_end(min(0.01, remaining)) is not None:
                return self.echo_off()
        return True

    # What is done to it

    def send_line(self, text: str) -> None:
        """Type a line and press enter."""
        self._send(text.encode() + b"\r")

    def press(self, keys: Sequence[str]) -> None:
        """Press keys by name, one after the other."""
        for key in keys:
            if not known_key(key):
                raise TerminalError(f"no key is named {key!r}; there are {known_keys()}")
        with self._drawing:
            application = self._draw().application_keys
        self._send(key_bytes(keys, application=application))

    def resize(self, rows: int, cols: int) -> None:
        """Change the window's size; the kernel tells the program."""
        with self._using_fd:
            self._check_open()
            termios.tcsetwinsize(self._fd, (rows, cols))
        with self._drawing:
            self._emulator.resize(rows, cols)
            self._pictured = None

    def close(self, timeout: float = 3.0) -> None:
        """Hang up, as when a window is closed; KILL what ignores it. Idempotent."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            # The program is not reaped before this, so that its id cannot be anybody else's.
            if not self.ended:
                self._signal(signal.SIGHUP, signal.SIGCONT)
                self.wait_end(timeout)
            ended = kill_session(self.pid) and self.wait_end(3.0) is not None
            os.close(self._wake_write)
            self._thread.join()
            with self._using_fd:
                os.close(self._fd)
            os.close(self._wake_read)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, os.WNOHANG)
            if not ended:
                raise TerminalError(f"{self.name} (pid {self.pid}) could not be ended, not by KILL")

    # Inside

    def _since(self, offset: int) -> tuple[int, bytes]:
        """The ring's bytes from an offset on, and the offset where they really begin."""
        oldest = self._total - len(self._ring)
        start = max(offset, oldest)
        return start, bytes(self._ring[start - oldest :])

    def _check_open(self) -> None:
        if self._closed:
            raise TerminalError(f"{self.name} is closed")
        if self.ended:
            raise TerminalError(f"{self.name} has ended with exit {self.exit_code}")

    def _signal(self, *numbers: int) -> None:
        for number in numbers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _send(self, data: bytes) -> None:
        deadline = time.monotonic() + _INPUT_LIMIT
        with self._using_fd:
            while data:
                self._check_open()
                try:
                    data = data[os.write(self._fd, data) :]
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise TerminalError(f"{self.name} does not read what is typed") from None
                    poller = select.poll()
                    poller.register(self._fd, select.POLLOUT)
                    poller.poll(100)

    def _drain(self) -> None:
        """The thread's work: read until closed, whether or not anybody looks."""
        exit_pipe = exit_fd(self.pid)
        poller = select.poll()
        for fd in (self._fd, exit_pipe, self._wake_read):
            poller.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll()}
            if self._fd in ready and not self._read():
                poller.unregister(self._fd)  # everybody has left the terminal
            if exit_pipe in ready:
                poller.unregister(exit_pipe)
                os.close(exit_pipe)
                self._read()
                self._note_end()
            if self._wake_read in ready:
                return

    def _read(self) -> bool:
        """Read what there is; False when nothing more can come."""
        pieces: list[bytes] = []
        open_still = True
        # The kernel gives 4 KiB at a time; one change of the ring takes in many of them.
        while len(pieces) < _READS:
            try:
                piece = os.read(self._fd, _READ)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                piece = b""
            if not piece:
                open_still = False
                break
            pieces.append(piece)
        if data := b"".join(pieces):
            with self._changed:
                self._total += len(data)
                self._ring += data
                del self._ring[: -self._ring_bytes]
                self._changed.notify_all()
        return open_still

    def _note_end(self) -> None:
        how = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self._changed:
            if how is None:
                self._exit_code = 0
            elif how.si_code == os.CLD_EXITED:
                self._exit_code = how.si_status
            else:
                self._exit_code = 128 + how.si_status
            self._changed.notify_all()
        if self._on_end is not None:
            self._on_end()


class Reader:
    """Reads what a terminal prints from an offset on, up to the last match."""

    def __init__(self, terminal: Terminal, since: int = 0) -> None:
        self._terminal = terminal
        self.skip_to(since)

    def skip_to(self, offset: int) -> None:
        """Go on reading at an offset."""
        self._stripper, self._text, self._position = Stripper(), "", offset
        self._searched = 0

    def wait_for(self, patterns: Sequence[str], timeout: float) -> tuple[int, Found]:
        """Wait for the first of several regular expressions: which one, and its match.

        Nothing is read away until :meth:`pass_over`. Raises TerminalTimeout, TerminalEnded.
        """
        terminal, shown = self._terminal, " or ".join(map(repr, patterns))
        deadline, over, self._searched = time.monotonic() + timeout, False, 0
        exit_code: int | None = None
        while True:
            begin = max(0, self._searched - _LONGEST_MATCH)
            try:
                searched = [(n, find(p, self._text, begin)) for n, p in enumerate(patterns)]
            except PatternError as error:
                message = f"{shown} on {terminal.name}: {error}"
                raise TerminalTimeout(message, terminal.screen()) from None
            matches = [(n, m) for n, m in searched if m]
            if matches:
                return min(matches, key=lambda each: each[1].start())
            if exit_code is not None:
                message = f"{terminal.name} ended with exit {exit_code} before {shown} came"
                raise TerminalEnded(message, exit_code, terminal.screen())
            if over:
                message = f"{shown} did not come on {terminal.name} within {round(timeout, 2):g} s"
                raise TerminalTimeout(message, terminal.screen())
            exit_code = self._read_on(deadline - time.monotonic())
            over = time.monotonic() >= deadline

    def _read_on(self, timeout: float) -> int | None:
        start, data, exit_code = self._terminal.wait_piece(self._position, timeout)
        if start > self._position:  # the ring forgot what lies between
            self._stripper, self._text = Stripper(), ""
        elif len(self._text) > 2 * _LONGEST_MATCH:
            self._text = self._text[-_LONGEST_MATCH:]
        self._position, self._searched = start + len(data), len(self._text)
        self._text += self._stripper.feed(data, final=exit_code is not None)
        return exit_code

    def pass_over(self, match: Found) -> None:
        """Read on behind a match."""
        self._text = self._text[match.end() :]
