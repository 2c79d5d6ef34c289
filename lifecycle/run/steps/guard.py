"""Decisions before a step: pure functions that return "because ..." or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lifecycle.command.line import Ref


def missing(uses: Collection[Ref], skipped: Mapping[Ref, str]) -> str:
    """Why a step can't run: a step that was skipped would have made what it uses."""
    for ref in sorted(uses):
        if ref in skipped:
            return f"{ref} was never made: {skipped[ref]}"
    return ""
