"""Values of several parts, and the one way from any value to JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Structured:
    """A value of several parts, each of which is a field."""

    def to_json(self) -> dict[str, Any]:
        """A mapping of the fields' names, in their order; a list for each tuple."""
        return {f.name: as_json(getattr(self, f.name)) for f in fields(self)}


def as_json(value: Any) -> Any:
    """A value as reports and programs read it; JSON stays as it is."""
    if isinstance(value, Structured):
        return value.to_json()
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    return value
