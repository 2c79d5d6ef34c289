"""What an engine's answers are made of, as far as anybody here reads them, and the one reader.

An engine leaves out what it has nothing to say of, or says null: both mean the same, and here
neither is kept. What is there has the type that the API's description gives it, or the answer is
refused in a sentence: who reads it later need not doubt it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lifecycle.engine.bounded import UnreadableError
from lifecycle.text.json_object import Json

Leaf = Literal["text", "a whole number", "true or false", "anything"]


@dataclass(frozen=True)
class Each:
    """A mapping of names of any kind; ``or_null`` says that a null in it means something."""

    of: Any
    or_null: bool = False


TEXT: Leaf = "text"
WHOLE: Leaf = "a whole number"
TRUTH: Leaf = "true or false"
ANY: Leaf = "anything"
TEXTS = [TEXT]
NAMED = Each(TEXT)

# In a mapping of keys, "!key" must be there, and "=key" is filled in where it is not.

_BINDINGS = Each([{"=HostIp": TEXT, "=HostPort": TEXT}], or_null=True)
_HEALTHCHECK = {
    "Test": TEXTS,
    **dict.fromkeys(("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"), WHOLE),
}
_CONFIG = {
    **dict.fromkeys(("Hostname", "Domainname", "User", "Image", "WorkingDir"), TEXT),
    **dict.fromkeys(("MacAddress", "StopSignal"), TEXT),
    **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr"), TRUTH),
    **dict.fromkeys(("Tty", "OpenStdin", "StdinOnce", "NetworkDisabled"), TRUTH),
    **dict.fromkeys(("Env", "Cmd", "Entrypoint", "OnBuild", "Shell"), TEXTS),
    **dict.fromkeys(("Volumes", "ExposedPorts"), Each(ANY, or_null=True)),
    "Labels": NAMED,
    "StopTimeout": WHOLE,
    "Healthcheck": _HEALTHCHECK,
}
_RATES = [{"!Path": TEXT, "=Rate": WHOLE, "=Weight": WHOLE}]
_HOST_CONFIG = {
    **dict.fromkeys(("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode"), TEXT),
    **dict.fromkeys(("CgroupnsMode", "Cgroup", "CgroupParent", "Isolation", "Runtime"), TEXT),
    **dict.fromkeys(("VolumeDriver", "ContainerIDFile", "CpusetCpus", "CpusetMems"), TEXT),
    **dict.fromkeys(("AutoRemove", "PublishAllPorts", "Privileged", "ReadonlyRootfs"), TRUTH),
    **dict.fromkeys(("Init", "OomKillDisable"), TRUTH),
    **dict.fromkeys(("Memory", "MemorySwap", "MemoryReservation", "MemorySwappiness"), WHOLE),
    **dict.fromkeys(("KernelMemory", "NanoCpus", "CpuShares", "CpuPeriod", "CpuQuota"), WHOLE),
    **dict.fromkeys(("CpuRealtimePeriod", "CpuRealtimeRuntime", "PidsLimit"), WHOLE),
    **dict.fromkeys(("OomScoreAdj", "ShmSize", "BlkioWeight"), WHOLE),
    **dict.fromkeys(("BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps"), _RATES),
    **dict.fromkeys(("BlkioDeviceReadIOps", "BlkioDeviceWriteIOps"), _RATES),
    **dict.fromkeys(("Binds", "VolumesFrom", "CapAdd", "CapDrop", "GroupAdd", "Links"), TEXTS),
    **dict.fromkeys(("Dns", "DnsOptions", "DnsSearch", "ExtraHosts", "SecurityOpt"), TEXTS),
    **dict.fromkeys(("MaskedPaths", "ReadonlyPaths", "DeviceCgroupRules"), TEXTS),
    **dict.fromkeys(("Tmpfs", "Sysctls", "StorageOpt", "Annotations"), NAMED),
    "PortBindings": _BINDINGS,
    "LogConfig": {"Type": TEXT, "Config": NAMED},
    "RestartPolicy": {"Name": TEXT, "MaximumRetryCount": WHOLE},
    "Devices": [dict.fromkeys(("PathOnHost", "PathInContainer", "CgroupPermissions"), TEXT)],
    "DeviceRequests": [
        {
            "Driver": TEXT,
            "Count": WHOLE,
            "DeviceIDs": TEXTS,
            "Capabilities": [TEXTS],
            "Options": NAMED,
        }
    ],
    "Ulimits": [{"!Name": TEXT, "!Soft": WHOLE, "!Hard": WHOLE}],
    "Mounts": [
        {
            "!Target": TEXT,
            "=Type": TEXT,
            "=Source": TEXT,
            "ReadOnly": TRUTH,
            "Consistency": TEXT,
            "BindOptions": Each(ANY),
            "VolumeOptions": {
                "NoCopy": TRUTH,
                "Labels": NAMED,
                "Subpath": TEXT,
                "DriverConfig": {"Name": TEXT, "Options": NAMED},
            },
            "TmpfsOptions": {"SizeBytes": WHOLE, "Mode": WHOLE},
            "ImageOptions": Each(ANY),
        }
    ],
}
_ADDRESSES = ("IPAddress", "IPv6Gateway", "GlobalIPv6Address", "Gateway", "MacAddress")
_NETWORKS = Each(
    {
        **dict.fromkeys(_ADDRESSES, TEXT),
        **dict.fromkeys(("NetworkID", "EndpointID"), TEXT),
        **dict.fromkeys(("IPPrefixLen", "GlobalIPv6PrefixLen", "GwPriority"), WHOLE),
        **dict.fromkeys(("Aliases", "Links", "DNSNames"), TEXTS),
        "DriverOpts": NAMED,
        "IPAMConfig": {"IPv4Address": TEXT, "IPv6Address": TEXT, "LinkLocalIPs": TEXTS},
    }
)
_MOUNTS = [
    {
        "!Type": TEXT,
        "!Destination": TEXT,
        "!RW": TRUTH,
        **dict.fromkeys(("=Name", "=Source"), TEXT),
        **dict.fromkeys(("Driver", "Mode", "Propagation"), TEXT),
    }
]
_STATE = {
    "!Status": TEXT,
    "!Running": TRUTH,
    **dict.fromkeys(("=Paused", "Restarting", "OOMKilled", "Dead"), TRUTH),
    "=Pid": WHOLE,
    "ExitCode": WHOLE,
    **dict.fromkeys(("Error", "FinishedAt"), TEXT),
    "!StartedAt": TEXT,
    "Health": {
        "Status": TEXT,
        "FailingStreak": WHOLE,
        "Log": [{"Start": TEXT, "End": TEXT, "ExitCode": WHOLE, "Output": TEXT}],
    },
}

INFO = {
    **dict.fromkeys(("ID", "Name", "KernelVersion", "ServerVersion", "Driver"), TEXT),
    **dict.fromkeys(("CgroupVersion", "CgroupDriver", "DockerRootDir", "OSType"), TEXT),
    **dict.fromkeys(
        ("HttpProxy", "HttpsProxy", "NoProxy", "DefaultRuntime", "LoggingDriver"), TEXT
    ),
    "SecurityOptions": TEXTS,
    "Runtimes": Each(ANY),
    "DiscoveredDevices": [{"ID": TEXT, "Source": TEXT}],
}
VERSION = dict.fromkeys(("Version", "ApiVersion", "MinAPIVersion", "Os", "Arch"), TEXT)
CONTAINER = {
    **dict.fromkeys(("!Id", "!Name", "!Image"), TEXT),
    **dict.fromkeys(("Created", "Path", "Driver", "Platform", "HostnamePath"), TEXT),
    **dict.fromkeys(("Args", "ExecIDs"), TEXTS),
    "RestartCount": WHOLE,
    "!State": _STATE,
    "!Config": _CONFIG,
    "!HostConfig": _HOST_CONFIG,
    "=Mounts": _MOUNTS,
    "NetworkSettings": {
        "Ports": _BINDINGS,
        "Networks": _NETWORKS,
        **dict.fromkeys(_ADDRESSES, TEXT),
    },
}
IMAGE = {
    "!Id": TEXT,
    **dict.fromkeys(("Parent", "Container", "Created", "Author", "Comment"), TEXT),
    **dict.fromkeys(("Architecture", "Os", "Variant"), TEXT),
    **dict.fromkeys(("RepoTags", "RepoDigests"), TEXTS),
    "Size": WHOLE,
    "Config": _CONFIG,
    "ContainerConfig": _CONFIG,
    "RootFS": {"Type": TEXT, "Layers": TEXTS},
}
VOLUME = {
    "!Name": TEXT,
    **dict.fromkeys(("Driver", "Mountpoint", "Scope", "CreatedAt"), TEXT),
    **dict.fromkeys(("Labels", "Options"), NAMED),
}
VOLUMES = {"=Volumes": [VOLUME]}
LISTED_NETWORK = {"!Id": TEXT, "!Name": TEXT}
NETWORK = {
    **LISTED_NETWORK,
    **dict.fromkeys(("Driver", "Scope", "Created"), TEXT),
    **dict.fromkeys(("EnableIPv4", "EnableIPv6", "Internal", "Attachable"), TRUTH),
    **dict.fromkeys(("Ingress", "ConfigOnly"), TRUTH),
    **dict.fromkeys(("Options", "Labels"), NAMED),
    "ConfigFrom": {"Network": TEXT},
    "Containers": Each(ANY),
    "IPAM": {
        "Driver": TEXT,
        "Options": NAMED,
        "Config": [
            {
                **dict.fromkeys(("Subnet", "IPRange", "Gateway"), TEXT),
                "AuxiliaryAddresses": NAMED,
            }
        ],
    },
}
LISTED_CONTAINER = {
    "!Id": TEXT,
    "=Names": TEXTS,
    **dict.fromkeys(("Image", "ImageID", "Command", "State", "Status"), TEXT),
    "Labels": NAMED,
    "Ports": [{"IP": TEXT, "PrivatePort": WHOLE, "PublicPort": WHOLE, "Type": TEXT}],
    "Mounts": [dict.fromkeys(("Type", "Name", "Source", "Destination", "Mode"), TEXT)],
}
LISTED_IMAGE = {"!Id": TEXT, "ParentId": TEXT, "RepoTags": TEXTS, "RepoDigests": TEXTS}
LAYER = {"CreatedBy": TEXT}
MADE = {"!Id": TEXT}
EXEC = {
    **dict.fromkeys(("ID", "=ContainerID"), TEXT),
    "=Running": TRUTH,
    **dict.fromkeys(("ExitCode", "Pid"), WHOLE),
    **dict.fromkeys(("OpenStdin", "OpenStdout", "OpenStderr"), TRUTH),
    "ProcessConfig": {
        **dict.fromkeys(("user", "entrypoint"), TEXT),
        **dict.fromkeys(("tty", "privileged"), TRUTH),
        "arguments": TEXTS,
    },
}
STAT = {
    "=name": TEXT,
    **dict.fromkeys(("=size", "=mode"), WHOLE),
    **dict.fromkeys(("mtime", "=linkTarget"), TEXT),
}

_ZERO: dict[str, Any] = {"text": "", "a whole number": 0, "true or false": False}
_LARGEST = 1 << 64
_SHOWN = 60


def read(answer: Any, shape: Json, what: str) -> Json:
    """Check an answer's shape and drop its nulls; raises UnreadableError for another shape."""
    record: Json = _read(answer, shape, what)
    return record


