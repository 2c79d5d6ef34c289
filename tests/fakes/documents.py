"""What an engine tells of a new thing: every field that a run reads, as Docker 28 fills it in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lifecycle.text.json_object import Json

NEVER = "0001-01-01T00:00:00Z"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
VOLUMES = "/var/lib/docker/volumes"
INFO: Json = {
    "ID": "ENGINE",
    "Name": "engine",
    "ServerVersion": "28.0.0",
    "KernelVersion": "6.1.0",
    "Driver": "overlay2",
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "DockerRootDir": "/var/lib/docker",
    "OSType": "linux",
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"],
    "Runtimes": {"runc": {"path": "runc"}},
    "DefaultRuntime": "runc",
}
STATE: Json = {
    "Status": "created",
    "Running": False,
    "Paused": False,
    "Restarting": False,
    "OOMKilled": False,
    "Dead": False,
    "Pid": 0,
    "ExitCode": 0,
    "Error": "",
    "StartedAt": NEVER,
    "FinishedAt": NEVER,
}
_CONFIG: Json = {
    **dict.fromkeys(("Domainname", "User", "WorkingDir"), ""),
    **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr"), False),
    **dict.fromkeys(("Tty", "OpenStdin", "StdinOnce"), False),
    "Env": [PATH],
    "Labels": {},
}
_HOST_CONFIG: Json = {
    "LogConfig": {"Type": "json-file", "Config": {}},
    "NetworkMode": "default",
    "PortBindings": {},
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "IpcMode": "private",
    "CgroupnsMode": "private",
    "Runtime": "runc",
    "ShmSize": 67_108_864,
    **dict.fromkeys(("Privileged", "ReadonlyRootfs", "PublishAllPorts"), False),
    **dict.fromkeys(("PidMode", "UTSMode", "UsernsMode", "CpusetCpus"), ""),
    **dict.fromkeys(("Memory", "MemorySwap", "NanoCpus", "CpuShares"), 0),
}


def container(identity: str, name: str, image: Json, body: Json, made: str) -> Json:
    """``GET /containers/ID/json`` of one that was created from a request's body."""
    given = dict(body)
    host = {**_HOST_CONFIG, **_told(given.pop("HostConfig", {}))}
    given.pop("NetworkingConfig", None)
    own = {**_CONFIG, **_told(image["Config"]), **_told(given)}
    own["Hostname"] = own.get("Hostname") or identity[:12]
    own["Env"] = _environment(image["Config"].get("Env") or [], given.get("Env") or []) or None
    words = [*(own.get("Entrypoint") or []), *(own.get("Cmd") or [])]
    network = {"bridge": "bridge", "default": "bridge"}.get(
        host["NetworkMode"], host["NetworkMode"]
    )
    return {
        "Id": identity,
        "Created": made,
        "Name": f"/{name}",
        "Path": words[0] if words else "",
        "Args": words[1:],
        "State": dict(STATE),
        "Image": image["Id"],
        "RestartCount": 0,
        "Driver": INFO["Driver"],
        "Platform": "linux",
        "Mounts": [*map(mount, host.get("Binds") or [])],
        "Config": own,
        "HostConfig": host,
        "NetworkSettings": {"Ports": {}, "Networks": {network: {"IPAddress": ""}}},
    }


def _told(given: Mapping[str, Any]) -> Json:
    return {key: value for key, value in given.items() if value is not None}


def _environment(image: list[str], given: list[str]) -> list[str]:
    """The line's before the image's, and of one name only the line's."""
    names = {one.partition("=")[0] for one in given}
    return [*given, *(one for one in image if one.partition("=")[0] not in names)]


