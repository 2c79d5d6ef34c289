"""Messages of BuildKit's, as a client or an engine writes them."""

from __future__ import annotations

from collections.abc import Mapping


def number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def field(at: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return number(at << 3) + number(value)
    data = value.encode() if isinstance(value, str) else value
    return number(at << 3 | 2) + number(len(data)) + data


def mapped(at: int, values: Mapping[str, str]) -> bytes:
    return b"".join(field(at, field(1, key) + field(2, value)) for key, value in values.items())


def export(kind: str, at: int = 13, **attributes: str) -> bytes:
    """One export of a build: ``at`` is 13, or 3 for the fields of old clients."""
    named = {key.replace("_", "-"): value for key, value in attributes.items()}
    if at == 3:
        return field(3, kind) + mapped(4, named)
    return field(at, field(1, kind) + mapped(2, named))


def solve(*parts: bytes, ref: str = "build1") -> bytes:
    return field(1, ref) + field(6, "dockerfile.v0") + b"".join(parts)


def cache(kind: str, **attributes: str) -> bytes:
    return field(8, field(4, field(1, kind) + mapped(2, attributes)))


def solved(**told: str) -> bytes:
    """An answer; the names' underscores are dots."""
    return mapped(1, {key.replace("_", "."): value for key, value in told.items()})
