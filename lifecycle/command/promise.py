"""The value that a docker line is held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from lifecycle.command.line import Ref
from lifecycle.command.values.basic import RestartPolicy
from lifecycle.command.values.changes import Change
from lifecycle.command.values.gpus import GpuRequest
from lifecycle.command.values.limits import DeviceRate, Ulimit
from lifecycle.command.values.logs import LogsOptions
from lifecycle.command.values.mounts import BindEnds, Mount, MountAccess, MountOption, VolumesFrom
from lifecycle.command.values.networks import ExtraHost, Link, NetworkAlias
from lifecycle.command.values.ports import PublishedPort
from lifecycle.command.values.security import CdiDevice, Device
from lifecycle.command.values.structured import as_json

Where = Literal["inspect", "inside", "host"]

ReadFile = Callable[[str], str | None]
"""Gives the text of a file that a line names, or None."""

Expected = (
    bool
    | int
    | str
    | tuple[str, ...]
    | None
    | BindEnds
    | CdiDevice
    | Change
    | Device
    | DeviceRate
    | ExtraHost
    | GpuRequest
    | Link
    | LogsOptions
    | Mount
    | MountAccess
    | MountOption
    | NetworkAlias
    | PublishedPort
    | RestartPolicy
    | Ulimit
    | VolumesFrom
)
"""What a promise may expect; None where the line leaves the value to the caller."""

_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Promise:
    """One thing a line commits the daemon to.

    ``flag`` is what was written (``-v``, or the verb for what the verb itself promises),
    ``field`` a dotted name listed in ``docs/reference/promises.md``, ``expected`` of the one type
    that the field's values have, ``where`` the place it is observed, ``about`` the thing it is
    said of, ``unverified`` a reason known from the line alone why it can't be observed: then
    ``expected`` may be the text as written.
    """

    flag: str
    field: str
    expected: Expected
    where: Where
    about: Ref | None = None
    unverified: str = ""

    def expected_as(self, kind: type[_Kind]) -> _Kind:
        """What is expected, by who knows the field's type; raises TypeError where it is another."""
        if not isinstance(self.expected, kind):
            message = f"{self.field} of {self.flag} is no {kind.__name__}: {self.expected!r}"
            raise TypeError(message)
        return self.expected

    def to_json(self) -> dict[str, Any]:
        """The shape of ``lifecycle promises --json``."""
        made = {
            "flag": self.flag,
            "field": self.field,
            "expected": as_json(self.expected),
            "where": self.where,
        }
        return {**made, "unverified": self.unverified} if self.unverified else made


class UnclearError(Exception):
    """The Dockerfile does not say it by itself; the message is the reason."""
