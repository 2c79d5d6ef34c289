"""The shapes of promises about how a container lives, and in which namespaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lifecycle.command.values.promised import Promised


def whose(mode: str) -> Iterator[Promised[str]]:
    """Whether a namespace is the machine's or the container's; another container's is neither."""
    if mode and not mode.startswith("container:"):
        yield "", "host" if mode == "host" else "private", ""


def watched(command: str) -> Iterator[Promised[bool]]:
    """The engine runs a health command as long as the container runs."""
    if command:
        yield "", True, ""


def setting(name: str) -> Callable[[int], Iterator[Promised[int]]]:
    """A setting of the health check, by its name; zero is the engine's own."""

    def shape(value: int) -> Iterator[Promised[int]]:
        if value:
            yield f".{name}", value, ""

    return shape
