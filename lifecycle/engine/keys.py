"""The keys that a person can press, by name."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence

KEYS: Mapping[str, bytes] = {
    **{f"ctrl-{letter}": bytes([ord(letter) - 96]) for letter in string.ascii_lowercase},
    "ctrl-\\": b"\x1c",
    "ctrl-]": b"\x1d",
    "enter": b"\r",
    "tab": b"\t",
    "esc": b"\x1b",
    "space": b" ",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "page-up": b"\x1b[5~",
    "page-down": b"\x1b[6~",
}
"""The names of keys; any single character is a key too."""


def known_key(name: str) -> bool:
    """Whether there is a key of that name."""
    return len(name) == 1 or name in KEYS


def known_keys() -> str:
    """All that can be pressed, for a message."""
    named = [name for name in KEYS if not (name.startswith("ctrl-") and name[-1].isalpha())]
    return ", ".join(["any single character", "ctrl-a to ctrl-z", *named])


def key_bytes(keys: Sequence[str]) -> bytes:
    """What a terminal gets when these keys are pressed one after the other."""
    return b"".join(KEYS.get(key) or key.encode() for key in keys)
