"""Promises about what a container may do: declared, and what the kernel has for its process."""

from __future__ import annotations

import re
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.inspect_fields import (
    first_process,
    from_inspect,
    host_config,
    keyed,
    not_seen,
)
from lifecycle.checks.rules import PHRASE, STATUS, Rule, kernel, of_process
from lifecycle.command.promise import Promise
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.security import CAPABILITIES, CdiDevice, Device, capability
from lifecycle.facts.inside import MOUNTS, Probe
from lifecycle.facts.kernel_files import status as fields_of
from lifecycle.facts.model import ContainerFacts, Facts

LAST_CAPABILITY = "/proc/sys/kernel/cap_last_cap"
DEVICES_LIST = "/sys/fs/cgroup/devices/devices.list"
_ROOT = "0"


def _bits(text: str) -> int | None:
    return int(text, 16) if re.fullmatch("[0-9a-f]{1,16}", text) else None


def _capabilities(status: dict[str, str]) -> int | None:
    """The capabilities that a process may use; for root those that it has as well."""
    bound, effective = _bits(status.get("CapBnd", "")), _bits(status.get("CapEff", ""))
    if bound is None or effective is None:
        return None
    return bound & effective if status.get("Uid", "").split("\t")[0] == _ROOT else bound


def _names(bits: int) -> list[str]:
    return [name for bit, name in enumerate(CAPABILITIES) if bits >> bit & 1]


def _all_of(c: ContainerFacts) -> int:
    """Every capability that the kernel knows, and the engine too."""
    text = c.inside.proc.get(LAST_CAPABILITY, "").strip()
    known = len(CAPABILITIES)
    last = int(text) + 1 if re.fullmatch("[0-9]{1,2}", text) else known
    return (1 << min(last, known)) - 1


def _mask(names: list[str]) -> int:
    return sum(1 << CAPABILITIES.index(n) for n in names if n in CAPABILITIES)


def _listed(c: ContainerFacts, key: str) -> list[str]:
    """Capabilities of the inspect in one spelling; older engines keep them as written."""
    return [_spelled(str(name)) for name in host_config(c).get(key) or []]


def _spelled(name: str) -> str:
    try:
        return capability(name)
    except ImpossibleError:
        return name


def _declared(promise: Promise, c: ContainerFacts, key: str) -> Check:
    listed = _listed(c, key)
    actual = promise.expected if promise.expected in listed else listed
    return from_inspect(promise, actual, f"HostConfig.{key}")