def read_list(answer: Any, shape: Json, what: str) -> list[Json]:
    """A list of answers of this shape; an empty one where the engine says null."""
    records: list[Json] = [] if answer is None else _read(answer, [shape], what)
    return records


def _read(value: Any, shape: Any, at: str) -> Any:
    if isinstance(shape, dict):
        return _record(_must(value, dict, at, "a mapping"), shape, at)
    if isinstance(shape, list):
        items = _must(value, list, at, "a list")
        return [_read(item, shape[0], f"{at}[{n}]") for n, item in enumerate(items)]
    if isinstance(shape, Each):
        entries = _must(value, dict, at, "a mapping")
        return {k: _entry(v, shape, f"{at}.{k[:_SHOWN]}") for k, v in entries.items()}
    return _leaf(value, shape, at)


def _must(value: Any, kind: type, at: str, expected: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong(value, at, expected)
    return value


def _record(value: Json, shape: Json, at: str) -> Json:
    record = {key: item for key, item in value.items() if item is not None}
    for key, inner in shape.items():
        name, place = key.lstrip("!="), f"{at}.{key.lstrip('!=')}"
        if name in record:
            record[name] = _read(record[name], inner, place)
        elif key[0] == "!":
            raise _wrong(None, place, inner if isinstance(inner, str) else "a mapping")
        elif key[0] == "=":
            record[name] = [] if isinstance(inner, list) else _ZERO[inner]
    return record


def _entry(value: Any, each: Each, at: str) -> Any:
    if value is None and (each.or_null or each.of == ANY):
        return None
    return _read(value, each.of, at)


def _leaf(value: Any, kind: Leaf, at: str) -> Any:
    if kind == WHOLE and isinstance(value, float) and value.is_integer():
        value = int(value)
    fits = {
        "text": isinstance(value, str),
        "a whole number": type(value) is int and -_LARGEST < value < _LARGEST,
        "true or false": isinstance(value, bool),
        "anything": True,
    }
    if not fits[kind]:
        raise _wrong(value, at, kind)
    return value


def _wrong(value: Any, at: str, expected: str) -> UnreadableError:
    return UnreadableError(f"{_shown(value)} at {at}, where {expected} belongs")


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"{'text' if isinstance(value, str) else 'a number'} ({str(value)[:_SHOWN]})"
