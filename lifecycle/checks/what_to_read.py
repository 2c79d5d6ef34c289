"""What a look inside must read for promises: only that is read, so that a look stays cheap."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace

from lifecycle.checks.rules import Rule
from lifecycle.checks.table import RULES, row_of
from lifecycle.command.promise import Promise
from lifecycle.facts.inside import Probe, merged


def probe_for(promises: Iterable[Promise], *, write: bool) -> Probe:
    """What one look inside must cover for these promises; ``write`` allows trying writes."""
    needed = merged(*(_reads(promise) for promise in promises))
    return replace(
        needed,
        token=secrets.token_hex(4) if write else "",
        write_in=tuple(t for t in needed.write_in if t not in needed.keep_in),
    )


def _reads(promise: Promise) -> Probe:
    rule = RULES.get(row_of(promise.field))
    return rule.reads(promise) if isinstance(rule, Rule) else Probe()
