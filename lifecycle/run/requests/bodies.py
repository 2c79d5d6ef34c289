"""Bodies of requests, read as the engine reads them: in Go, whose keys have no case.

``{"hostconfig": ...}`` is a HostConfig to the engine, and of two spellings of one key the last
counts, or both in parts. So a body is read here with every key that matters in its one spelling,
two of one key are refused, and what was read is what is sent on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lifecycle.text.json_object import Json

Shape = Mapping[str, Any]
"""Keys that matter, and the shape of what each holds: a mapping, a list of one, or None."""

_ANY = "*"
"""Stands for every key of a map whose keys are names."""
_ENDPOINT: Shape = {
    "Aliases": None,
    "Links": None,
    "NetworkID": None,
    "EndpointID": None,
    "MacAddress": None,
}
_DRIVER: Shape = {"Name": None, "Options": None}
_MOUNT: Shape = {
    "Type": None,
    "Source": None,
    "Target": None,
    "BindOptions": {"CreateMountpoint": None},
    "VolumeOptions": {"DriverConfig": _DRIVER, "Labels": None},
}
_HOST: Shape = {
    "Binds": None,
    "Mounts": [_MOUNT],
    "NetworkMode": None,
    "PidMode": None,
    "IpcMode": None,
    "UTSMode": None,
    "UsernsMode": None,
    "CgroupnsMode": None,
    "Cgroup": None,
    "VolumeDriver": None,
    "VolumesFrom": None,
    "Links": None,
    "AutoRemove": None,
    "CgroupParent": None,
    "RestartPolicy": {"Name": None},
    "LogConfig": {"Type": None, "Config": None},
}
CONTAINER: Shape = {
    "Image": None,
    "MacAddress": None,
    "HostConfig": _HOST,
    "NetworkingConfig": {"EndpointsConfig": {_ANY: _ENDPOINT}},
}
UPDATE: Shape = {"RestartPolicy": {"Name": None}}
CONNECT: Shape = {"Container": None, "EndpointConfig": _ENDPOINT}
NETWORK: Shape = {
    "Name": None,
    "CheckDuplicate": None,
    "Options": None,
    "ConfigFrom": {"Network": None},
    "ConfigOnly": None,
    "Scope": None,
    "Ingress": None,
    "IPAM": {
        "Driver": None,
        "Options": None,
        "Config": [{"Subnet": None, "IPRange": None, "Gateway": None}],
    },
}
VOLUME: Shape = {"Name": None, "Driver": None, "DriverOpts": None, "Labels": None}
CHECKPOINT: Shape = {"CheckpointID": None, "CheckpointDir": None}
NOTHING: Shape = {}
BUILT_IN = frozenset({"", "default", "bridge", "host", "none"})
"""Networks that every engine has."""
_OF_CONTAINERS = (
    *("NetworkMode", "PidMode", "IpcMode", "UTSMode"),
    *("UsernsMode", "CgroupnsMode", "Cgroup"),
)
_TWINS = str.maketrans({"\u017f": "s", "\u212a": "k"})
"""What Go takes for an ASCII letter in a key: the long s, and the sign of Kelvin."""


_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class BodyError(Exception):
    """A body that the engine would read in another way than we do; the message says why."""


def read(body: bytes, shape: Shape) -> Json:
    """Read a body; an empty one is an empty object. Raises BodyError."""
    if not body.strip():
        return {}
    value = read_any(body, shape)
    if not isinstance(value, dict):
        raise BodyError("the body is no JSON object")
    return value


def read_any(text: bytes | str, shape: Any) -> Any:
    """Read JSON of whatever kind. Raises BodyError."""
    try:
        # Go reads UTF-8, and another character in place of what is none.
        plain = text if isinstance(text, str) else text.decode("utf-8")
        value = json.loads(
            plain,
            object_pairs_hook=_Pairs,
            parse_constant=_no_constant,
            parse_float=_number,
            parse_int=_whole_number,
        )
        return _settled(value, shape, "")
    except RecursionError:
        raise BodyError("the body is nested too deep") from None
    except ValueError as error:
        raise BodyError(f"the body is no JSON: {error}") from None


def folded(key: str) -> str:
    """A key as Go compares it: ASCII has no case."""
    plain = key.translate(_TWINS)
    return plain.lower() if plain.isascii() else plain


def written(value: Json) -> bytes:
    """The body to send on."""
    return json.dumps(value).encode()


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written: its keys in order, with those that stand twice."""


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is larger than a number may be")
    return value


def _whole_number(text: str) -> int:
    _number(text)  # Python counts digits of its own accord, and says so in words of its own
    return int(text)


