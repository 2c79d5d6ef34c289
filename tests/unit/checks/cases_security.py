"""The rows of what a container may do, and whose namespaces it is in; see cases.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lifecycle.checks.namespaces import KERNEL_NAMES
from lifecycle.command.promise import Expected
from lifecycle.command.values.security import CdiDevice, Device
from lifecycle.facts.inside import FileFact
from lifecycle.facts.model import Facts
from lifecycle.machine.procfs import MountLine
from tests.unit.checks.cases import Case, beside, host
from tests.unit.checks.cases_limits import CGROUP, ENDED, GONE, inside, reads, unread
from tests.unit.checks.samples import SEEN, having, inspected, said, seeing, world

STATUS = "/proc/1/status"
ALL_CAPS = (1 << 41) - 1


def status(caps: int = 0, *, effective: int | None = None, uid: int = 0, **fields: str) -> str:
    """A /proc/1/status."""
    held = caps if effective is None else effective
    rows = {"Uid": f"{uid}\t{uid}", "CapEff": f"{held:016x}", "CapBnd": f"{caps:016x}", **fields}
    return "".join(f"{key}:\t{text}\n" for key, text in rows.items())


def capable(caps: int, effective: int | None = None, uid: int = 0, **host_config: Any) -> Facts:
    text = status(caps, effective=effective, uid=uid)
    return reads({STATUS: text, "/proc/sys/kernel/cap_last_cap": "40\n"}, **host_config)


SECURED = [
    Case(
        said("--cap-add", "container.cap_add", "CAP_KILL"),
        host(CapAdd=["NET_RAW", "KILL"]),
        host(CapAdd=None),
    ),
    Case(
        inside("--cap-add", "container.cap_add", "CAP_KILL"),
        capable(1 << 5),
        capable(1 << 6),
        seeing(),
        unread(STATUS),
    ),
    Case(
        inside("--cap-add, as a user", "container.cap_add", "CAP_KILL"),
        capable(1 << 5, 0, 1000),
        capable(1 << 5, 0, 0),
    ),
    Case(
        inside("--cap-add ALL", "container.cap_add", "ALL"),
        capable(ALL_CAPS & ~1, CapDrop=["CAP_CHOWN"]),
        capable(ALL_CAPS & ~1),
    ),
    Case(
        said("--cap-drop", "container.cap_drop", "CAP_KILL"),
        host(CapDrop=["CAP_KILL"]),
        host(CapDrop=["CAP_CHOWN"]),
    ),
    Case(
        inside("--cap-drop", "container.cap_drop", "CAP_KILL"),
        capable(1 << 6),
        capable(1 << 5),
        GONE,
        ENDED,
    ),
    Case(
        inside("--cap-drop ALL", "container.cap_drop", "ALL"),
        capable(1 << 5, CapAdd=["KILL"]),
        capable(1 << 5),
    ),
    Case(
        said("--privileged", "container.privileged", True),
        host(Privileged=True),
        host(Privileged=False),
    ),
    Case(
        inside("--privileged", "container.privileged", True),
        reads({STATUS: status(ALL_CAPS, Seccomp="0")}),
        reads({STATUS: status(ALL_CAPS, Seccomp="2")}),
        seeing(),
        unread(STATUS),
    ),
    Case(
        said("--read-only", "container.read_only", True),
        host(ReadonlyRootfs=True),
        host(ReadonlyRootfs=False),
    ),
    Case(
        inside("--read-only", "container.read_only", True),
        seeing(mounts=(MountLine("/", "/", "overlay", "overlay", frozenset({"ro"}), frozenset()),)),
        seeing(mounts=(MountLine("/", "/", "overlay", "overlay", frozenset({"rw"}), frozenset()),)),
        GONE,
        ENDED,
    ),
    Case(
        said("--device", "container.device", Device("/a", "/b", "r")),
        host(Devices=[{"PathOnHost": "/a", "PathInContainer": "/b", "CgroupPermissions": "r"}]),
        host(Devices=[{"PathOnHost": "/a", "PathInContainer": "/b", "CgroupPermissions": "rw"}]),
    ),
    Case(
        said("--device CDI", "container.device", CdiDevice("nvidia.com/gpu=all")),
        host(DeviceRequests=[{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=all"]}]),
        host(DeviceRequests=[{"Driver": "", "DeviceIDs": ["nvidia.com/gpu=all"]}]),
    ),
    Case(
        inside("--device", "container.device.node", "/dev/b"),
        seeing(files={"/dev/b": FileFact(exists=True)}),
        seeing(files={"/dev/b": FileFact(exists=False)}),
        seeing(),
        unread("/dev/b"),
    ),
    Case(
        said("--device-cgroup-rule", "container.device_rule", "c 1:3 rwm"),
        host(DeviceCgroupRules=["c 1:3 rwm"]),
        host(DeviceCgroupRules=None),
    ),
    Case(
        inside("--device-cgroup-rule", "container.device_rule", "c 1:3 mr"),
        reads({f"{CGROUP}devices/devices.list": "b *:* m\nc 1:3 rwm\n"}),
        reads({f"{CGROUP}devices/devices.list": "b 1:3 rwm\nc 1:3 r\n"}),
        seeing(),
        unread(f"{CGROUP}devices/devices.list"),
    ),
    Case(
        said("--sysctl", "container.sysctl.net.a", "1"),
        host(Sysctls={"net.a": "1"}),
        host(Sysctls=None),
    ),
    Case(
        inside("--sysctl", "container.sysctl.kernel.sem", "250 32000 100 128"),
        reads({"/proc/sys/kernel/sem": "250\t32000\t100\t128\n"}),
        reads({"/proc/sys/kernel/sem": "32000\t1024000000\t500\t32000\n"}),
        seeing(),
        unread("/proc/sys/kernel/sem"),
    ),
    Case(
        said("--group-add", "container.groups", "video"),
        host(GroupAdd=["44", "video"]),
        host(GroupAdd=["44"]),
    ),
    Case(
        inside("--group-add", "container.groups", "990"),
        seeing(),
        seeing(groups={1600: "kim"}),
        GONE,
        ENDED,
    ),
    Case(inside("--group-add NAME", "container.groups", "docker"), seeing(), seeing(groups={})),
]


def _option(what: str, expected: Expected, kept: str, broken: str) -> Case:
    return Case(
        said(f"--security-opt {kept}", f"container.security.{what}", expected),
        host(SecurityOpt=["a=b", kept]),
        host(SecurityOpt=[broken]),
    )


def _process(what: str, expected: Expected, kept: str, broken: str) -> Case:
    return Case(
        inside(f"--security-opt {what}={expected}", f"container.security.{what}", expected),
        reads({STATUS: f"Name:\tbash\n{kept}\n"}),
        reads({STATUS: f"Name:\tbash\n{broken}\n"}),
        seeing(),
        unread(STATUS),
    )


MASKED = MountLine("/proc/keys", "/null", "tmpfs", "tmpfs", frozenset({"rw"}), frozenset())
OPTIONS = [
    _option("no_new_privileges", True, "no-new-privileges", "no-new-privileges=false"),
    _option("no_new_privileges", True, "no-new-privileges:true", "seccomp=unconfined"),
    _option("no_new_privileges", False, "no-new-privileges=false", "no-new-privileges"),
    _option("seccomp", "unconfined", "seccomp:unconfined", "seccomp=builtin"),
    _option("seccomp", "profile.json", 'seccomp={"defaultAction":"x"}', "seccomp=unconfined"),
    _option("apparmor", "mine", "apparmor=mine", "apparmor=docker-default"),
    _option("label.user", "user:me", "label=user:me", "label=disable"),
    _process("no_new_privileges", True, "NoNewPrivs:\t1", "NoNewPrivs:\t0"),
    _process("seccomp", "unconfined", "Seccomp:\t0", "Seccomp:\t2"),
    _process("seccomp", "profile.json", "Seccomp:\t2", "Seccomp:\t0"),
    Case(
        inside("--security-opt apparmor", "container.security.apparmor", "docker-default"),
        reads({"/proc/1/attr/current": "docker-default (enforce)\n"}),
        reads({"/proc/1/attr/current": "unconfined\n"}),
        reads({"/proc/1/attr/current": ""}),
        unread("/proc/1/attr/current"),
    ),
    Case(
        said("--security-opt", "container.security.systempaths", "unconfined"),
        host(MaskedPaths=[]),
        host(MaskedPaths=["/proc/keys"]),
    ),
    Case(
        inside("--security-opt", "container.security.systempaths", "unconfined"),
        seeing(),
        seeing(mounts=(MASKED,)),
        GONE,
        ENDED,
    ),
]

FIRST = {
    "cgroup": 4026531835,
    "ipc": 4026531839,
    "pid": 4026531836,
    "user": 4026531837,
    "uts": 4026531838,
}
MODES = {
    "cgroupns": "CgroupnsMode",
    "ipc": "IpcMode",
    "pid": "PidMode",
    "userns": "UsernsMode",
    "uts": "UTSMode",
}


def _apart(kind: str) -> Case:
    name = KERNEL_NAMES[kind]
    own, machines = seeing(namespaces={name: 12}), seeing(namespaces={name: FIRST[name]})
    field = f"container.{kind}.namespace"
    missing = unread(f"/proc/self/ns/{name}")
    return Case(inside(f"--{kind}", field, "private"), own, machines, seeing(), missing)


def _shared(kind: str) -> Case:
    name = KERNEL_NAMES[kind]
    own, machines = seeing(namespaces={name: 12}), seeing(namespaces={name: FIRST[name]})
    far = having(
        inspected(), replace(SEEN, namespaces={name: 12}), around=world(shares_machine=False)
    )
    reason = "it is not the machine's first, and which one the engine is in can't be told"
    return Case(
        inside(f"--{kind} host", f"container.{kind}.namespace", "host"), machines, own, far, reason
    )


SHARED = [
    *(
        Case(
            said(f"--{kind}", f"container.{kind}", "host"), host(**{key: "host"}), host(**{key: ""})
        )
        for kind, key in MODES.items()
    ),
    *(_apart(kind) for kind in MODES),
    *(_shared(kind) for kind in MODES),
    Case(
        said("--pid container:other", "container.pid", "container:other"),
        replace(
            beside(""), containers=beside("").containers | host(PidMode="container:ab12").containers
        ),
        replace(
            beside(""), containers=beside("").containers | host(PidMode="container:cd").containers
        ),
        host(PidMode="container:ab12"),
        "that container was not looked at",
    ),
    Case(
        said("--cgroup-parent", "container.cgroup_parent", "/lab"),
        host(CgroupParent="/lab"),
        host(CgroupParent=""),
    ),
    Case(
        inside("--cgroup-parent", "container.cgroup_parent", "/lab"),
        reads({"/proc/self/cgroup": "8:pids:/lab/1efe\n0::/lab/1efe\n"}),
        reads({"/proc/self/cgroup": "8:pids:/docker/1efe\n0::/docker/1efe\n"}),
        reads({"/proc/self/cgroup": "0::/\n"}),
        "its cgroup namespace hides the path",
    ),
]
