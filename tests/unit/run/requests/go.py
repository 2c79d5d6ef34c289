"""How Go's encoding/json reads an object into a struct: a small model of it.

A key is a field's when it is its name, or its name but for case, where the long s and the sign of
Kelvin count as letters; the last one wins, of a list and of a text; an object is merged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lifecycle.run.requests.bodies import Join

Pairs = list[tuple[str, Any]]


class Obj(list[tuple[str, Any]]):
    """An object with its keys in order."""


class NotGoError(Exception):
    """Go refuses it."""


def parse(body: bytes) -> Any:
    def no(name: str) -> float:
        raise NotGoError(name)

    try:
        text = body.decode("utf-8", "replace")
        return json.loads(text, object_pairs_hook=Obj, parse_constant=no)
    except (ValueError, RecursionError) as error:
        raise NotGoError(str(error)) from None


def fold(key: str) -> str:
    """Each letter by the smallest of those that are the same but for case, as unicode says."""
    return "".join({"ſ": "S", "\u212a": "K"}.get(c, c.upper() if c.isascii() else c) for c in key)


def field(seen: Any, *names: str) -> Any:
    """What a decoder finds in nested structs; None where there is nothing."""
    for at, name in enumerate(names):
        if seen is None:
            return None
        if not isinstance(seen, Obj):
            raise NotGoError(name)
        found = [value for key, value in seen if fold(key) == fold(name)]
        objects = [value for value in found if isinstance(value, Obj)]
        if at + 1 < len(names) or objects:
            if any(v is not None and not isinstance(v, Obj) for v in found):
                raise NotGoError(name)
            merged = Obj(pair for one in objects for pair in one)
            # What is null empties a pointer to a struct: what was read before is lost.
            if None in found:
                last = len(found) - 1 - found[::-1].index(None)
                merged = Obj(pair for one in found[last + 1 :] if one for pair in one)
            seen = merged if found else None
        else:
            seen = found[-1] if found else None
    return seen


def texts(seen: Any) -> list[str]:
    if seen is None:
        return []
    if not isinstance(seen, list) or isinstance(seen, Obj):
        raise NotGoError("no list")
    return [text(one) for one in seen]


def text(seen: Any) -> str:
    if seen is None:
        return ""
    if not isinstance(seen, str):
        raise NotGoError("no text")
    return seen.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


NOBODYS = {"", "default", "bridge", "host", "none"}


def joined(seen: Any) -> Iterator[Join]:
    """What a container of this body would share."""
    host = field(seen, "HostConfig")
    yield from _modes(host)
    for key in ("VolumesFrom", "Links"):
        for value in texts(field(host, key)):
            yield Join("container", value.partition(":")[0])
    yield from _volumes(host)
    for name, endpoint in field(seen, "NetworkingConfig", "EndpointsConfig") or []:
        if name not in NOBODYS:
            yield Join("network", name)
        for value in texts(field(endpoint, "Links")):
            yield Join("container", value.partition(":")[0])
        if identity := text(field(endpoint, "NetworkID")):
            yield Join("network", identity)


def _modes(host: Any) -> Iterator[Join]:
    for mode in ("NetworkMode", "PidMode", "IpcMode", "Cgroup"):
        value = text(field(host, mode))
        if value.startswith("container:"):
            yield Join("container", value.removeprefix("container:"))
        elif mode == "NetworkMode" and value not in NOBODYS:
            yield Join("network", value)


def _volumes(host: Any) -> Iterator[Join]:
    for value in texts(field(host, "Binds")):
        source, colon, _ = value.partition(":")
        if colon and source and not source.startswith("/"):
            yield Join("volume", source)
    for mount in field(host, "Mounts") or []:
        source = text(field(mount, "Source"))
        is_volume = text(field(mount, "Type")) == "volume"
        if is_volume and source and not source.startswith("/"):
            yield Join("volume", source)
