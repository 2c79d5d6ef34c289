"""The flag table: every verb and flag that lifecycle reads, and what each promises."""

from __future__ import annotations

from lifecycle.command.flags import container, image, other
from lifecycle.command.row import Flag, Says, Verb

__all__ = ["SPELLINGS", "UNREAD", "VERBS", "Flag", "Says", "Verb"]

VERBS: dict[str, Verb] = {v.name: v for v in (*container.VERBS, *image.VERBS, *other.VERBS)}
"""Every verb by its name."""

SPELLINGS: dict[str, Verb] = {
    spelling: verb for verb in VERBS.values() for spelling in (verb.name, *verb.aliases)
}
"""Every verb by every spelling, aliases too."""

UNREAD = frozenset(
    {
        "buildx",
        "checkpoint",
        "compose",
        "config",
        "context",
        "manifest",
        "node",
        "plugin",
        "secret",
        "service",
        "stack",
        "swarm",
        "trust",
    }
)
"""Commands of docker that exist, but that lifecycle does not read."""
