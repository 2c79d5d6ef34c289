"""One compared fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lifecycle.command.values.structured import as_json

CheckStatus = Literal["kept", "broken", "unverified"]
GpuKind = Literal["real", "simulated"]


@dataclass(frozen=True)
class Check:
    """What was expected beside what was found.

    ``about`` is read by people (``-v /nas:/workspace: writable inside``), ``source`` says where
    it was seen (``inspect .Mounts``) or, for an unverified one, why it was not. ``expected`` and
    ``actual`` are JSON values. ``gpu`` is set where it is about GPUs that a program was to see,
    and says of which kind they are.
    """

    about: str
    expected: Any
    actual: Any
    status: CheckStatus
    source: str
    gpu: GpuKind | None = None

    def to_json(self) -> dict[str, Any]:
        """The shape of report.json's ``checks``."""
        return {
            "about": self.about,
            "expected": self.expected,
            "actual": self.actual,
            "status": self.status,
            "source": self.source,
            "gpu": self.gpu,
        }


def compare(
    about: str, expected: Any, actual: Any, source: str, gpu: GpuKind | None = None
) -> Check:
    """Kept when equal, broken when not."""
    expected, actual = as_json(expected), as_json(actual)
    status: CheckStatus = "kept" if expected == actual else "broken"
    return Check(about, expected, actual, status, source, gpu)


def unverified(about: str, expected: Any, reason: str, gpu: GpuKind | None = None) -> Check:
    """A promise that was not observed, with the reason."""
    return Check(about, as_json(expected), None, "unverified", reason, gpu)
