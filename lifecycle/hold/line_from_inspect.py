"""The ``docker run`` line that an existing container's inspect amounts to.

For ``hold`` without a line: what was asked of the engine then is what the inside and the host are
held to now. Only what this run time can check is put in; the image's own settings are not.
"""

from __future__ import annotations

from collections.abc import Iterator

from lifecycle.command.flags import VERBS
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.text.json_object import Json


def line_of(inspect: Json) -> list[str]:
    """The words of that line."""
    return [
        "docker",
        "run",
        *_flags(inspect["Config"], inspect["HostConfig"], inspect),
        _image(inspect),
    ]


def _image(inspect: Json) -> str:
    return str(inspect["Config"].get("Image") or inspect["Image"])


def _flags(config: Json, host: Json, inspect: Json) -> Iterator[str]:
    switches = {
        "--tty": config.get("Tty"),
        "--interactive": config.get("OpenStdin"),
        "--rm": host.get("AutoRemove"),
        "--init": host.get("Init"),
        "--privileged": host.get("Privileged"),
        "--read-only": host.get("ReadonlyRootfs"),
    }
    yield from (flag for flag, on in switches.items() if on)
    values = {
        "--user": config.get("User"),
        "--workdir": config.get("WorkingDir"),
        "--shm-size": host.get("ShmSize") if _has_its_own_shm(host) else None,
    }
    for flag, value in values.items():
        if value:
            yield from (flag, str(value))
    for flag, value in (*_limits(host), *_rights(host)):
        if _can_be_written(flag, value):
            yield from (flag, value)
    yield from _mounts(inspect)
    for port, bindings in (host.get("PortBindings") or {}).items():
        for binding in bindings or []:
            yield from ("-p", _published(port, binding))
    for request in host.get("DeviceRequests") or []:
        if any("gpu" in group for group in request.get("Capabilities") or []):
            yield from ("--gpus", _gpus(request))


def _has_its_own_shm(host: Json) -> bool:
    return not str(host.get("IpcMode")).startswith(("host", "none", "container:"))


def _can_be_written(flag: str, value: str) -> bool:
    """Whether a line could ask for it: the engine's API takes more than the CLI does."""
    try:
        VERBS["run"].spellings[flag].read(value)
    except ImpossibleError:
        return False
    return True


def _limits(host: Json) -> Iterator[tuple[str, str]]:
    """The limits that are written in the container's cgroup and its process."""
    values = {
        "--memory": host.get("Memory"),
        "--cpu-shares": host.get("CpuShares"),
        "--cpu-period": host.get("CpuPeriod"),
        "--cpu-quota": host.get("CpuQuota"),
        "--cpuset-cpus": host.get("CpusetCpus"),
        "--pids-limit": max(host.get("PidsLimit") or 0, 0),
        "--oom-score-adj": host.get("OomScoreAdj"),
        "--cpus": f"{host['NanoCpus']}/1000000000" if host.get("NanoCpus") else "",
    }
    for flag, value in values.items():
        if value:
            yield flag, str(value)
    for limit in host.get("Ulimits") or []:
        yield "--ulimit", f"{limit['Name']}={limit['Soft']}:{limit['Hard']}"


def _rights(host: Json) -> Iterator[tuple[str, str]]:
    """What the kernel lets it do."""
    for flag, key in (("--cap-add", "CapAdd"), ("--cap-drop", "CapDrop")):
        for name in host.get(key) or []:
            yield flag, name
    for option in host.get("SecurityOpt") or []:
        if option.startswith("no-new-privileges"):
            yield "--security-opt", option
    for name, value in (host.get("Sysctls") or {}).items():
        yield "--sysctl", f"{name}={value}"


def _mounts(inspect: Json) -> Iterator[str]:
    for mount in inspect.get("Mounts") or []:
        if mount["Type"] in {"bind", "volume"}:
            source = mount["Source"] if mount["Type"] == "bind" else mount["Name"]
            yield from ("-v", f"{source}:{mount['Destination']}{'' if mount['RW'] else ':ro'}")


def _published(port: str, binding: Json) -> str:
    address, number = binding.get("HostIp", ""), binding.get("HostPort", "")
    shown = f"[{address}]" if ":" in address else address
    return f"{shown}:{number}:{port}" if shown else f"{number}:{port}"


def _gpus(request: Json) -> str:
    if request.get("DeviceIDs"):
        return f'"device={",".join(request["DeviceIDs"])}"'
    count = request.get("Count", 0)
    return "all" if count < 0 else str(count)
