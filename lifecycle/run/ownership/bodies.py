"""Bodies of requests, read as the engine reads them: in Go, whose keys have no case.

``{"hostconfig": ...}`` is a HostConfig to the engine, and of two spellings of one key the last
counts, or both in parts. So a body is read here with every key that matters in its one spelling,
two of one key are refused, and what was read is what is sent on.
"""

from __future__ import annotations

import json
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
NETWORK: Shape = {
    "Name": None,
    "CheckDuplicate": None,
    "Options": None,
    "ConfigFrom": {"Network": None},
}
VOLUME: Shape = {"Name": None, "Driver": None, "DriverOpts": None}
NOTHING: Shape = {}
_NOBODYS = frozenset({"", "default", "bridge", "host", "none"})
"""Networks that every engine has."""
_OF_CONTAINERS = ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode")


class BodyError(Exception):
    """A body that the engine would read in another way than we do; the message says why."""


def read(body: bytes, shape: Shape) -> Json:
    """Read a body; an empty one is an empty object. Raises BodyError."""
    if not body.strip():
        return {}
    try:
        value = json.loads(body, object_pairs_hook=_Pairs, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"the body is no JSON: {error}") from None
    if not isinstance(value, _Pairs):
        raise BodyError("the body is no JSON object")
    settled = _settled(value, shape, "")
    assert isinstance(settled, dict)  # noqa: S101 - of pairs a mapping is made
    return settled


def written(value: Json) -> bytes:
    """The body to send on."""
    return json.dumps(value).encode()


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written: its keys in order, with those that stand twice."""


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _settled(value: Any, shape: Any, where: str) -> Any:
    """The value with its keys in their one spelling."""
    if isinstance(value, _Pairs):
        known = {k.casefold(): k for k in shape} if isinstance(shape, Mapping) else {}
        every = shape.get(_ANY) if isinstance(shape, Mapping) else None
        made: Json = {}
        for written_as, held in value:
            _must_be_text(written_as, where)
            key = known.get(written_as.casefold(), written_as)
            if key in made:
                raise BodyError(f"{where}{key} stands twice")
            inner = shape.get(key, every) if isinstance(shape, Mapping) else None
            made[key] = _settled(held, inner, f"{where}{key}.")
        return made
    if isinstance(value, list):
        inner = shape[0] if isinstance(shape, list) else None
        return [_settled(one, inner, where) for one in value]
    if isinstance(value, str):
        _must_be_text(value, where)
    return value


def _must_be_text(value: str, where: str) -> None:
    """Half a character is another one to the engine, and a zero ends a name for the kernel."""
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise BodyError(f"{where.rstrip('.') or 'the body'} holds {value!r}, which is no text")


@dataclass(frozen=True)
class Join:
    """What a container would be joined to: ``kind`` and the name that the body gives it."""

    kind: str
    name: str


def joins(body: Json) -> Iterator[Join]:
    """The containers, networks and volumes that a container is to share. Raises BodyError."""
    stray = {k.casefold() for k in body} & {k.casefold() for k in _HOST}
    if stray:
        raise BodyError(f"{min(stray)} stands outside HostConfig, where old engines read it")
    host = _mapping(body.get("HostConfig"), "HostConfig")
    yield from _modes(host)
    for key in ("VolumesFrom", "Links"):
        for text in _texts(host.get(key), key):
            yield Join("container", text.partition(":")[0].lstrip("/"))
    networking = _mapping(body.get("NetworkingConfig"), "NetworkingConfig")
    endpoints = _mapping(networking.get("EndpointsConfig"), "EndpointsConfig")
    for name, endpoint in endpoints.items():
        if name not in _NOBODYS:
            yield Join("network", name)
        yield from links(_mapping(endpoint, name))
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


def links(endpoint: Json) -> Iterator[Join]:
    """The containers and the network that an endpoint names besides its own."""
    for text in _texts(endpoint.get("Links"), "Links"):
        yield Join("container", text.partition(":")[0])
    if _text(endpoint.get("NetworkID"), "NetworkID"):
        yield Join("network", str(endpoint["NetworkID"]))


def sources(body: Json) -> Iterator[str]:
    """What is mounted: absolute paths of the host, and names of volumes."""
    host = _mapping(body.get("HostConfig"), "HostConfig")
    for text in _texts(host.get("Binds"), "Binds"):
        source, colon, _ = text.partition(":")
        if colon:
            yield source
    for held in _mounts(host):
        if _text(held.get("Type"), "Type").lower() in {"volume", "bind"}:
            yield _text(held.get("Source"), "Source")


def volume_options(body: Json) -> Iterator[Json]:
    """The options of the volumes that a container's mounts would make."""
    for held in _mounts(_mapping(body.get("HostConfig"), "HostConfig")):
        options = _mapping(held.get("VolumeOptions"), "VolumeOptions")
        driver = _mapping(options.get("DriverConfig"), "DriverConfig")
        yield _mapping(driver.get("Options"), "Options")


def options_of(body: Json, key: str) -> Json:
    """Options of a driver, by the key that holds them. Raises BodyError."""
    return _mapping(body.get(key), key)


def _mounts(host: Json) -> Iterator[Json]:
    for mount in _list(host.get("Mounts"), "Mounts"):
        yield _mapping(mount, "Mounts")


def without_aliases(endpoint: Any) -> Json:
    """An endpoint of somebody's network: no name of ours is known there."""
    return {**_mapping(endpoint, "EndpointConfig"), "Aliases": []}


def _mapping(value: Any, where: str) -> Json:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BodyError(f"{where} is no object")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BodyError(f"{where} is no list")
    return value


def _texts(value: Any, where: str) -> list[str]:
    return [_text(one, where) for one in _list(value, where)]


def _text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyError(f"{where} is no text")
    return value
