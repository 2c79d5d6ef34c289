"""The shapes of promises about how a container lives, and in which namespaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lifecycle.command.values.said import Said


def whose(mode: str) -> Iterator[Said[str]]:
    """Whether a namespace is the machine's or the container's; another container's is neither."""
    if mode and not mode.startswith("container:"):
        yield "", "host" if mode == "host" else "private", ""


def watched(command: str) -> Iterator[Said[bool]]:
    """A health command is asked for as long as the container runs."""
    if command:
        yield "", True, ""


def setting(name: str) -> Callable[[int], Iterator[Said[int]]]:
    """A setting of the health check, by its name; zero is the engine's own."""

    def shape(held: int) -> Iterator[Said[int]]:
        if held:
            yield f".{name}", held, ""

    return shape
