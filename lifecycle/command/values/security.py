"""Values of the flags that say what a container may do, and the shapes of their promises."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lifecycle.command.values.basic import ImpossibleError, boolean
from lifecycle.command.values.promised import Promised
from lifecycle.command.values.structured import Structured
from lifecycle.text.lines import nearest

_NAMES = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG
MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM
BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
CAPABILITIES = tuple(f"CAP_{name}" for name in _NAMES.split())
"""By their bit, as linux/capability.h numbers them."""

_CDI = re.compile(r"[a-zA-Z][\w.-]*/[a-zA-Z][\w.-]*=[a-zA-Z0-9][\w.:-]*")


@dataclass(frozen=True)
class Device(Structured):
    """A device of the host, where it is inside, and what of ``rwm`` may be done with it."""

    source: str
    target: str
    permissions: str


@dataclass(frozen=True)
class CdiDevice(Structured):
    """A device by the name that a CDI file gives it."""

    cdi: str


def capability(text: str) -> str:
    """A capability in any spelling the engine takes: ``NET_ADMIN``, ``cap_net_admin``, ``ALL``."""
    name = text.upper()
    if name == "ALL":
        return name
    name = f"CAP_{name.removeprefix('CAP_')}"
    if name not in CAPABILITIES:
        near = nearest(name, CAPABILITIES).removeprefix("CAP_")
        hint = f"did you mean {near}?" if near else "man 7 capabilities"
        raise ImpossibleError(f"unknown capability {text}", hint)
    return name


def device(text: str) -> Device | CdiDevice:
    """``SOURCE[:TARGET][:PERMISSIONS]``, or the name that a CDI file gives a device."""
    if _CDI.fullmatch(text):
        return CdiDevice(text)
    source, *rest = text.split(":")
    if not source or len(rest) > 2:  # noqa: PLR2004 - a target and the permissions
        raise ImpossibleError("not a device", "write /dev/DEVICE[:/dev/NAME[:rwm]]")
    if len(rest) != 2:  # noqa: PLR2004 - both
        rest = [source, *rest] if rest and _is_mode(rest[0]) else [*(rest or [source]), "rwm"]
    target, mode = rest
    if not target.startswith("/"):
        raise ImpossibleError(f"{target or 'nothing'} is not an absolute path")
    if not _is_mode(mode):
        raise ImpossibleError(f"bad mode specified: {mode}", "r, w and m are known")
    return Device(source, posixpath.normpath(target), mode)


def _is_mode(text: str) -> bool:
    return bool(text) and set(text) <= set("rwm") and len(set(text)) == len(text)


def node(one: Device | CdiDevice) -> Iterator[Promised[str]]:
    """Where a device is inside; which ones a CDI name stands for is not in the line."""
    if isinstance(one, Device):
        yield "", one.target, ""


def option(text: str) -> tuple[str, str | bool]:
    """One ``--security-opt``: what it is about, and what it says of that.

    Of two about the same the engine takes the last; a label has parts, each with its own.
    """
    match = re.fullmatch(r"([a-z-]+)(?:[=:](.*))?", text, re.DOTALL)
    if match is None:
        raise ImpossibleError("not a security option", "write for example no-new-privileges")
    key, value = match[1], match[2]
    if key in ("no-new-privileges", "writable-cgroups"):
        return key.replace("-", "_"), boolean(value) if value is not None else True
    if key not in ("apparmor", "label", "seccomp", "systempaths"):
        known = "apparmor, label, no-new-privileges, seccomp, systempaths and writable-cgroups"
        raise ImpossibleError(f"unknown security option {key}", f"{known} are known")
    if not value or (key == "systempaths" and value != "unconfined"):
        raise ImpossibleError(f"invalid --security-opt: {text!r}", f"write {key}=unconfined")
    part, colon, _ = value.partition(":")
    return f"{key}.{part}" if key == "label" and colon else key, value


def shown_inside(setting: tuple[str, str | bool]) -> Iterator[Promised[str | bool]]:
    """What shows inside: a label and writable cgroups show only on hosts of a certain kind."""
    if not setting[0].startswith(("label", "writable_cgroups")) and setting[1] is not False:
        yield f".{setting[0]}", setting[1], ""
