"""GPU requests: ``--gpus``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.csv_fields import fields
from lifecycle.command.values.structured import Structured

_ALL = -1


@dataclass(frozen=True)
class GpuRequest(Structured):
    """How many GPUs, -1 for all, or which (then ``count`` is 0), and what of the driver."""

    count: int
    devices: tuple[str, ...]
    capabilities: tuple[str, ...]


def gpus(text: str) -> GpuRequest:
    """How many or which GPUs, and with which driver capabilities."""
    count: int | None = None
    devices: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ("gpu",)
    keys: set[str] = set()
    for field in fields(text):
        key = "count" if field.value is None else field.key
        value = field.key if field.value is None else field.value or ""
        if key == "count" and devices and field.value is None:
            raise _unquoted(text)
        if key in keys:
            raise ImpossibleError(f"{key} is given twice")
        keys.add(key)
        if key == "count":
            count = _count(value)
        elif key == "device":
            devices = _devices(value)
        elif key == "capabilities":
            capabilities = (*value.split(","), "gpu")
        elif key not in ("driver", "options"):
            raise ImpossibleError(f"unexpected key {key}", "count, device, capabilities are known")
    if count is not None and devices:
        raise ImpossibleError("both a count and devices", "give one of them")
    if count is None:
        count = 0 if devices else 1
    return GpuRequest(count, devices, capabilities)


def _count(text: str) -> int:
    if text == "all":
        return _ALL
    if re.fullmatch(r"[+-]?[0-9]{1,9}", text) is None or int(text) < _ALL:
        raise ImpossibleError(f"invalid count {text}", "write all, a number, or device=N")
    return int(text)


def _devices(text: str) -> tuple[str, ...]:
    devices = tuple(text.split(","))
    if not all(devices):
        raise ImpossibleError("device= names no device", "write device=0 or device=GPU-UUID")
    return devices


def _unquoted(text: str) -> ImpossibleError:
    names = text.partition("device=")[2]
    return ImpossibleError(
        f"the comma in device={names} ends the list of devices",
        f"""quote twice: --gpus '"device={names}"'""",
    )
