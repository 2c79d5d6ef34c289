"""What diagnosis starts from, and what it comes to: values that every layer above may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Who = Literal["user", "admin"]


@dataclass(frozen=True)
class Remedy:
    """Something a person can do: ``who`` can do it, ``do`` is a sentence, ``commands`` to type."""

    who: Who
    do: str
    commands: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The shape of report.json's ``remedies``."""
        return {"who": self.who, "do": self.do, "commands": list(self.commands)}


@dataclass(frozen=True)
class Finding:
    """A diagnosed cause: stable id, cause, evidence (facts looked up, one a line), remedies."""

    id: str
    cause: str
    evidence: tuple[str, ...]
    remedies: tuple[Remedy, ...]

    def with_texts(self, change: Callable[[str], str]) -> Finding:
        """The same finding with every text changed (written names, no secrets)."""
        remedies = tuple(
            Remedy(r.who, change(r.do), tuple(map(change, r.commands))) for r in self.remedies
        )
        return Finding(self.id, change(self.cause), tuple(map(change, self.evidence)), remedies)

    def to_json(self) -> dict[str, Any]:
        """The shape of report.json's ``findings``."""
        return {
            "id": self.id,
            "cause": self.cause,
            "evidence": list(self.evidence),
            "remedies": [r.to_json() for r in self.remedies],
        }


@dataclass(frozen=True)
class Symptom:
    """What diagnosis starts from: the words run, their exit code, and all they printed.

    Where the cause is known, ``finding`` is the id of the finding, or of the first of several that
    the machine's facts tell apart, and ``caught`` has what its texts name (``{"source": "/nas"}``).
    ``printed`` is false where the output is of our own wording; ``uid`` is who wrote it inside a
    container, where that is known; ``observed`` are sentences of what we saw of the engine.
    """

    output: str = ""
    words: tuple[str, ...] = ()
    exit_code: int | None = None
    finding: str = ""
    caught: Mapping[str, str] = field(default_factory=dict)
    printed: bool = True
    uid: int | None = None
    observed: tuple[str, ...] = ()