def _settled(value: Any, shape: Any, where: str) -> Any:
    """The value with its keys in their one spelling."""
    if isinstance(value, _Pairs):
        shape = shape if isinstance(shape, Mapping) else NOTHING
        known = {folded(k): k for k in shape if k != _ANY}
        made: Json = {}
        for written_as, member in value:
            key = known.get(folded(written_as)) or _whole(written_as, where)
            if key in made:
                raise BodyError(f"{where}{key} stands twice")
            made[key] = _settled(member, shape.get(key, shape.get(_ANY)), f"{where}{key}.")
        return made
    if isinstance(value, list):
        inner = shape[0] if isinstance(shape, list) else None
        return [_settled(one, inner, where) for one in value]
    return _whole(value, where) if isinstance(value, str) else value


def _whole(text: str, where: str) -> str:
    """A text; raises BodyError for what is none to the engine, or to its kernel.

    Go reads another character for half of one, and a zero ends a name for the kernel.
    """
    if _NO_TEXT.search(text):
        raise BodyError(f"{where.rstrip('.') or 'the body'} holds {text[:40]!r}, which is no text")
    return text


@dataclass(frozen=True)
class Join:
    """What a container would be joined to: ``kind`` and the name that the body gives it."""

    kind: str
    name: str


@dataclass(frozen=True)
class NewVolume:
    """How a volume is to be made that is not there."""

    driver: str
    options: Mapping[str, str]
    labels: Mapping[str, str]


def joins(body: Json) -> Iterator[Join]:
    """The containers, networks and volumes that a container is to share. Raises BodyError."""
    stray = {folded(k) for k in body} & {folded(k) for k in _HOST}
    if stray:
        raise BodyError(f"{min(stray)} stands outside HostConfig, where old engines read it")
    host = mapping(body.get("HostConfig"), "HostConfig")
    yield from _modes(host)
    for key in ("VolumesFrom", "Links"):
        for text in _texts(host.get(key), key):
            yield Join("container", text.partition(":")[0])
    networking = mapping(body.get("NetworkingConfig"), "NetworkingConfig")
    endpoints = mapping(networking.get("EndpointsConfig"), "EndpointsConfig")
    for name, endpoint in endpoints.items():
        if name not in BUILT_IN:
            yield Join("network", name)
        yield from links(mapping(endpoint, name))
    for source in sources(body):
        if source and not source.startswith("/"):
            yield Join("volume", source)


def control_group(body: Json) -> str:
    """The control group that a container is to stand below; empty for the engine's own."""
    return text_of(
        mapping(body.get("HostConfig"), "HostConfig").get("CgroupParent"), "CgroupParent"
    )


def mac_addresses(body: Json) -> Iterator[str]:
    """The hardware addresses that a container is to have on its networks. Raises BodyError."""
    networking = mapping(body.get("NetworkingConfig"), "NetworkingConfig")
    endpoints = mapping(networking.get("EndpointsConfig"), "EndpointsConfig")
    for one in (body, *(mapping(endpoint, name) for name, endpoint in endpoints.items())):
        if address := text_of(one.get("MacAddress"), "MacAddress"):
            yield address


def restarts(body: Json) -> bool:
    """Whether the engine is to start a container again by itself. Raises BodyError."""
    host = mapping(body.get("HostConfig"), "HostConfig")
    policy = mapping(host.get("RestartPolicy"), "RestartPolicy")
    return text_of(policy.get("Name"), "Name") not in {"", "no"}


def checkpoint(body: Json) -> tuple[str, str]:
    """The name of a checkpoint, and the folder that it is to be in. Raises BodyError."""
    name, folder = body.get("CheckpointID"), body.get("CheckpointDir")
    return text_of(name, "CheckpointID"), text_of(folder, "CheckpointDir")


def log_config(body: Json) -> tuple[str, dict[str, str]]:
    """A container's log driver, empty for the engine's usual one, and its options."""
    host = mapping(body.get("HostConfig"), "HostConfig")
    config = mapping(host.get("LogConfig"), "LogConfig")
    return text_of(config.get("Type"), "Type"), options_of(config, "Config")


def _modes(host: Json) -> Iterator[Join]:
    """What of a container's namespaces is another's."""
    for key in _OF_CONTAINERS:
        mode = text_of(host.get(key), key)
        if mode.startswith("container:"):
            yield Join("container", mode.removeprefix("container:"))
        elif key == "NetworkMode" and mode not in BUILT_IN:
            yield Join("network", mode)


