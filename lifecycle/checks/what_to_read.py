"""What a look inside must read for a promise: only that is read, so that a look stays cheap."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from lifecycle.checks import limits, network, security
from lifecycle.checks.inspect_fields import keyed
from lifecycle.checks.namespaces import CGROUP_FILE, KERNEL_NAMES
from lifecycle.command.promise import Promise
from lifecycle.command.values.mounts import BindEnds, MountAccess
from lifecycle.facts.inside import Probe


def _of_process(file: str) -> tuple[str, str]:
    """A file of the first process, and of the look itself where number 1 is another's."""
    return f"/proc/1/{file}", f"/proc/self/{file}"


_STATUS = _of_process("status")
_FILES: Mapping[str, tuple[str, ...]] = {
    **{field: limit.paths for field, limit in limits.LIMITS.items()},
    **{field: limit.paths for field, limit in limits.DEVICE_LIMITS.items()},
    "container.cap_add": (*_STATUS, security.LAST_CAPABILITY),
    "container.cap_drop": (*_STATUS, security.LAST_CAPABILITY),
    "container.cgroup_parent": (CGROUP_FILE,),
    "container.cpuset_cpus": limits.cpuset_files("cpus"),
    "container.cpuset_mems": limits.cpuset_files("mems"),
    "container.device_rule": (security.DEVICES_LIST,),
    "container.oom_kill_disable": (limits.OOM_CONTROL,),
    "container.oom_score_adj": _of_process("oom_score_adj"),
    "container.privileged": (*_STATUS, security.LAST_CAPABILITY),
    "container.security.apparmor": _of_process("attr/current"),
    "container.security.no_new_privileges": _STATUS,
    "container.security.seccomp": _STATUS,
}


def probe_for(promises: Iterable[Promise], *, write: bool) -> Probe:
    """What one look inside must cover for these promises; ``write`` allows trying writes."""
    wanted = list(promises)
    targets = [p.expected.target for p in wanted if isinstance(p.expected, MountAccess)]
    trips = [p.expected.target for p in wanted if isinstance(p.expected, BindEnds)]
    return Probe(
        token=secrets.token_hex(4) if write else "",
        write_in=tuple(t for t in targets if t not in trips),
        keep_in=tuple(trips),
        files=devices(wanted),
        texts=texts(wanted),
        gpus=any(p.field == "container.gpus.visible" for p in wanted),
        proc=kernel_files(wanted),
        namespaces=namespaces(wanted),
    )


def kernel_files(promises: Iterable[Promise]) -> tuple[str, ...]:
    """The kernel's files that these promises are checked with, each once."""
    inside = [p for p in promises if p.where == "inside"]
    return tuple(dict.fromkeys(path for p in inside for path in _files(p)))


def _files(promise: Promise) -> Iterable[str]:
    if promise.field.startswith("container.ulimit."):
        return _of_process("limits")
    if promise.field.startswith("container.sysctl."):
        return (security.sysctl_file(keyed(promise)),)
    return _FILES.get(promise.field, ())


def namespaces(promises: Iterable[Promise]) -> tuple[str, ...]:
    """The namespaces that these promises are about, by the kernel's names."""
    fields = {p.field for p in promises if p.where == "inside"}
    return tuple(
        name for kind, name in KERNEL_NAMES.items() if f"container.{kind}.namespace" in fields
    )


def devices(promises: Iterable[Promise]) -> tuple[str, ...]:
    """The device files that must be there."""
    found = [str(p.expected) for p in promises if p.field == "container.device.node"]
    return tuple(dict.fromkeys(found))


def texts(promises: Iterable[Promise]) -> tuple[str, ...]:
    """The files that these promises are seen in, each once."""
    wanted = (network.READ.get(p.field, ()) for p in promises if p.where == "inside")
    return tuple(dict.fromkeys(file for files in wanted for file in files))
