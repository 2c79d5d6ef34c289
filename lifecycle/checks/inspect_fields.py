"""What the engine says it was asked for, and where the facts of a container's first process are."""

from __future__ import annotations

from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, Judge
from lifecycle.command.promise import Promise
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.text.json_object import Json


def host_config(c: ContainerFacts) -> Json:
    """``.HostConfig`` of the freshest inspect."""
    return dict((c.inspect or {})["HostConfig"])


def from_inspect(promise: Promise, actual: Any, field: str) -> Check:
    """A promise compared with a field of the inspect."""
    return compare(PHRASE, promise.expected, actual, f"inspect .{field}")


def value(doc: str, key: str, unset: Any = "") -> Judge:
    """A judge of one field of HostConfig; ``unset`` is what its absence means."""

    def check(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
        actual = host_config(c).get(key)
        return from_inspect(promise, unset if actual is None else actual, f"HostConfig.{key}")

    check.__doc__ = doc
    return check


def held_in(doc: str, *path: str) -> Judge:
    """A judge of one key of a mapping in the inspect; the promise's field ends with the key."""

    def check(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
        section: Any = c.inspect or {}
        for step in path:
            section = section.get(step) or {}
        key = keyed(promise)
        return from_inspect(promise, section.get(key), f"{'.'.join(path)} {key}")

    check.__doc__ = doc
    return check


def keyed(promise: Promise) -> str:
    """The key that ends a promise's field: ``net.core.somaxconn`` of ``container.sysctl...``."""
    return promise.field.split(".", 2)[2]


def first_process(c: ContainerFacts, file: str) -> tuple[str, str]:
    """A file of the first process's /proc, and its text.

    Where the container has no process numbers of its own, number 1 is another's: then it is
    read of the look inside, which the engine starts with the same settings.
    """
    process = "self" if host_config(c).get("PidMode") else "1"
    path = f"/proc/{process}/{file}"
    return path, c.inside.proc.get(path, "")


def not_seen(promise: Promise, c: ContainerFacts, *paths: str) -> Check:
    """A promise whose file inside, any of these, could not be read."""
    reason = c.inside.hides(paths[0]) or f"{' or '.join(paths)} can't be read inside"
    return unverified(PHRASE, promise.expected, reason)
