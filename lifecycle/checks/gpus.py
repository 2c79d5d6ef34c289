"""Promises about GPUs: what was requested, and that those inside are those outside."""

from __future__ import annotations

import re

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.facts import ContainerFacts, Facts
from lifecycle.checks.wording import about
from lifecycle.command.promise import Promise
from lifecycle.engine.gpu import Gpu, Gpus


def requested(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--gpus``: the device request that the engine stored."""
    requests = (c.seen or {})["HostConfig"].get("DeviceRequests") or []
    found = [
        {
            "count": r.get("Count", 0),
            "devices": r.get("DeviceIDs") or [],
            "capabilities": sorted(x for group in r.get("Capabilities") or [] for x in group),
        }
        for r in requests
    ]
    wanted = {
        "count": promise.expected["count"] or 0,
        "devices": list(promise.expected["devices"]),
        "capabilities": sorted({*promise.expected["capabilities"], "gpu"}),
    }
    actual = wanted if wanted in found else (found or None)
    return compare(about(promise), wanted, actual, "inspect .HostConfig.DeviceRequests")


def visible(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """The GPUs inside are the host's: all of them, so many, or the ones named."""
    host = facts.world.gpus
    label = about(promise, "GPUs inside are the host's")
    if host.source == "simulated":
        label += " [SIMULATED]"
    if host.source == "none":
        return unverified(label, promise.expected, host.reason)
    if c.inside.unseen:
        return unverified(label, promise.expected, c.inside.unseen)
    if c.inside.gpus is None:
        return compare(
            label, _uuids(wanted_gpus(promise, host)), c.inside.gpu_error, "nvidia-smi -L"
        )
    inside = sorted(u for line in c.inside.gpus for u in re.findall(r"UUID: ([\w-]+)", line))
    count = promise.expected["count"] or 0
    if count > 0 and not promise.expected["devices"]:
        known = set(_uuids(host.items))
        actual = {"count": len(inside), "strangers": sorted(set(inside) - known)}
        return compare(label, {"count": count, "strangers": []}, actual, "nvidia-smi -L")
    return compare(label, _uuids(wanted_gpus(promise, host)), inside, "nvidia-smi -L, both sides")


def wanted_gpus(promise: Promise, host: Gpus) -> tuple[Gpu, ...]:
    """The host's GPUs that a promise names."""
    devices = promise.expected["devices"]
    if not devices:
        return host.items
    return tuple(g for g in host.items if str(g.index) in devices or g.uuid in devices)


def _uuids(gpus: tuple[Gpu, ...]) -> list[str]:
    return sorted(g.uuid for g in gpus)
