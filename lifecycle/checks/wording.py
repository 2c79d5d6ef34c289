"""How a promise is named to people."""

from __future__ import annotations

from typing import Any

from lifecycle.command.promise import Promise

_WHERE = {"inspect": "", "inside": " (inside)", "host": " (from outside)"}


def about(promise: Promise, detail: str = "") -> str:
    """``-v /nas:/workspace: mounted (inside)``: the flag, what it promises, where it is seen."""
    subject = f" of {promise.about.name}" if promise.about and promise.about.name else ""
    what = detail or promise.field.partition(".")[2].replace("_", " ").replace(".", " ")
    kind = promise.field.partition(".")[0]
    return f"{promise.flag}: {kind} {what}{subject}{_WHERE[promise.where]}"


def shown(value: Any) -> str:
    """A value in one short line."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {shown(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return " ".join(str(v) for v in value)
    return str(value)
