"""Promises about networks, volumes and images that their own inspect answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, ThingJudge, ThingRule
from lifecycle.command.promise import Promise
from lifecycle.command.values.changes import Change
from lifecycle.facts.model import Facts
from lifecycle.text.json_object import Json

Read = Callable[[Json, Promise], Any]


def _judge(kind: str, doc: str, source: str, read: Read) -> ThingJudge:
    """Make a judge of one field, which compares what ``read`` takes from the inspect."""

    def judged(promise: Promise, facts: Facts) -> Check:
        known = {"network": facts.networks, "volume": facts.volumes, "image": facts.images}
        inspect = known[kind].get(promise.about.name) if promise.about else None
        if inspect is None:
            reason = f"the {kind} was not made" if promise.about else f"the {kind} has no name"
            return unverified(PHRASE, promise.expected, reason)
        actual = read(inspect, promise)
        return compare(PHRASE, promise.expected, actual, f"{kind} inspect .{source}")

    judged.__doc__ = doc
    return judged


def _plain(key: str) -> Read:
    """The value under one key."""
    return lambda inspect, _: inspect.get(key)


def _keyed(read: Callable[[Json], Any], field: str) -> Read:
    """The value that a mapping has for the promise's own key."""
    return lambda inspect, promise: (read(inspect) or {}).get(
        promise.field.removeprefix(f"{field}.")
    )


def _pool(key: str) -> Read:
    """One of the address pools of a network has that value."""

    def read(inspect: Json, promise: Promise) -> Any:
        pools = (inspect.get("IPAM") or {}).get("Config") or []
        values = [
            pool[key].partition("/")[0] if key == "Gateway" else pool[key]
            for pool in pools
            if pool.get(key)
        ]
        return promise.expected if promise.expected in values else (values or None)

    return read


def _auxiliary(inspect: Json) -> Json:
    pools = (inspect.get("IPAM") or {}).get("Config") or []
    return {k: v for p in pools for k, v in (p.get("AuxiliaryAddresses") or {}).items()}


def _ipv4(inspect: Json, _: Promise) -> Any:
    """An engine that does not know the switch has IPv4 on."""
    return inspect.get("EnableIPv4", True)


def _platform(inspect: Json, promise: Promise) -> str:
    """As much of the platform as was written."""
    parts = [inspect.get("Os", ""), inspect.get("Architecture", ""), inspect.get("Variant", "")]
    return "/".join(p for p in parts[: len(promise.expected_as(str).split("/"))] if p)


def _change(inspect: Json, promise: Promise) -> Any:
    """What the image's configuration has where an instruction would set it."""
    wanted, config = promise.expected_as(Change), inspect.get("Config") or {}
    name, shown = wanted.instruction, wanted.to_json()
    if name in {"ENV", "LABEL"}:
        env = dict(e.partition("=")[::2] for e in config.get("Env") or [])
        values = env if name == "ENV" else config.get("Labels") or {}
        return {**shown, "value": values.get(wanted.key)}
    if name in {"EXPOSE", "VOLUME"}:
        listed = list(config.get(_KEYS[name]) or {})
        return wanted if wanted.value in listed else {**shown, "value": listed}
    if name == "ONBUILD":
        listed = list(config.get("OnBuild") or [])
        return wanted if wanted.value in listed else {**shown, "value": listed}
    return {**shown, "value": config.get(_KEYS[name])}


_KEYS = {
    "CMD": "Cmd",
    "ENTRYPOINT": "Entrypoint",
    "EXPOSE": "ExposedPorts",
    "STOPSIGNAL": "StopSignal",
    "USER": "User",
    "VOLUME": "Volumes",
    "WORKDIR": "WorkingDir",
}


def _network(doc: str, source: str, read: Read | None = None, phrase: str = "") -> ThingRule:
    return ThingRule(_judge("network", doc, source, read or _plain(source)), phrase)


def _config_from(promise: Promise, facts: Facts) -> Check:
    """``--config-from``: the template that it was made from."""
    inspect = facts.networks.get(promise.about.name) if promise.about else None
    if inspect is None:
        return unverified(PHRASE, promise.expected, "the network was not made")
    real = (inspect.get("ConfigFrom") or {}).get("Network", "")
    actual = facts.written("network", real)
    return compare(PHRASE, promise.expected, actual, "network inspect .ConfigFrom")


def _volume(doc: str, source: str, read: Read | None = None, phrase: str = "") -> ThingRule:
    return ThingRule(_judge("volume", doc, source, read or _plain(source)), phrase)


def _image(doc: str, source: str, read: Read | None = None, phrase: str = "") -> ThingRule:
    return ThingRule(_judge("image", doc, source, read or _plain(source)), phrase)


RULES: dict[str, ThingRule] = {
    "network.driver": _network("``--driver``.", "Driver"),
    "network.internal": _network("``--internal``: cut off from the outside.", "Internal"),
    "network.attachable": _network("``--attachable``.", "Attachable"),
    "network.ingress": _network("``--ingress``.", "Ingress"),
    "network.ipv4": _network("``--ipv4``: whether it has IPv4.", "EnableIPv4", _ipv4),
    "network.ipv6": _network("``--ipv6``: whether it has IPv6.", "EnableIPv6"),
    "network.scope": _network("``--scope``.", "Scope"),
    "network.config_only": _network(
        "``--config-only``: a template only.", "ConfigOnly", phrase="is only a template"
    ),
    "network.config_from": ThingRule(_config_from, "is made from"),
    "network.labels": _network(
        "``--label``.", "Labels", _keyed(lambda n: n.get("Labels"), "network.labels")
    ),
    "network.options": _network(
        "``--opt`` of its driver.", "Options", _keyed(lambda n: n.get("Options"), "network.options")
    ),
    "network.subnet": _network("``--subnet``.", "IPAM.Config", _pool("Subnet")),
    "network.gateway": _network("``--gateway``.", "IPAM.Config", _pool("Gateway")),
    "network.ip_range": _network(
        "``--ip-range``.", "IPAM.Config", _pool("IPRange"), phrase="gives addresses of"
    ),
    "network.aux_address": _network(
        "``--aux-address``.", "IPAM.Config", _keyed(_auxiliary, "network.aux_address")
    ),
    "network.ipam_driver": _network(
        "``--ipam-driver``.",
        "IPAM.Driver",
        lambda inspect, _: (inspect.get("IPAM") or {}).get("Driver"),
    ),
    "network.ipam_options": _network(
        "``--ipam-opt``.",
        "IPAM.Options",
        _keyed(lambda n: (n.get("IPAM") or {}).get("Options"), "network.ipam_options"),
    ),
    "volume.driver": _volume("``--driver``.", "Driver"),
    "volume.labels": _volume(
        "``--label``.", "Labels", _keyed(lambda v: v.get("Labels"), "volume.labels")
    ),
    "volume.options": _volume(
        "``--opt`` of its driver.", "Options", _keyed(lambda v: v.get("Options"), "volume.options")
    ),
    "image.labels": _image(
        "``--label``.",
        "Config.Labels",
        _keyed(lambda i: (i.get("Config") or {}).get("Labels"), "image.labels"),
    ),
    "image.platform": _image(
        "``--platform``: as much of it as was written.", "Os, .Architecture", _platform
    ),
    "image.author": _image("``--author``.", "Author"),
    "image.comment": _image("``--message``.", "Comment", phrase="has the message"),
    "image.change": _image(
        "``--change``: what the instruction sets.", "Config", _change, phrase="is changed"
    ),
}
