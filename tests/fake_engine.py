"""An engine that is none: it answers what a test wants, well or badly."""

from __future__ import annotations

import copy
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Serve = Callable[[socket.socket, str], None]
"""Answers one request, of which it gets the path, in whatever way."""

IMAGE_ID = f"sha256:{'a' * 64}"
ID = "c" * 64
MOUNT = {
    "Type": "volume",
    "Name": "data",
    "Source": "/var/lib/docker/volumes/data/_data",
    "Destination": "/data",
    "Driver": "local",
    "Mode": "z",
    "RW": True,
    "Propagation": "",
}
CONFIG = {
    "Hostname": "web",
    "Domainname": "example.org",
    "User": "1000",
    "Tty": False,
    "OpenStdin": True,
    "Env": ["PATH=/bin", "A=b"],
    "Cmd": ["sleep", "1"],
    "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 30_000_000_000, "Retries": 3},
    "Image": "img",
    "Volumes": {"/data": {}},
    "ExposedPorts": {"80/tcp": {}},
    "WorkingDir": "/work",
    "Entrypoint": ["/bin/sh"],
    "OnBuild": ["RUN true"],
    "Labels": {"a": "b"},
    "StopSignal": "SIGTERM",
    "StopTimeout": 3,
}
HOST_CONFIG = {
    "Binds": ["data:/data"],
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
    "NetworkMode": "lan",
    "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
    "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
    "AutoRemove": False,
    "VolumesFrom": ["other"],
    "CapAdd": ["NET_ADMIN"],
    "CapDrop": ["CHOWN"],
    "Dns": ["10.0.0.1"],
    "DnsOptions": ["ndots:1"],
    "DnsSearch": ["example.org"],
    "ExtraHosts": ["a:10.0.0.2"],
    "GroupAdd": ["44"],
    "IpcMode": "private",
    "OomScoreAdj": 5,
    "PidMode": "",
    "Privileged": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": ["no-new-privileges"],
    "Tmpfs": {"/t": "size=1m"},
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 67_108_864,
    "Sysctls": {"net.core.somaxconn": "10"},
    "Runtime": "runc",
    "Memory": 1 << 27,
    "NanoCpus": 1_500_000_000,
    "CgroupParent": "",
    "BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 10}],
    "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1000}],
    "CpusetCpus": "0",
    "DeviceCgroupRules": ["c 1:3 rwm"],
    "Devices": [
        {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}
    ],
    "DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}],
    "MemorySwap": 1 << 28,
    "OomKillDisable": False,
    "PidsLimit": 100,
    "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 2048}],
    "Mounts": [
        {
            "Type": "volume",
            "Source": "more",
            "Target": "/more",
            "VolumeOptions": {"Labels": {"x": "y"}, "DriverConfig": {"Name": "local"}},
        }
    ],
    "MaskedPaths": ["/proc/asound"],
    "Init": True,
}
STATE = {
    "Status": "running",
    "Running": True,
    "Paused": False,
    "OOMKilled": False,
    "Pid": 1,
    "ExitCode": 0,
    "StartedAt": "2026-01-01T00:00:00Z",
    "FinishedAt": "0001-01-01T00:00:00Z",
    "Health": {"Status": "healthy", "FailingStreak": 0, "Log": [{"ExitCode": 0, "Output": "ok"}]},
}
ENDPOINT = {
    "IPAMConfig": {"IPv4Address": "10.0.0.5", "LinkLocalIPs": ["169.254.0.1"]},
    "Links": ["other:db"],
    "Aliases": ["web"],
    "DriverOpts": {"a": "b"},
    "GwPriority": 1,
    "IPAddress": "10.0.0.5",
    "MacAddress": "02:00:00:00:00:01",
    "GlobalIPv6Address": "",
}
GOOD: dict[str, Any] = {
    "info": {
        "ID": "E",
        "Name": "nowhere",
        "KernelVersion": "6.0",
        "ServerVersion": "28.0",
        "Driver": "overlay2",
        "CgroupVersion": "2",
        "DockerRootDir": "/var/lib/docker",
        "SecurityOptions": ["name=seccomp,profile=default"],
        "HttpProxy": "",
        "Runtimes": {"runc": {"path": "runc"}},
        "DiscoveredDevices": [{"ID": "nvidia.com/gpu=0", "Source": "cdi"}],
    },
    "version": {"Version": "28.0", "ApiVersion": "1.48", "MinAPIVersion": "1.24"},
    "containers/json": [
        {
            "Id": ID,
            "Names": ["/web"],
            "Image": "img",
            "State": "running",
            "Status": "Up",
            "Command": "sleep",
            "Labels": {"a": "b"},
            "Ports": [{"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
            "Mounts": [{"Type": "bind", "Source": "/a", "Destination": "/b"}],
        }
    ],
    "containers/web/json": {
        "Id": ID,
        "Created": "2026-01-01T00:00:00.5Z",
        "Path": "sleep",
        "Args": ["1"],
        "State": STATE,
        "Image": IMAGE_ID,
        "Name": "/web",
        "RestartCount": 0,
        "Driver": "overlay2",
        "Mounts": [MOUNT],
        "Config": CONFIG,
        "HostConfig": HOST_CONFIG,
        "NetworkSettings": {
            "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]},
            "Networks": {"lan": ENDPOINT},
        },
    },
    "images/json": [{"Id": IMAGE_ID, "RepoTags": ["img:latest"], "RepoDigests": [], "Size": 1}],
    "images/img/json": {
        "Id": IMAGE_ID,
        "Parent": "",
        "Container": "",
        "Created": "2026-01-01T00:00:00.5Z",
        "RepoTags": ["img:latest"],
        "RepoDigests": [],
        "Config": CONFIG,
        "RootFS": {"Type": "layers", "Layers": [f"sha256:{'b' * 64}"]},
        "Architecture": "amd64",
        "Os": "linux",
    },
    "images/img/history": [{"Id": IMAGE_ID, "CreatedBy": "/bin/sh -c true", "Created": 1}],
    "volumes": {"Volumes": [{"Name": "data", "Driver": "local", "Labels": None}]},
    "volumes/data": {"Name": "data", "Driver": "local", "Labels": {"a": "b"}, "Options": None},
    "networks": [{"Id": "n" * 64, "Name": "lan", "Driver": "bridge"}],
    "networks/lan": {
        "Id": "n" * 64,
        "Name": "lan",
        "Driver": "bridge",
        "EnableIPv6": False,
        "Internal": False,
        "Labels": {"a": "b"},
        "Options": {"c": "d"},
        "ConfigFrom": {"Network": ""},
        "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "10.0.0.0/24"}]},
    },
    "exec/e1/json": {
        "ID": "e1",
        "Running": True,
        "ExitCode": None,
        "Pid": 7,
        "ContainerID": ID,
        "ProcessConfig": {"user": "0", "entrypoint": "sh", "arguments": [], "privileged": False},
    },
}
"""What a good engine answers, by path."""

KINDS: dict[str, Any] = {
    "null": None,
    "text": "a word",
    "number": 7,
    "a small part": 0.5,
    "true": True,
    "a list": [],
    "a list of nulls": [None, None],
    "a mapping": {},
    "a mapping of nulls": {"a": None},
    "a huge number": 10**300,
    "huge": "x" * 200_000,
}
Path_ = tuple[str | int, ...]


def mutations(answer: Any) -> Iterator[tuple[str, Any]]:
    """The answer with each of its fields of every other kind, null, missing and huge."""
    for path in _paths(answer):
        place = ".".join(map(str, path)) or "all of it"
        for kind, value in KINDS.items():
            yield f"{place}: {kind}", _with(answer, path, value)
        if path:
            yield f"{place}: missing", _without(answer, path)


def _paths(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    yield path
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for key, item in inner:
        yield from _paths(item, (*path, key))


def _with(answer: Any, path: Path_, value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(answer)
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _without(answer: Any, path: Path_) -> Any:
    changed = copy.deepcopy(answer)
    del _at(changed, path[:-1])[path[-1]]
    return changed


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        value = value[key]
    return value


@dataclass
class FakeEngine:
    """One on a socket of its own; ``answers`` and ``serve`` may be changed at any time."""

    address: str
    answers: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(GOOD))
    serve: Serve | None = None
    asked: list[str] = field(default_factory=list)

    def handle(self, link: socket.socket) -> None:
        """Serve one connection until its other end hangs up."""
        with link, suppress(OSError):
            while path := _request(link):
                self.asked.append(path)
                if self.serve is not None:
                    self.serve(link, path)
                    return
                self.reply(link, path)

    def reply(self, link: socket.socket, path: str) -> None:
        """The answer of a path as it stands."""
        if path == "_ping":
            link.sendall(told("OK"))
        elif path == "containers/web/exec" or path.endswith("/exec"):
            link.sendall(told({"Id": "e1"}, 201))
        elif path in self.answers or path in self._aliases():
            link.sendall(told(self.answers.get(path, self._aliases().get(path))))
        else:
            link.sendall(told({"message": f"no such thing: {path}"}, 404))

    def _aliases(self) -> dict[str, Any]:
        return {f"containers/{ID}/json": self.answers.get("containers/web/json")}


def told(body: Any, status: int = 200) -> bytes:
    """An answer of JSON as it goes over the wire."""
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


def _request(link: socket.socket) -> str:
    """The path of one request, whole, without version and query; empty at the end."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = link.recv(65536)
        if not more:
            return ""
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += link.recv(65536)
    path = head.split(b" ")[1].decode().partition("?")[0]
    return re.sub(r"^/(v[0-9.]+/)?", "", path)


@contextmanager
def fake_engine(folder: Path) -> Iterator[FakeEngine]:
    """One that listens for as long as the block runs."""
    path = folder / "engine.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(64)
        engine = FakeEngine(f"unix://{path}")

        def listen() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=engine.handle, args=(link,), daemon=True).start()

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        try:
            yield engine
        finally:
            server.shutdown(socket.SHUT_RDWR)
            listening.join()
