"""What the person who started the run asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lifecycle.run.session.option_rows import ROWS

GpuOption = Literal["auto", "require", "off"]


@dataclass(frozen=True)
class Options:
    """Options of ``lifecycle run`` that change what a run does.

    ``user`` is the person to act as, ``lab`` a lab file, ``sets`` pairs of ``lab.K`` and value,
    ``allow_foreign`` names that the run may touch though it did not make them.
    """

    gpu: GpuOption = "auto"
    strict: bool = False
    as_written: bool = False
    user: str = ""
    context: str = ""
    lab: str = ""
    sets: tuple[tuple[str, str], ...] = ()
    allow_foreign: frozenset[str] = frozenset()
    keep_on_failure: bool = False
    remove_pulled: bool = False
    publish: bool = False
    lang: str = ""


def options_from(given: Mapping[str, Any], prefix: str = "") -> Options:
    """The options of parsed arguments, whose names begin with a prefix."""
    return Options(
        **{row.field: row.read(given[f"{prefix}{row.key}"]) for row in ROWS if row.field}
    )
