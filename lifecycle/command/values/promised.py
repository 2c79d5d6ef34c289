"""What the shape of a flag makes of its value."""

from __future__ import annotations

from typing import TypeVar

_Expected = TypeVar("_Expected")

Promised = tuple[str, _Expected, str]
"""One promise of a value: suffix of the field, expected, why it can't be observed (or "")."""
