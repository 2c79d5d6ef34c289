"""What a terminal's bytes mean: plain text to search in."""

from __future__ import annotations

import codecs
import re

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


class Decoder:
    """Bytes to text, holding back a character or sequence that has not come to its end."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""

    def feed(self, data: bytes, *, final: bool = False) -> str:
        """The text of the next piece; ``final`` gives out what was held back."""
        text = self._pending + self._utf8.decode(data, final)
        self._pending = ""
        unfinished = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_SEQUENCE))
        if unfinished and not final:
            self._pending = text[unfinished.start() :]
            text = text[: unfinished.start()]
        return text


class Stripper:
    """Terminal output, piece by piece, to plain text: no escape sequences, lines end in LF.

    A carriage return alone begins a line too, so each state of a progress bar is a line.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()

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