def networks_of(container: Json) -> set[str]:
    """The networks that a container's inspect names, but for those that every engine has."""
    host, settings = container.get("HostConfig") or {}, container.get("NetworkSettings") or {}
    names = {str(host.get("NetworkMode") or ""), *(settings.get("Networks") or {})}
    return {n for n in names if n not in BUILT_IN and not n.startswith("container:")}


def links(endpoint: Json) -> Iterator[Join]:
    """The containers and the network that an endpoint names besides its own."""
    for text in _texts(endpoint.get("Links"), "Links"):
        yield Join("container", text.partition(":")[0])
    if text_of(endpoint.get("NetworkID"), "NetworkID"):
        yield Join("network", str(endpoint["NetworkID"]))


def sources(body: Json) -> Iterator[str]:
    """What is mounted: absolute paths of the host, and names of volumes."""
    return (source for source, _ in mounted(body))


def mounted(body: Json) -> Iterator[tuple[str, NewVolume]]:
    """The same, in the engine's order, and how what is a volume is to be made."""
    host = mapping(body.get("HostConfig"), "HostConfig")
    driver = text_of(host.get("VolumeDriver"), "VolumeDriver")
    yield from ((source, NewVolume(driver, {}, {})) for source in _binds(host))
    for mount in _mounts(host):
        if text_of(mount.get("Type"), "Type").lower() in {"volume", "bind"}:
            options = mapping(mount.get("VolumeOptions"), "VolumeOptions")
            yield (
                text_of(mount.get("Source"), "Source"),
                _new_volume(
                    mapping(options.get("DriverConfig"), "DriverConfig"), options, "Name", "Options"
                ),
            )


def new_volume(body: Json) -> NewVolume:
    """How ``POST /volumes/create`` makes a volume. Raises BodyError."""
    return _new_volume(body, body, "Driver", "DriverOpts")


def _new_volume(driver: Json, labelled: Json, name: str, options: str) -> NewVolume:
    return NewVolume(
        text_of(driver.get(name), name), options_of(driver, options), options_of(labelled, "Labels")
    )


def folders_to_make(body: Json) -> Iterator[str]:
    """Paths of the host that the engine makes where they are not there.

    They are those of ``-v``, and of a mount that says so.
    """
    host = mapping(body.get("HostConfig"), "HostConfig")
    yield from (source for source in _binds(host) if source.startswith("/"))
    for mount in _mounts(host):
        if mapping(mount.get("BindOptions"), "BindOptions").get("CreateMountpoint"):
            yield text_of(mount.get("Source"), "Source")


def _binds(host: Json) -> Iterator[str]:
    for text in _texts(host.get("Binds"), "Binds"):
        source, colon, _ = text.partition(":")
        if colon:
            yield source


def volume_options(body: Json) -> Iterator[dict[str, str]]:
    """The options of the volumes that a container's mounts would make."""
    for mount in _mounts(mapping(body.get("HostConfig"), "HostConfig")):
        options = mapping(mount.get("VolumeOptions"), "VolumeOptions")
        yield options_of(mapping(options.get("DriverConfig"), "DriverConfig"), "Options")


def options_of(body: Json, key: str) -> dict[str, str]:
    """Options of a driver, by the key that holds them. Raises BodyError."""
    return {name: text_of(value, name) for name, value in mapping(body.get(key), key).items()}


def _mounts(host: Json) -> Iterator[Json]:
    for mount in items(host.get("Mounts"), "Mounts"):
        yield mapping(mount, "Mounts")


def without_aliases(endpoint: Any) -> Json:
    """An endpoint of somebody's network: no name of ours is known there."""
    return {**mapping(endpoint, "EndpointConfig"), "Aliases": []}


def exported(outputs: str) -> list[str]:
    """The tags that BuildKit gives an image as an attribute of where it goes. Raises BodyError."""
    tags: list[str] = []
    for one in items(read_any(outputs or "null", [{"Attrs": None}]), "outputs"):
        attributes = mapping(mapping(one, "outputs").get("Attrs"), "Attrs")
        tags += [tag for tag in str(attributes.get("name") or "").split(",") if tag]
    return tags


def mapping(value: Any, where: str) -> Json:
    """An object, empty where there is none. Raises BodyError."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BodyError(f"{where} is no object")
    return value


def items(value: Any, where: str) -> list[Any]:
    """A list, empty where there is none. Raises BodyError."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BodyError(f"{where} is no list")
    return value


def _texts(value: Any, where: str) -> list[str]:
    return [text_of(one, where) for one in items(value, where)]


def text_of(value: Any, where: str) -> str:
    """A text; empty for none. Raises BodyError."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyError(f"{where} is no text")
    return value
