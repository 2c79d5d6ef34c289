"""Promises about GPUs: what was requested, and that those inside are those outside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from lifecycle.checks.check import Check, GpuKind, compare, unverified
from lifecycle.checks.rules import PHRASE, Rule
from lifecycle.command.promise import Promise
from lifecycle.command.values.gpus import GpuRequest
from lifecycle.facts.inside import GPUS, NOT_ASKED, Probe
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.machine.gpus import Gpu, Gpus


def requested(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--gpus``: the device request that the engine stored."""
    requests = (c.inspect or {})["HostConfig"].get("DeviceRequests") or []
    gpu_requests = [
        GpuRequest(
            count=r.get("Count", 0),
            devices=tuple(r.get("DeviceIDs") or ()),
            capabilities=_sorted(x for group in r.get("Capabilities") or [] for x in group),
        )
        for r in requests
    ]
    asked = promise.expected_as(GpuRequest)
    # The CLI adds "gpu" to whatever was written, be it there already.
    wanted = replace(asked, capabilities=_sorted((*asked.capabilities, "gpu")))
    actual = wanted if wanted in gpu_requests else (gpu_requests or None)
    return compare(PHRASE, wanted, actual, "inspect .HostConfig.DeviceRequests")


def _sorted(capabilities: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(capabilities)))


def visible(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """The GPUs inside are the host's: all of them, so many, or the ones named."""
    host = facts.world.gpus
    label = "GPUs inside are the host's"
    asked = promise.expected_as(GpuRequest)
    return replace(_visible(asked, c, host, label), gpu=kind_of(host))


def kind_of(host: Gpus) -> GpuKind:
    """Of which kind GPUs inside are, where this machine's are known."""
    return "simulated" if host.source == "simulated" else "real"


def _visible(asked: GpuRequest, c: ContainerFacts, host: Gpus, label: str) -> Check:
    if host.source == "none":
        return unverified(label, asked, host.reason)
    unseen = c.inside.hides(GPUS) or _unclear(asked, host)
    if unseen or c.inside.gpu_error == NOT_ASKED:
        return unverified(label, asked, unseen or "nobody asked for its GPUs")
    if c.inside.gpus is None:
        return compare(label, _uuids(_wanted(asked, host)), c.inside.gpu_error, "nvidia-smi -L")
    inside = sorted(u for line in c.inside.gpus for u in re.findall(r"UUID: ([\w-]+)", line))
    if asked.count > 0 and not asked.devices:
        known = set(_uuids(host.items))
        whole = [u for u in inside if not u.startswith("MIG-")]
        actual = {"count": len(whole), "strangers": sorted(set(inside) - known)}
        return compare(label, {"count": asked.count, "strangers": []}, actual, "nvidia-smi -L")
    return compare(label, _uuids(_wanted(asked, host)), inside, "nvidia-smi -L, both sides")


def _unclear(asked: GpuRequest, host: Gpus) -> str:
    """Why the GPUs that a line names can't be told: ``0:1`` is a MIG device by place."""
    known = {str(g.index) for g in host.items} | {g.uuid for g in host.items}
    strange = [d for d in asked.devices if d not in known]
    return f"which GPU of this machine {strange[0]} is can't be told" if strange else ""


def _wanted(asked: GpuRequest, host: Gpus) -> tuple[Gpu, ...]:
    """The host's GPUs that a line names; ``nvidia-smi -L`` lists a MIG device below its GPU."""
    if not asked.devices:
        return host.items
    named = [g for g in host.items if str(g.index) in asked.devices or g.uuid in asked.devices]
    parents = {g.index for g in named}
    return tuple(
        g
        for g in host.items
        if g in named or (g.index in parents and not g.uuid.startswith("MIG-"))
    )


def _uuids(gpus: tuple[Gpu, ...]) -> list[str]:
    return sorted(g.uuid for g in gpus)


def _gpus(_promise: Promise) -> Probe:
    return Probe(gpus=True)


RULES: dict[str, Rule] = {
    "container.gpus": Rule(requested, "asked for GPUs"),
    "container.gpus.visible": Rule(visible, reads=_gpus),
}
