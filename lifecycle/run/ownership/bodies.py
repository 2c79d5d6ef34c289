"""Bodies of requests, read as the engine reads them: in Go, whose keys have no case.

``{"hostconfig": ...}`` is a HostConfig to the engine, and of two spellings of one key the last
counts, or both in parts. So a body is read here with every key that matters in its one spelling,
two of one key are refused, and what was read is what is sent on.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Shape = Mapping[str, Any]
"""Keys that matter, and the shape of what each holds: a mapping, a list of one, or None."""

_ANY = "*"
"""Stands for every key of a map whose keys are names."""
_ENDPOINT: Shape = {"Aliases": None, "Links": None, "NetworkID": None, "EndpointID": None}
_DRIVER: Shape = {"Name": None, "Options": None}
_MOUNT: Shape = {
    "Type": None,
    "Source": None,
    "Target": None,
    "VolumeOptions": {"DriverConfig": _DRIVER},
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
    "VolumesFrom": None,
    "Links": None,
    "AutoRemove": None,
}
CONTAINER: Shape = {
    "Image": None,
    "HostConfig": _HOST,
    "NetworkingConfig": {"EndpointsConfig": {_ANY: _ENDPOINT}},
}
CONNECT: Shape = {"Container": None, "EndpointConfig": _ENDPOINT}
NETWORK: Shape = {"Name": None, "CheckDuplicate": None, "ConfigFrom": {"Network": None}}
VOLUME: Shape = {"Name": None, "Driver": None, "DriverOpts": None}
NOTHING: Shape = {}
_NOBODYS = frozenset({"", "default", "bridge", "host", "none"})
"""Networks that every engine has."""
_OF_CONTAINERS = (
    *("NetworkMode", "PidMode", "IpcMode", "UTSMode"),
    *("UsernsMode", "CgroupnsMode", "Cgroup"),
)
_TWINS = str.maketrans({"\u017f": "s", "\u212a": "k"})
"""What Go takes for an ASCII letter in a key: the long s, and the sign of Kelvin."""
_PATHS = re.compile(r"[,:=]")
"""Where a path can begin in the options of a mount: ``lowerdir=/a:/b,upperdir=/c``."""


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
            plain, object_pairs_hook=_Pairs, parse_constant=_no_constant, parse_float=_number
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


def _settled(value: Any, shape: Any, where: str) -> Any:
    """The value with its keys in their one spelling."""
    if isinstance(value, _Pairs):
        shape = shape if isinstance(shape, Mapping) else NOTHING
        known = {folded(k): k for k in shape if k != _ANY}
        made: Json = {}
        for written_as, held in value:
            key = known.get(folded(written_as), _whole(written_as))
            if key in made:
                raise BodyError(f"{where}{key} stands twice")
            made[key] = _settled(held, shape.get(key, shape.get(_ANY)), f"{where}{key}.")
        return made
    if isinstance(value, list):
        inner = shape[0] if isinstance(shape, list) else None
        return [_settled(one, inner, where) for one in value]
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    """A text without halves of characters, for which Go reads another character."""
    if not text.isascii():
        text.encode("utf-8")
    return text


@dataclass(frozen=True)
class Join:
    """What a container would be joined to: ``kind`` and the name that the body gives it."""

    kind: str
    name: str


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
        if name not in _NOBODYS:
            yield Join("network", name)
        yield from links(mapping(endpoint, name))
    for source in sources(body):
        if source and not source.startswith("/"):
            yield Join("volume", source)


def _modes(host: Json) -> Iterator[Join]:
    """What of a container's namespaces is another's."""
    for key in _OF_CONTAINERS:
        mode = _text(host.get(key), key)
        if mode.startswith("container:"):
            yield Join("container", mode.removeprefix("container:"))
        elif key == "NetworkMode" and mode not in _NOBODYS:
            yield Join("network", mode)


def networks_of(container: Json) -> set[str]:
    """The networks that a container's inspect names, but for those that every engine has."""
    host, settings = container.get("HostConfig") or {}, container.get("NetworkSettings") or {}
    names = {str(host.get("NetworkMode") or ""), *(settings.get("Networks") or {})}
    return {n for n in names if n not in _NOBODYS and not n.startswith("container:")}


def links(endpoint: Json) -> Iterator[Join]:
    """The containers and the network that an endpoint names besides its own."""
    for text in _texts(endpoint.get("Links"), "Links"):
        yield Join("container", text.partition(":")[0])
    if _text(endpoint.get("NetworkID"), "NetworkID"):
        yield Join("network", str(endpoint["NetworkID"]))


def sources(body: Json) -> Iterator[str]:
    """What is mounted: absolute paths of the host, names of volumes, devices behind them."""
    host = mapping(body.get("HostConfig"), "HostConfig")
    for text in _texts(host.get("Binds"), "Binds"):
        source, colon, _ = text.partition(":")
        if colon:
            yield source
    for mount in items(host.get("Mounts"), "Mounts"):
        held = mapping(mount, "Mounts")
        if _text(held.get("Type"), "Type").lower() in {"volume", "bind"}:
            yield _text(held.get("Source"), "Source")
        options = mapping(held.get("VolumeOptions"), "VolumeOptions")
        yield from devices(mapping(options.get("DriverConfig"), "DriverConfig").get("Options"))


def devices(options: Any) -> Iterator[str]:
    """The paths of the host that a volume's options mount.

    The engine runs in ``/``: there a device without a slash in front begins.
    """
    for key, value in mapping(options, "Options").items():
        text = _text(value, key)
        if key.lower() == "device" and text:
            yield f"/{text.removeprefix('/')}"
        else:
            yield from (p for p in _PATHS.split(text) if p.startswith("/"))


def without_aliases(endpoint: Any) -> Json:
    """An endpoint of somebody's network: no name of ours is known there."""
    return {**mapping(endpoint, "EndpointConfig"), "Aliases": []}


def holds_one_of(source: str, own: tuple[str, ...], *, real: bool) -> str:
    """Which of the engine's own places a folder of the host is, holds or is in; else empty.

    ``real``: the folder is on this machine, so that its links can be followed. Raises BodyError
    for a link that can't: the engine, which may follow it, comes to who knows where.
    """
    try:
        path = os.path.realpath(source) if real else os.path.normpath(source)
    except (OSError, ValueError) as error:
        raise BodyError(f"where {source!r} leads can't be told: {error}") from None
    for place in own:
        if (
            path == place
            or place.startswith(f"{path.rstrip('/')}/")
            or path.startswith(f"{place}/")
        ):
            return place
    return ""


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
    return [_text(one, where) for one in items(value, where)]


def _text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyError(f"{where} is no text")
    return value
