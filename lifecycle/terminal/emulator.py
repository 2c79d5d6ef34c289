"""What a terminal's bytes mean: the picture that a person would see."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Mapping
from typing import Any

import pyte
from wcwidth import wcwidth

from lifecycle.terminal.plain_text import Decoder
from lifecycle.terminal.styled_screen import Picture, picture, row_text

HISTORY_LINES = 200
"""Lines that scrolled off the top and are still part of the screen's text."""

_APPLICATION_KEYS = 1 << 5  # DECCKM, a private mode, which pyte keeps shifted

# What pyte would draw as text or stumble over: strings, C1 controls, sequences private to xterm.
_NOT_FOR_PYTE = re.compile(
    r"\x1b(?:[PX^_\]][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\[[<=>][0-?]*[ -/]*[@-~]|\[\?[0-?]*[ -/]*[@-gi-km-~]|\[[0-?]*[ -/]+[@-~])"
    r"|[\x80-\x9f]"
)


class Emulator:
    """A screen that bytes are fed to, with a history of what scrolled off it."""

    def __init__(self, rows: int, cols: int) -> None:
        self._screen = _Screen(cols, rows)
        self.reset()

    def reset(self) -> None:
        """A blank screen, of the same size."""
        self._decoder = Decoder()
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
        return "\n".join(map(row_text, self._screen.all_rows())).rstrip()

    def picture(self, lost: int = 0) -> Picture:
        """The same as it looked; ``lost`` bytes were never drawn."""
        return picture(self._screen.all_rows(), lost + self._screen.lost)


_Line = Mapping[int, pyte.screens.Char]


class _Screen(pyte.Screen):
    """pyte's screen with a history, and with the alternate screen of vim, less and top."""

    _ALTERNATE = frozenset({47, 1047, 1049})

    def __init__(self, columns: int, lines: int) -> None:
        self._history: deque[_Line] = deque()
        self._main: tuple[dict[int, Any], int, int] | None = None
        self.lost = 0
        super().__init__(columns, lines)

    def all_rows(self) -> list[_Line]:
        """The lines of the screen, below the last ones that scrolled off the main screen."""
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
