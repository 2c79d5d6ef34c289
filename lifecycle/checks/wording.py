"""How a promise is named to people."""

from __future__ import annotations

from typing import Any

from lifecycle.checks.check import GpuKind
from lifecycle.command.promise import Promise, Where
from lifecycle.command.values.structured import as_json

_WHERE: dict[Where, str] = {
    "inspect": "",
    "inside": " (seen inside)",
    "host": " (seen from outside)",
}


def about(promise: Promise, row: str, detail: str = "") -> str:
    """``-v: my_test_c: /workspace is mounted``: flag, thing, and the checked claim.

    ``row`` is the field whose rule judges it; what follows it is a name that the author chose.
    """
    thing = f"{promise.about.name}: " if promise.about and promise.about.name else ""
    return f"{promise.flag}: {thing}{detail or _field_in_words(promise.field, row)}"


def seen_at(place: Where) -> str:
    """The part of a check's name that says where we looked."""
    return _WHERE[place]


def simulated(gpu: GpuKind | None) -> str:
    """What the name of a check says of GPUs that are none."""
    return " [SIMULATED]" if gpu == "simulated" else ""


def _field_in_words(field: str, row: str) -> str:
    kind, _, rest = field.partition(".")
    if kind == "flag":
        return f"the promise of --{rest}"
    what, key = (row, field[len(row) + 1 :]) if row else (field, "")
    words = what.partition(".")[2].replace(".", " ").replace("_", " ")
    return f"{words} {key}".rstrip()


def shown(value: Any) -> str:
    """A value in one short line."""
    plain = as_json(value)
    if isinstance(plain, dict):
        return ", ".join(f"{k} {shown(v)}" for k, v in plain.items())
    if isinstance(plain, list):
        return " ".join(str(v) for v in plain)
    return str(plain)
