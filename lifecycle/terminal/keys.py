"""The keys that a person can press, by name, and what a terminal gets for each."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence

CONTROLS: Mapping[str, bytes] = {
    f"ctrl-{sign}": bytes([code]) for code, sign in enumerate(f"@{string.ascii_lowercase}[\\]^_")
}
_CURSOR = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
KEYS: Mapping[str, bytes] = {
    **CONTROLS,
    "enter": b"\r",
    "tab": b"\t",
    "escape": b"\x1b",
    "space": b" ",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    **{name: f"\x1b[{final}".encode() for name, final in _CURSOR.items()},
    "page-up": b"\x1b[5~",
    "page-down": b"\x1b[6~",
}
"""The keys that have names; any single character is a key too."""


def known_key(name: str) -> bool:
    """Whether there is a key of that name."""
    return (len(name) == 1 and name.isprintable()) or name in KEYS


def known_keys() -> str:
    """All that can be pressed, for a message."""
    named = [name for name in KEYS if not (name.startswith("ctrl-") and name[-1].isalpha())]
    return ", ".join(["any single character", "ctrl-a to ctrl-z", *named])


def key_bytes(keys: Sequence[str], *, application: bool = False) -> bytes:
    """What a terminal gets when these keys are pressed one after the other.

    ``application`` is the mode of the cursor keys that vim, less and top ask for.
    """
    cursor = {name: f"\x1bO{final}".encode() for name, final in _CURSOR.items()}
    sent = {**KEYS, **cursor} if application else KEYS
    return b"".join(sent.get(key) or key.encode() for key in keys)
