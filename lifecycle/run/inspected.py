"""The ``docker run`` line that an existing container's inspect amounts to.

For ``hold`` without a line: what was asked of the engine then is what the inside and the host are
held to now. Only what this run time can check is put in; the image's own settings are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


def line_of(seen: Json) -> list[str]:
    """The words of that line."""
    return ["docker", "run", *_flags(seen["Config"], seen["HostConfig"], seen), _image(seen)]


def _image(seen: Json) -> str:
    return str(seen["Config"].get("Image") or seen["Image"])


def _flags(config: Json, host: Json, seen: Json) -> Iterator[str]:
    switches = {
        "--tty": config.get("Tty"),
        "--interactive": config.get("OpenStdin"),
        "--rm": host.get("AutoRemove"),
    }
    yield from (flag for flag, on in switches.items() if on)
    values = {
        "--user": config.get("User"),
        "--workdir": config.get("WorkingDir"),
        "--shm-size": host.get("ShmSize") if host.get("IpcMode") != "host" else None,
    }
    for flag, value in values.items():
        if value:
            yield from (flag, str(value))
    yield from _mounts(seen)
    for port, bindings in (host.get("PortBindings") or {}).items():
        for binding in bindings or []:
            yield from ("-p", _published(port, binding))
    for request in host.get("DeviceRequests") or []:
        if any("gpu" in group for group in request.get("Capabilities") or []):
            yield from ("--gpus", _gpus(request))


def _mounts(seen: Json) -> Iterator[str]:
    for mount in seen.get("Mounts") or []:
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
    return "all" if request.get("Count", 0) < 0 else str(request["Count"])
