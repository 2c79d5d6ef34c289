"""What a run takes for itself before its first step: ports, GPUs and names that are fixed."""

from __future__ import annotations

from urllib.parse import quote

from lifecycle.command.values.gpus import GpuRequest
from lifecycle.command.values.ports import PublishedPort
from lifecycle.machine.gpus import Gpus
from lifecycle.run.plan.steps import Plan


def reserved(plan: Plan, gpus: Gpus) -> list[str]:
    """The names of its locks, in the one order in which every run takes them.

    A port or a GPU that the author wrote as a number is meant; ``run.port`` and ``--gpus all``
    take what there is. A name is anybody's only where it is kept as written.
    """
    return sorted({*_ports(plan), *_gpus(plan, gpus), *_names(plan)})


def _ports(plan: Plan) -> set[str]:
    promises = (p.expected for s in plan.steps for p in s.promises)
    wanted = (port.host_port for port in promises if isinstance(port, PublishedPort))
    return {f"port-{port}" for port in wanted if port.isdigit()}


def _gpus(plan: Plan, gpus: Gpus) -> set[str]:
    """By their index here, since one GPU has several names; what is not here is not used."""
    by_name = {name: g.index for g in gpus.items for name in (str(g.index), g.uuid)}
    wanted = {
        device
        for s in plan.steps
        for p in s.promises
        if isinstance(p.expected, GpuRequest)
        for device in p.expected.devices
    }
    return {f"gpu-{by_name[device]}" for device in wanted if device in by_name}


def _names(plan: Plan) -> set[str]:
    if not plan.names.as_written:
        return set()
    made = {ref for s in plan.steps if s.line for ref in s.line.creates}
    return {f"{ref.kind}-{quote(ref.name, safe='')}" for ref in made}
