"""Networks: ``--network``, ``--add-host``, ``--link``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lifecycle.command.flag_row import Said, Shape
from lifecycle.command.values.basic import ImpossibleError, address, integer, mac_address
from lifecycle.command.values.csv_fields import fields

BUILT_IN = frozenset({"bridge", "host", "none", "default"})
_KEYS = frozenset(
    {"name", "alias", "driver-opt", "ip", "ip6", "mac-address", "link-local-ip", "gw-priority"}
)
_READ = {
    "ip": address,
    "ip6": address,
    "link-local-ip": address,
    "mac-address": mac_address,
    "gw-priority": integer,
}

Attachment = dict[str, Any]
"""A network by ``name``, and what else its ``--network`` says, a list for each key."""


def network(text: str) -> Attachment:
    """The network and how a container is on it, from the short or the long form."""
    name, _ = network_at(text)
    if not name or name == "container:":
        raise ImpossibleError("no network is named")
    held: Attachment = {"name": name}
    for field in fields(text) if "=" in text else ():
        key, value = field.key.lower(), field.value or ""
        if key != "name":
            held.setdefault(key, []).append(_READ[key](value) if key in _READ else value)
    return held


def network_at(text: str) -> tuple[str, int]:
    """The network's name and where it stands in the text."""
    if "=" not in text:
        return text, 0
    name, at = "", 0
    for field in fields(text):
        if field.value is None or field.key.lower() not in _KEYS:
            raise ImpossibleError(f"invalid field {field.key}", "write name=NETWORK,alias=NAME")
        if field.key.lower() == "name":
            name, at = field.value, field.at
    return name, at


def is_user_network(name: str) -> bool:
    """Whether a network is one that somebody made."""
    return bool(name) and name not in BUILT_IN and not name.startswith("container:")


def its_name(held: Attachment) -> Iterator[Said]:
    """The network that the container is on."""
    yield "", held["name"], ""


def its_name_inside(held: Attachment) -> Iterator[Said]:
    """The same, where an address inside can show it: the host's network has none of its own."""
    if held["name"] != "host":
        yield from its_name(held)


def its_aliases(held: Attachment) -> Iterator[Said]:
    """The names that the container has on that network."""
    for alias in held.get("alias", ()):
        yield "", {"network": held["name"], "alias": alias}, ""


def its(key: str) -> Shape:
    """What the long form says under one key."""

    def shape(held: Attachment) -> Iterator[Said]:
        for value in held.get(key, ()):
            yield "", value, ""

    return shape


def an_alias(text: str) -> Iterator[Said]:
    """An alias on whichever network the line names."""
    yield "", {"network": "", "alias": text}, ""


def a_host(text: str) -> Iterator[Said]:
    """``HOST:IP`` of --add-host, in its parts."""
    at = min(i for i in (text.find("="), text.find(":")) if i >= 0)
    number = text[at + 1 :]
    if number.startswith("["):
        number = number.removeprefix("[").removesuffix("]")
    yield "", {"host": text[:at], "address": number}, ""


def a_link(text: str) -> Iterator[Said]:
    """``CONTAINER[:ALIAS]`` of --link; without an alias the name is one."""
    name, _, alias = text.partition(":")
    yield "", {"container": name, "alias": alias or name}, ""


def volumes_from(text: str) -> dict[str, Any]:
    """``CONTAINER[:ro]`` of --volumes-from."""
    name, colon, mode = text.partition(":")
    modes = mode.split(",") if colon else []
    unknown = [m for m in modes if m not in {"ro", "rw", "z", "Z", "nocopy"}]
    if not name or unknown:
        raise ImpossibleError("not CONTAINER[:ro|rw]")
    return {"container": name, "readonly": "ro" in modes}
