"""Which machine this is, which boot of it, and which process ids count here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_MACHINE = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_BOOT = "/proc/sys/kernel/random/boot_id"
_PIDS = "/proc/self/ns/pid"
_ID = re.compile("[0-9a-f]{32}")
ONE_BOOT = "boot."
"""Begins the name of a machine that has no id of its own: only its boot tells it from others."""


def machine() -> dict[str, str]:
    """This machine, its boot, and the namespace in which our process ids mean something.

    What can't be told is empty, and empty is the same as nothing. An empty machine-id, as images
    and network boots have it, would make all machines one: the boot stands for the machine there.
    """
    boot = _read(_BOOT)
    known = next((i for i in map(_read, _MACHINE) if _ID.fullmatch(i) and i.strip("0")), "")
    pids = ""
    with suppress(OSError):
        pids = str(Path(_PIDS).readlink())
    return {"machine": known or (boot and ONE_BOOT + boot), "boot": boot, "pids": pids}


def is_here(written: Mapping[str, object], *keys: str) -> bool:
    """Whether these keys of a written ``machine`` have this machine's values."""
    here = machine()
    return all(here[key] and written.get(key) == here[key] for key in keys)


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
