"""The keys that detach a terminal: the line's own, or Docker's."""

from __future__ import annotations

from lifecycle.command.line import DockerLine
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.terminal.keys import CONTROLS
from lifecycle.text.lines import nearest

DEFAULT = "ctrl-p,ctrl-q"
_DELETE = "DEL"


def read(text: str) -> bytes:
    """What a terminal gets for ``ctrl-a``, ``a,b`` or ``ctrl-@,DEL``; nothing means the default."""
    return b"".join(map(_key, (text or DEFAULT).split(",")))


def keys_of(line: DockerLine, usual: str = "") -> bytes:
    """What must be typed, one key after the other, to leave what the line has opened.

    ``usual`` are the person's own keys, where their CLI's configuration names some.
    """
    return read(line.last("--detach-keys") or usual)


def _key(name: str) -> bytes:
    if len(name.encode("utf-8", "replace")) == 1:
        return name.encode()
    if name == _DELETE:
        return b"\x7f"
    if name not in CONTROLS:
        near = nearest(name.lower().replace("+", "-").replace("^", "ctrl-"), [*CONTROLS])
        hint = f"; did you mean {near}" if near else ""
        raise ImpossibleError(
            f"`{name}` is not a key",
            "keys are single characters, ctrl-a to ctrl-z, ctrl-@, ctrl-[, ctrl-\\, ctrl-], "
            f"ctrl-^, ctrl-_ and DEL, separated by commas{hint}",
        )
    return CONTROLS[name]
