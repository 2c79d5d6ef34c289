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
_KEYED = frozenset({"annotations", "build_arg", "env", "labels", "options", "sysctl"})
"""Fields that end with a name which the author chose."""


def about(promise: Promise, detail: str = "") -> str:
    """``-v: my_test_c: /workspace is mounted``: flag, thing, and the checked claim."""
    thing = f"{promise.about.name}: " if promise.about and promise.about.name else ""
    return f"{promise.flag}: {thing}{detail or _field_in_words(promise.field)}"


def seen_at(place: Where) -> str:
    """The part of a check's name that says where we looked."""
    return _WHERE[place]


def simulated(gpu: GpuKind | None) -> str:
    """What the name of a check says of GPUs that are none."""
    return " [SIMULATED]" if gpu == "simulated" else ""


def _field_in_words(field: str) -> str:
    kind, _, rest = field.partition(".")
    what, _, key = rest.partition(".")
    if what in _KEYED and key:
        return f"{what.replace('_', ' ')} {key}"
    what = rest.replace(".", " ").replace("_", " ")
    return f"the promise of --{rest}" if kind == "flag" else what


def shown(value: Any) -> str:
    """A value in one short line."""
    plain = as_json(value)
    if isinstance(plain, dict):
        return ", ".join(f"{k} {shown(v)}" for k, v in plain.items())
    if isinstance(plain, list):
        return " ".join(str(v) for v in plain)
    return str(plain)