def cap_add(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--cap-add``: declared, and a bit of the first process's capabilities."""
    if promise.where == "inspect":
        return _declared(promise, c, "CapAdd")
    path, text = first_process(c, "status")
    bits = _capabilities(fields_of(text))
    if bits is None:
        return not_seen(promise, c, path)
    wanted = _mask([promise.expected_as(str)])
    if promise.expected == "ALL":
        wanted = _all_of(c) & ~_mask(_listed(c, "CapDrop"))
    missing = _names(wanted & ~bits)
    actual = f"{' '.join(missing)} missing" if missing else promise.expected
    return compare(PHRASE, promise.expected, actual, f"{c.inside.place(path)} CapBnd and CapEff")


def cap_drop(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--cap-drop``: declared, and no bit of the first process's capabilities."""
    if promise.where == "inspect":
        return _declared(promise, c, "CapDrop")
    path, text = first_process(c, "status")
    status = fields_of(text)
    bound, effective = _bits(status.get("CapBnd", "")), _bits(status.get("CapEff", ""))
    if bound is None or effective is None:
        return not_seen(promise, c, path)
    unwanted = _mask([promise.expected_as(str)])
    if promise.expected == "ALL":
        unwanted = _all_of(c) & ~_mask(_listed(c, "CapAdd"))
    left = _names(unwanted & (bound | effective))
    actual = f"{' '.join(left)} left" if left else promise.expected
    return compare(PHRASE, promise.expected, actual, f"{c.inside.place(path)} CapBnd and CapEff")


def privileged(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--privileged``: declared, every capability held, and no seccomp filter."""
    if promise.where == "inspect":
        return from_inspect(
            promise, bool(host_config(c).get("Privileged")), "HostConfig.Privileged"
        )
    path, text = first_process(c, "status")
    status = fields_of(text)
    bits = _capabilities(status)
    if bits is None or "Seccomp" not in status:
        return not_seen(promise, c, path)
    wanted: dict[str, Any] = {"capabilities missing": [], "seccomp": "0"}
    actual = {"capabilities missing": _names(_all_of(c) & ~bits), "seccomp": status["Seccomp"]}
    return compare(PHRASE, wanted, actual, c.inside.place(path))


def read_only(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--read-only``: declared, and the root mounted so."""
    if promise.where == "inspect":
        actual = bool(host_config(c).get("ReadonlyRootfs"))
        return from_inspect(promise, actual, "HostConfig.ReadonlyRootfs")
    root = c.inside.mount("/")
    if root is None:
        return not_seen(promise, c, MOUNTS)
    source = f"{c.inside.place(MOUNTS)} /"
    return compare(PHRASE, promise.expected, "ro" in root.options, source)


def device(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--device``: declared, with where it is inside and what may be done with it."""
    if isinstance(promise.expected, CdiDevice):
        asked = host_config(c).get("DeviceRequests") or []
        cdi_ids = [i for r in asked if r.get("Driver") == "cdi" for i in r.get("DeviceIDs") or []]
        wanted = promise.expected.cdi
        return compare(
            PHRASE, wanted, wanted if wanted in cdi_ids else cdi_ids, "inspect DeviceRequests"
        )
    keys = ("PathOnHost", "PathInContainer", "CgroupPermissions")
    devices = [Device(*map(d.get, keys)) for d in host_config(c).get("Devices") or []]
    actual = promise.expected if promise.expected in devices else devices
    return from_inspect(promise, actual, "HostConfig.Devices")


def device_node(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--device``: it is there inside."""
    path = promise.expected_as(str)
    fact = c.inside.files.get(path)
    if fact is None:
        return not_seen(promise, c, path)
    actual = path if fact.exists else "missing"
    return compare(PHRASE, path, actual, c.inside.places.get(path, "test -e"))


def device_rule(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--device-cgroup-rule``: declared, and in the cgroup's list; version 2 shows none."""
    if promise.where == "inspect":
        rules = host_config(c).get("DeviceCgroupRules") or []
        actual = promise.expected if promise.expected in rules else rules
        return from_inspect(promise, actual, "HostConfig.DeviceCgroupRules")
    text = c.inside.proc.get(DEVICES_LIST)
    if not text:
        return not_seen(promise, c, DEVICES_LIST)
    kind, number, mode = promise.expected_as(str).split()
    granted = [line.split() for line in text.splitlines() if len(line.split()) == 3]  # noqa: PLR2004
    kept = any(k in {kind, "a"} and n == number and set(mode) <= set(m) for k, n, m in granted)
    actual = promise.expected if kept else "not in the list"
    return compare(PHRASE, promise.expected, actual, c.inside.place(DEVICES_LIST))


def sysctl(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--sysctl``: declared, and what the kernel has in the container's namespaces."""
    name = keyed(promise)
    if promise.where == "inspect":
        actual = (host_config(c).get("Sysctls") or {}).get(name)
        return from_inspect(promise, actual, f"HostConfig.Sysctls {name}")
    path = sysctl_file(name)
    if path not in c.inside.proc:
        return not_seen(promise, c, path)
    text = c.inside.proc[path]
    same = text.split() == promise.expected_as(str).split()
    return compare(PHRASE, promise.expected, promise.expected if same else text.strip(), path)


def sysctl_file(name: str) -> str:
    """The file of a sysctl; a name with slashes has its dots in the names of its parts."""
    return f"/proc/sys/{name.translate(str.maketrans('./', '/.'))}"


def group(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--group-add``: declared, and one of the groups inside."""
    if promise.where == "inspect":
        added = host_config(c).get("GroupAdd") or []
        actual = promise.expected if promise.expected in added else added
        return from_inspect(promise, actual, "HostConfig.GroupAdd")
    hidden = c.inside.hides("id")
    if hidden:
        return unverified(PHRASE, promise.expected, hidden)
    groups = {str(number) for number in c.inside.groups} | set(c.inside.groups.values())
    actual = promise.expected if promise.expected in groups else sorted(groups)
    return compare(PHRASE, promise.expected, actual, c.inside.place("id"))


def option(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--security-opt``: declared, and seccomp, AppArmor and no_new_privs as the kernel says."""
    what = keyed(promise)
    if promise.where == "inspect":
        return _option_declared(promise, c, what)
    if what == "systempaths":
        return _system_paths(promise, c)
    if what == "apparmor":
        path, text = first_process(c, "attr/current")
        profile = text.strip("\0\n").partition(" (")[0]
        if not profile:
            return not_seen(promise, c, path)
        return compare(PHRASE, promise.expected, profile, c.inside.place(path))
    path, text = first_process(c, "status")
    field = {"no_new_privileges": "NoNewPrivs", "seccomp": "Seccomp"}[what]
    value = fields_of(text).get(field, "")
    if not value:
        return not_seen(promise, c, path)
    wanted = {"NoNewPrivs": "1", "Seccomp": "0" if promise.expected == "unconfined" else "2"}[field]
    return compare(PHRASE, wanted, value, f"{c.inside.place(path)} {field}")


def _option_declared(promise: Promise, c: ContainerFacts, what: str) -> Check:
    if what == "systempaths":
        paths = "masked" if host_config(c).get("MaskedPaths") else "unconfined"
        return from_inspect(promise, paths, "HostConfig.MaskedPaths")
    kind = what.partition(".")[0]
    values = _options(c, kind)
    if isinstance(promise.expected, bool):
        is_on = bool(values) and values[-1] in {"", "true"}
        return from_inspect(promise, is_on, f"HostConfig.SecurityOpt {what}")
    # Of several the engine takes the last; a label has many parts.
    counts = values if kind == "label" else values[-1:]
    kept = promise.expected in counts
    if what == "seccomp" and promise.expected not in {"unconfined", "builtin"}:
        # The client reads the file and sends what it holds.
        kept = any(text.lstrip().startswith("{") for text in counts)
    actual = promise.expected if kept else values
    return from_inspect(promise, actual, f"HostConfig.SecurityOpt {what}")


def _options(c: ContainerFacts, what: str) -> list[str]:
    """What the inspect has of one kind of --security-opt; a lone word has the empty text."""
    values = []
    for text in host_config(c).get("SecurityOpt") or []:
        match = re.fullmatch("([a-z-]+)(?:[=:](.*))?", str(text), re.DOTALL)
        if match and match[1].replace("-", "_") == what:
            values.append(match[2] or "")
    return values


def _system_paths(promise: Promise, c: ContainerFacts) -> Check:
    if not c.inside.mounts:
        return not_seen(promise, c, MOUNTS)
    masked = [m.target for m in c.inside.mounts if m.target.startswith("/proc/")]
    actual = f"masked: {' '.join(masked)}" if masked else "unconfined"
    return compare(PHRASE, promise.expected, actual, c.inside.place(MOUNTS))


def _sysctl_file(promise: Promise) -> Probe:
    return kernel(sysctl_file(keyed(promise)))(promise)


def _security_files(promise: Promise) -> Probe:
    files = {
        "apparmor": of_process("attr/current"),
        "no_new_privileges": STATUS,
        "seccomp": STATUS,
    }
    return kernel(*files.get(keyed(promise), ()))(promise)


def _node(promise: Promise) -> Probe:
    """The device file that must be there."""
    return Probe(files=(str(promise.expected),))


RULES: dict[str, Rule] = {
    "container.cap_add": Rule(
        cap_add, "has the capability", reads=kernel(*STATUS, LAST_CAPABILITY)
    ),
    "container.cap_drop": Rule(
        cap_drop, "is without the capability", reads=kernel(*STATUS, LAST_CAPABILITY)
    ),
    "container.privileged": Rule(
        privileged, "has every right", reads=kernel(*STATUS, LAST_CAPABILITY)
    ),
    "container.read_only": Rule(read_only, "has a read-only root"),
    "container.device": Rule(device, "has the device"),
    "container.device.node": Rule(device_node, "has the device file", reads=_node),
    "container.device_rule": Rule(device_rule, reads=kernel(DEVICES_LIST)),
    "container.sysctl": Rule(sysctl, reads=_sysctl_file),
    "container.groups": Rule(group, "has the group"),
    "container.security": Rule(option, reads=_security_files),
}
