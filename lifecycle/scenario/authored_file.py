"""A file that an author or an admin wrote, read whole or refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lifecycle.machine.regular_files import MAX_SIZE, beginning
from lifecycle.scenario.errors import Mark, ScenarioError


def content(path: Path, what: str, read: Callable[[str, int], bytes] = beginning) -> bytes:
    """Read a file that an author or an admin wrote; raises ScenarioError where nobody can."""
    start = Mark(str(path), 1, 1)
    try:
        data = read(str(path), MAX_SIZE + 1)
    except FileNotFoundError:
        there = "a link that leads nowhere" if path.is_symlink() else "no such file"
        raise ScenarioError(start, there, what) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ScenarioError(start, reason, f"{what} that can be read") from None
    if len(data) > MAX_SIZE:
        raise ScenarioError(start, "a file of more than 1 MiB", f"{what}; they are short")
    return data
