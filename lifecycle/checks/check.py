"""One compared fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

CheckStatus = Literal["kept", "broken", "unverified"]


@dataclass(frozen=True)
class Check:
    """What was expected beside what was found.

    ``about`` is read by people (``-v /nas:/workspace: writable inside``), ``source`` says where
    it was seen (``inspect .Mounts``) or, for an unverified one, why it was not.
    """

    about: str
    expected: Any
    actual: Any
    status: CheckStatus
    source: str

    def to_json(self) -> dict[str, Any]:
        """The shape of report.json's ``checks``."""
        return {
            "about": self.about,
            "expected": self.expected,
            "actual": self.actual,
            "status": self.status,
            "source": self.source,
        }


def compare(about: str, expected: Any, actual: Any, source: str) -> Check:
    """Kept when equal, broken when not."""
    return Check(about, expected, actual, "kept" if expected == actual else "broken", source)


def unverified(about: str, expected: Any, reason: str) -> Check:
    """A promise that was not observed, with the reason."""
    return Check(about, expected, None, "unverified", reason)
