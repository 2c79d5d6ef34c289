"""The promises of each line that made a container: a later start must keep them again."""

from __future__ import annotations

from lifecycle.command.promise import Promise
from lifecycle.run.plan.steps import PlannedStep

_ONCE = tuple(f"container.{word}" for word in ("state", "started", "exists", "removed", "image"))
"""Fields that are true of the making alone."""


class MadeByLines:
    """The promises of containers by their written names."""

    def __init__(self) -> None:
        self._promises: dict[str, tuple[Promise, ...]] = {}

    def of(self, container: str) -> tuple[Promise, ...]:
        """The promises of a container's line that last as long as the container."""
        return self._promises.get(container, ())

    def add(self, planned: PlannedStep) -> None:
        """Remember what a step's line did: it made a container, or gave it another name."""
        line = planned.line
        if planned.does.makes == "container":
            self._promises[planned.container] = tuple(
                p for p in planned.promises if not p.field.startswith(_ONCE)
            )
        if line is not None and line.verb == "rename" and len(line.args) == 2:  # noqa: PLR2004 - OLD NEW
            old, new = line.args
            self._promises[new] = self._promises.pop(old, ())
