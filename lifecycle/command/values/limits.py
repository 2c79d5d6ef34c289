"""Values of the flags that limit what a container may use, and the shapes of their promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lifecycle.command.values.basic import ImpossibleError, integer
from lifecycle.command.values.promised import Promised
from lifecycle.command.values.structured import Structured

_CPU_LIST = re.compile(r"[0-9]+(?:-[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*")
_ULIMITS = (
    *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile"),
    *("nproc", "rss", "rtprio", "rttime", "sigpending", "stack"),
)


@dataclass(frozen=True)
class Ulimit(Structured):
    """Both limits of one type; -1 is none."""

    soft: int
    hard: int


@dataclass(frozen=True)
class DeviceRate(Structured):
    """What one device may do: bytes or operations a second, or a weight."""

    device: str
    rate: int


def when_set(limit: int) -> Iterator[Promised[int]]:
    """A limit of zero is none: it is the engine's own default, and nothing is written inside."""
    if limit:
        yield "", limit, ""


def when_not_default(limit: int) -> Iterator[Promised[int]]:
    """A limit for which -1 is the engine's own default."""
    if limit >= 0:
        yield "", limit, ""


def count(text: str) -> int:
    """A limit on a number of things: zero, and all below it, is none."""
    return max(0, integer(text))


def cpu_list(text: str) -> str:
    """A list of CPUs or memory nodes: ``0-2,4``; an empty one asks for nothing."""
    if text and _CPU_LIST.fullmatch(text) is None:
        raise ImpossibleError("not a list of numbers", "write for example 0-2,4")
    return text


def in_list(text: str) -> set[int]:
    """The numbers of such a list."""
    numbers: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        low, _, high = part.partition("-")
        numbers.update(range(int(low), int(high or low) + 1))
    return numbers


def ulimit(text: str) -> tuple[str, Ulimit]:
    """``TYPE=SOFT[:HARD]``: the type, and both limits; -1 is none."""
    name, equals, limits = text.partition("=")
    if not equals:
        raise ImpossibleError("not TYPE=SOFT[:HARD]", "write for example nofile=1024:2048")
    if name not in _ULIMITS:
        raise ImpossibleError(
            f"invalid ulimit type {name}", f"{', '.join(sorted(_ULIMITS))} are known"
        )
    soft, colon, hard = limits.partition(":")
    low, high = _limit(soft), _limit(hard) if colon else None
    if high is not None and high != -1 and (low == -1 or low > high):
        raise ImpossibleError(f"the soft limit {soft} is more than the hard limit {hard}")
    return name, Ulimit(low, low if high is None else high)


def _limit(text: str) -> int:
    if re.fullmatch(r"[+-]?[0-9]{1,19}", text) is None:
        raise ImpossibleError("a limit is a whole number, or -1 for none")
    return int(text)


def device_rate(read: Callable[[str], int]) -> Callable[[str], DeviceRate]:
    """A reader of ``/dev/DEVICE:RATE``."""

    def check(text: str) -> DeviceRate:
        device, colon, rate = text.partition(":")
        if not colon or not device.startswith("/dev/"):
            raise ImpossibleError("not /dev/DEVICE:NUMBER")
        return DeviceRate(device, read(rate))

    return check
