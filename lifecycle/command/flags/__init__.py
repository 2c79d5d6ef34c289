"""The flag table: every verb and flag that lifecycle reads, and what each promises."""

from __future__ import annotations

from lifecycle.command.flag_row import LOOKS, Does, Flag, Says, Verb
from lifecycle.command.flags import container, image, other
from lifecycle.command.line import DockerLine

__all__ = ["SPELLINGS", "UNREAD", "VERBS", "Does", "Flag", "Says", "Verb", "does"]

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


def does(line: DockerLine | None) -> Does:
    """What a docker line does to an engine's things."""
    return VERBS[line.verb].does if line else LOOKS
