"""Decisions before a step: pure functions that return "because ..." or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lifecycle.command.flags import does
from lifecycle.command.line import DockerLine, Ref

Json = Mapping[str, Any]


def touched(line: DockerLine) -> frozenset[Ref]:
    """What a line would enter, change or remove."""
    return frozenset(r for r in line.destroys | line.uses if r.kind in does(line).touches)


def foreign(
    line: DockerLine, existing: Mapping[Ref, str], ours: Collection[str], allowed: Collection[str]
) -> str:
    """Why a line may not run: it names something that is there and that this run did not make.

    ``existing`` maps the refs that the engine knows to their full ids; ``ours`` are ids.
    """
    for ref in sorted(touched(line)):
        identity = existing.get(ref)
        if identity and identity not in ours and ref.name not in allowed:
            return (
                f"{ref} was not made by this run, so it is left alone "
                f"(--allow-foreign {ref.name} lifts this)"
            )
    return ""


def missing(uses: Collection[Ref], skipped: Mapping[Ref, str]) -> str:
    """Why a step can't run: a step that was skipped would have made what it uses."""
    for ref in sorted(uses):
        if ref in skipped:
            return f"{ref} was never made: {skipped[ref]}"
    return ""
