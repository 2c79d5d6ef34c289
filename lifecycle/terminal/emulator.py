"""What a terminal's bytes mean: plain text to search in, and the picture a person would see."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import deque
from collections.abc import Mapping
from typing import Any

import pyte
from wcwidth import wcwidth

from lifecycle.terminal.styled_screen import Picture, picture, row_text

HISTORY_LINES = 200
"""Lines that scrolled off the top and are still part of the screen's text."""

_APPLICATION_KEYS = 1 << 5  # DECCKM, a private mode, which pyte keeps shifted

# A sequence that never ends (binary output) must not swallow what follows it.
_LONGEST_SEQUENCE = 4096

_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*(?:[@-~]|\Z)"  # CSI: colours, cursor, modes
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC
    r"|[ -/]*[0-~])"
)
_UNFINISHED = re.compile(
    r"(?:\r+|\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*))\Z"
)
# Controls of one byte that carry no text, but BEL and ESC, which belong to sequences.
_CONTROLS = bytes(c for c in (*range(0x20), 0x7F) if c not in b"\a\t\n\r\x1b")
_C1 = re.compile(r"[\x80-\x9f]")
# What pyte would draw as text or stumble over: strings, C1 controls, sequences private to xterm.
_NOT_FOR_PYTE = re.compile(
    r"\x1b(?:[PX^_\]][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\[[<=>][0-?]*[ -/]*[@-~]|\[\?[0-?]*[ -/]*[@-gi-km-~]|\[[0-?]*[ -/]+[@-~])"
    r"|[\x80-\x9f]"
)


class _Decoder:
    """Bytes to text, holding back a character or sequence that has not come to its end."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""

    def feed(self, data: bytes, *, final: bool = False) -> str:
        text = self._pending + self._utf8.decode(data, final)
        self._pending = ""
        held = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_SEQUENCE))
        if held and not final:
            self._pending = text[held.start() :]
            text = text[: held.start()]
        return text


class Stripper:
    """Terminal output, piece by piece, to plain text: no escape sequences, lines end in LF.

    A carriage return alone begins a line too, so each state of a progress bar is a line.
    """

    def __init__(self) -> None:
        self._decoder = _Decoder()

    def feed(self, data: bytes, *, final: bool = False) -> str:
        """The text of the next piece; ``final`` gives out what was held back."""
        data = data.translate(None, _CONTROLS)
        text = _SEQUENCE.sub("", self._decoder.feed(data, final=final))
        text = re.sub(r"\r+\n", "\n", text).replace("\r", "\n")
        text = text.replace("\a", "").replace("\x1b", "")
        return text if text.isascii() else _C1.sub("", text)


def strip(data: bytes) -> str:
    """The plain text of terminal output that is complete."""
    return Stripper().feed(data, final=True)


class Emulator:
    """A screen that bytes are fed to, with a history of what scrolled off it."""

    def __init__(self, rows: int, cols: int) -> None:
        self._screen = _Screen(cols, rows)
        self.reset()

    def reset(self) -> None:
        """A blank screen, of the same size."""
        self._decoder = _Decoder()
        self._screen.reset()
        self._screen.forget()
        self._stream = pyte.Stream(self._screen)

    def resize(self, rows: int, cols: int) -> None:
        """Another size; what no longer fits is lost from the top and the right."""
        self._screen.resize(rows, cols)
        self._screen.ensure_vbounds()
        self._screen.ensure_hbounds()

    def feed(self, data: bytes) -> None:
        """Draw more output."""
        text = _NOT_FOR_PYTE.sub("", self._decoder.feed(data))
        for line in text.splitlines(keepends=True):
            try:
                self._stream.feed(line)
            except Exception:  # noqa: BLE001 - pyte raises whatever a hostile sequence leads to
                self._stream = pyte.Stream(self._screen)

    @property
    def application_keys(self) -> bool:
        """Whether the program has asked for the other bytes of the cursor keys."""
        return _APPLICATION_KEYS in self._screen.mode

    def text(self) -> str:
        """History and screen as text, without the blank ends of lines and of the screen."""
        return "\n".join(map(row_text, self._screen.seen())).rstrip()

    def picture(self, lost: int = 0) -> Picture:
        """The same as it looked; ``lost`` bytes were never drawn."""
        return picture(self._screen.seen(), lost + self._screen.lost)


_Line = Mapping[int, pyte.screens.Char]


class _Screen(pyte.Screen):
    """pyte's screen with a history, and with the alternate screen of vim, less and top."""

    _ALTERNATE = frozenset({47, 1047, 1049})

    def __init__(self, columns: int, lines: int) -> None:
        self._history: deque[_Line] = deque()
        self._main: tuple[dict[int, Any], int, int] | None = None
        self.lost = 0
        super().__init__(columns, lines)

    def seen(self) -> list[_Line]:
        """The lines of the screen, below those that scrolled off the main one last."""
        above = self._history if self._main is None else ()
        return [*above, *(self.buffer[y] for y in range(self.lines))]

    def forget(self) -> None:
        """Forget what scrolled off."""
        self._history.clear()
        self.lost = 0

    def reset(self) -> None:
        self._main = None
        super().reset()

    def index(self) -> None:
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y == bottom and top == 0 and self._main is None:
            self._history.append(self.buffer[0])
            if len(self._history) > HISTORY_LINES:
                self.lost += len(row_text(self._history.popleft()).encode()) + 1
        super().index()

    def draw(self, data: str) -> None:
        # pyte drops the rest of the text at a character of no width (emoji have them).
        if not data.isascii():
            data = "".join(c for c in data if wcwidth(c) > 0 or unicodedata.combining(c))
        super().draw(data)

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        if kwargs.get("private") and self._ALTERNATE & set(modes) and self._main is None:
            self._main = (dict(self.buffer), self.cursor.y, self.cursor.x)
            self.buffer.clear()
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        super().reset_mode(*modes, **kwargs)
        if kwargs.get("private") and self._ALTERNATE & set(modes) and self._main is not None:
            lines, y, x = self._main
            self._main = None
            self.buffer.clear()
            self.buffer.update(lines)
            self.cursor_position(y + 1, x + 1)