def mount(bind: str) -> Json:
    """One of ``Mounts``, of ``-v SOURCE:TARGET[:MODE]``."""
    source, target, mode, *_ = [*bind.split(":"), ""]
    of_volume = not source.startswith("/")
    place = f"{VOLUMES}/{source}/_data" if of_volume else source
    more = {"Name": source, "Driver": "local"} if of_volume else {}
    return {
        "Type": "volume" if of_volume else "bind",
        "Source": place,
        "Destination": target,
        "Mode": mode or ("z" if of_volume else ""),
        "RW": "ro" not in mode.split(","),
        "Propagation": "" if of_volume else "rprivate",
        **more,
    }


def published(bindings: Mapping[str, Any]) -> Json:
    """``Ports`` of one that runs: every published port on IPv4."""
    return {
        port: [
            {"HostIp": one.get("HostIp") or "0.0.0.0", "HostPort": one["HostPort"]} for one in at
        ]
        for port, at in bindings.items()
        if at
    }


def listed(seen: Json) -> Json:
    """The short form of ``GET /containers/json``."""
    ports: list[Json] = []
    for port, at in seen["NetworkSettings"]["Ports"].items():
        number, _, protocol = port.partition("/")
        inner = {"PrivatePort": int(number), "Type": protocol}
        ports += [
            {**inner, "IP": one["HostIp"], "PublicPort": int(one["HostPort"])} for one in at or []
        ] or [inner]
    return {
        "Id": seen["Id"],
        "Names": [seen["Name"]],
        "Image": seen["Config"].get("Image", ""),
        "ImageID": seen["Image"],
        "Command": " ".join([seen["Path"], *seen["Args"]]),
        "State": seen["State"]["Status"],
        "Status": seen["State"]["Status"].capitalize(),
        "Labels": seen["Config"].get("Labels", {}),
        "Ports": ports,
        "Mounts": [
            {k: v for k, v in m.items() if k in {"Type", "Name", "Source", "Destination", "Mode"}}
            for m in seen["Mounts"]
        ],
    }


def image(identity: str, made: str) -> Json:
    """``GET /images/NAME/json`` of one without a tag."""
    return {
        "Id": identity,
        "RepoTags": [],
        "RepoDigests": [],
        "Parent": "",
        "Created": made,
        "Architecture": "amd64",
        "Os": "linux",
        "Size": 1,
        "Config": {"Env": [PATH], "Cmd": ["bash"]},
        "RootFS": {"Type": "layers", "Layers": [identity]},
    }


def volume(name: str, made: str) -> Json:
    """``GET /volumes/NAME``."""
    return {
        "Name": name,
        "Driver": "local",
        "Mountpoint": f"{VOLUMES}/{name}/_data",
        "Scope": "local",
        "CreatedAt": made,
        "Labels": {},
        "Options": {},
    }


def network(identity: str, name: str, made: str) -> Json:
    """``GET /networks/ID``."""
    return {
        "Id": identity,
        "Name": name,
        "Driver": {"host": "host", "none": "null"}.get(name, "bridge"),
        "Scope": "local",
        "Created": made,
        **dict.fromkeys(("EnableIPv6", "Internal", "Attachable", "Ingress", "ConfigOnly"), False),
        "IPAM": {"Driver": "default", "Options": {}, "Config": []},
        "Containers": {},
        "Options": {},
        "Labels": {},
    }


def process(container_id: str, identity: str, words: list[str], user: str, tty: bool) -> Json:  # noqa: FBT001
    """``GET /exec/ID/json`` of one that was not yet started."""
    return {
        "ID": identity,
        "ContainerID": container_id,
        "Running": False,
        "Pid": 0,
        "OpenStdin": False,
        "OpenStdout": True,
        "OpenStderr": True,
        "ProcessConfig": {
            "tty": tty,
            "privileged": False,
            "user": user,
            "entrypoint": words[0],
            "arguments": words[1:],
        },
    }


def whole(name: str) -> str:
    """An image's name with its tag, as the engine lists it."""
    bare = re.sub(r"^(docker\.io/)?(library/)?", "", name)
    tagged = ":" in bare.rpartition("/")[2] or "@" in bare
    return bare if tagged else f"{bare}:latest"
