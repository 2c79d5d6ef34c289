"""How a promise is named to people."""

from __future__ import annotations

from typing import Any

from lifecycle.checks.check import GpuKind
from lifecycle.command.promise import Promise, Where
from lifecycle.command.values.structured import as_json

_WHERE: dict[Where, str] = {
    "inspect": "",
    "inside": " (seen inside)",
    "host": " (seen from outside)",
}
_PHRASES = {
    "container.exists": "is there",
    "container.state": "state",
    "container.started": "was started",
    "container.restarted": "was started anew",
    "container.name": "has its name",
    "container.image": "is made of",
    "container.command": "runs the command",
    "container.entrypoint": "has the entrypoint",
    "container.tty": "has a terminal",
    "container.stdin": "keeps standard input open",
    "container.removed_on_exit": "is removed when it ends",
    "container.hostname": "has the host name",
    "container.workdir": "works in",
    "container.memory": "memory limit in bytes",
    "container.memory_swap": "limit of memory and swap in bytes",
    "container.memory_reservation": "soft memory limit in bytes",
    "container.kernel_memory": "kernel memory limit in bytes",
    "container.cpus": "limit in billionths of a CPU",
    "container.cap_add": "has the capability",
    "container.cap_drop": "is without the capability",
    "container.privileged": "has every right",
    "container.read_only": "has a read-only root",
    "container.init": "has an init as process 1",
    "container.groups": "has the group",
    "container.device": "has the device",
    "container.device.node": "has the device file",
    "container.health.watched": "is asked for its health",
    "container.no_healthcheck": "is not asked for its health",
    "container.shm_size": "has a /dev/shm of",
    "container.network": "is on the network",
    "container.path": "has the path",
    "container.dns": "asks the name server",
    "container.dns_option": "has the DNS option",
    "container.dns_search": "searches the domain",
    "container.domainname": "has the domain name",
    "container.ip": "has the address",
    "container.link_local_ip": "has the link-local address",
    "container.mac": "has the MAC address",
    "container.network_option": "gives the network's driver",
    "container.gateway_priority": "has the gateway priority",
    "container.exposed": "says it uses the port",
    "container.ports_published": "publishes every port that it exposes",
    "container.volume_driver": "makes volumes with",
    "container.volumes_removed": "its anonymous volumes are gone",
    "container.exit_printed": "the exit code that was printed",
    "container.id_file": "the file holds its id",
    "container.log.printed": "printed what the engine has",
    "container.log.since": "printed no line of before",
    "container.log.tail": "printed at most so many lines",
    "container.log.timestamps": "printed the time of each line",
    "container.log.until": "printed no line of after",
    "container.process_listed": "lists its first process",
    "container.signal": "was sent the signal",
    "exec.privileged": "exec is privileged",
    "network.config_only": "is only a template",
    "network.config_from": "is made from",
    "network.ip_range": "gives addresses of",
    "image.change": "is changed",
    "image.comment": "has the message",
    "container.user": "runs as",
    "container.gpus": "asked for GPUs",
    "exec.tty": "exec has a terminal",
    "exec.stdin": "exec keeps standard input open",
    "exec.user": "exec runs as",
    "exec.workdir": "exec works in",
    "exec.command": "exec runs the command",
    "image.exists": "is there",
    "image.same_as": "is the same as",
    "image.digest": "has the digest",
    "image.build_arg": "was built with the argument",
    "image.id_file": "the file holds its id",
    "image.stage": "is made of the stage's steps",
    "image.user": "has the Dockerfile's last user",
    "image.pushed": "is in the registry",
    "file.exists": "the file is there",
    "volume.exists": "is there",
    "network.exists": "is there",
}


_KEYED = frozenset({"annotations", "build_arg", "env", "labels", "options", "sysctl"})
"""Fields that end with a name which the author chose."""


def about(promise: Promise, detail: str = "") -> str:
    """``-v: my_test_c: /workspace is mounted``: flag, thing, promise."""
    thing = f"{promise.about.name}: " if promise.about and promise.about.name else ""
    return f"{promise.flag}: {thing}{detail or _phrase(promise.field)}"


def seen_at(place: Where) -> str:
    """What the name of a check says of the place where it was seen."""
    return _WHERE[place]


def simulated(gpu: GpuKind | None) -> str:
    """What the name of a check says of GPUs that are none."""
    return " [SIMULATED]" if gpu == "simulated" else ""


def _phrase(field: str) -> str:
    if field in _PHRASES:
        return _PHRASES[field]
    kind, _, rest = field.partition(".")
    what, _, key = rest.partition(".")
    if what in _KEYED and key:
        return f"{what.replace('_', ' ')} {key}"
    what = rest.replace(".", " ").replace("_", " ")
    return f"the promise of --{rest}" if kind == "flag" else what


def shown(value: Any) -> str:
    """A value in one short line."""
    held = as_json(value)
    if isinstance(held, dict):
        return ", ".join(f"{k} {shown(v)}" for k, v in held.items())
    if isinstance(held, list):
        return " ".join(str(v) for v in held)
    return str(held)
