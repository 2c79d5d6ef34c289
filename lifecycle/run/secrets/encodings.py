"""What a text may do to a word in it: split it over lines and colours, escape it, encode it.

A disguise is undone over the whole text at once, remembering where each character stood, so that
what is found in the plain text can be blotted out in the disguised one, however it was made.
"""

from __future__ import annotations

import base64
import html
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lifecycle.text import escapes

Span = tuple[int, int]

_DEPTH = 2
"""Disguises on top of each other that are undone: JSON within JSON, a URL within HTML."""
_SPLITS = re.compile(
    # A title that nothing ends may hold the word itself, so it is not passed over.
    f"{escapes.WHOLE}"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]+"  # line ends too: a screen's edge
)


@dataclass(frozen=True)
class Undone:
    """A text without a disguise; each piece that was changed, by where it stands now and stood."""

    text: str
    pieces: tuple[tuple[int, int, int, int], ...] = ()
    of: Undone | None = None

    def origin(self, start: int, end: int) -> Span:
        """Where a part of this text stood in the first one; a piece is taken whole."""
        begin, stop = start, end
        if self.pieces:
            begin, stop = self._stood(start)[0], self._stood(end - 1)[1]
        return self.of.origin(begin, stop) if self.of else (begin, stop)

    def _stood(self, at: int) -> Span:
        """Where the character at an offset stood."""
        index = bisect_right(self.pieces, at, key=lambda piece: piece[0]) - 1
        if index < 0:
            return at, at + 1
        _, end, first, last = self.pieces[index]
        return (first, last) if at < end else (last + at - end, last + at - end + 1)


@dataclass(frozen=True)
class Disguise:
    """Pieces of text that stand for others.

    None is there without one of the characters ``mark``; without marks they are looked for.
    """

    mark: str
    piece: re.Pattern[str]
    plain: Callable[[str], str]

    def undo(self, disguised: Undone) -> Undone | None:
        """The text with each piece made plain; None when there is none."""
        if self.mark and not any(character in disguised.text for character in self.mark):
            return None
        out: list[str] = []
        pieces: list[tuple[int, int, int, int]] = []
        done = length = 0
        for match in self.piece.finditer(disguised.text):
            plain = self.plain(match.group())
            before = length + match.start() - done
            out += [disguised.text[done : match.start()], plain]
            done, length = match.end(), before + len(plain)
            pieces.append((before, length, match.start(), done))
        out.append(disguised.text[done:])
        return Undone("".join(out), tuple(pieces), disguised) if pieces else None


def _backslashed(piece: str) -> str:
    if piece.startswith("'"):  # how a shell's quoted word holds a quote
        return "'"
    if len(piece) > len("\\n"):
        if piece.startswith("\\u"):
            return str(json.loads(f'"{piece}"'))
        numbers = re.findall(r"\\(?:x(..)|(...))", piece)
        raw = bytes(int(x, 16) if x else int(o, 8) for x, o in numbers)
        return raw.decode("utf-8", "surrogateescape")
    return piece[1:]


_SPLIT = Disguise("", _SPLITS, lambda _: "")
_ENCODED = (
    Disguise(
        "%",
        re.compile(r"(?:%[0-9A-Fa-f]{2})+"),
        lambda piece: unquote(piece, errors="surrogateescape"),
    ),
    Disguise(
        "&",
        re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"),
        html.unescape,
    ),
    Disguise(
        "\\'",
        re.compile(
            r"""'(?:\\'|"'")'"""  # a quote within a shell's quoted word
            r"|(?:\\u[0-9A-Fa-f]{4})+"
            r"|(?:\\x[0-9A-Fa-f]{2}|\\[0-3][0-7]{2})+"
            r"|\\."
        ),
        _backslashed,
    ),
)


def plain_texts(text: str) -> Iterator[Undone]:
    """The text as it is, then with its disguises undone in every order."""
    whole = Undone(text)
    yield whole
    joined = _SPLIT.undo(whole)
    layer = [joined or whole]
    yield from [joined] if joined else []
    for _ in range(_DEPTH):
        layer = [u for under in layer for d in _ENCODED if (u := d.undo(under)) is not None]
        yield from layer


def joined(text: str) -> str:
    """A word as it reads where what splits it was taken out."""
    return _SPLITS.sub("", text)


def base64_cores(word: str) -> list[str]:
    """The characters of base64 that the word alone decides, for each place it may begin at."""
    raw = word.encode("utf-8", "surrogateescape")
    cores = []
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        cores.append(coded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6])
    return cores


def same_alphabet(text: str) -> str:
    """A text whose base64 for URLs reads as the usual one."""
    return text.translate({ord("-"): "+", ord("_"): "/"})
