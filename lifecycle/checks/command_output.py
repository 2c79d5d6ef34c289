"""Promises of the verbs that print, signal or remove: their output and their effect are true."""

from __future__ import annotations

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, Rule
from lifecycle.command.promise import Promise
from lifecycle.command.references import is_whole_id
from lifecycle.facts.model import ContainerFacts, Facts

_GONE = "the container is gone"


def anonymous_volumes(c: ContainerFacts) -> list[str]:
    """The volumes that nobody named of a container that was there before."""
    mounts = (c.before or {}).get("Mounts") or []
    names = [str(m.get("Name", "")) for m in mounts if m.get("Type") == "volume"]
    return [n for n in names if is_whole_id(n)]


def volumes_removed(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``rm -v``: the volumes without a name went with it."""
    names = anonymous_volumes(c)
    if not names:
        return unverified(PHRASE, promise.expected, "it had no anonymous volume")
    unasked = [n for n in names if n not in facts.volumes]
    if unasked:
        return unverified(PHRASE, promise.expected, "its volumes were not looked at")
    left = [n for n in names if facts.volumes[n] is not None]
    actual: object = f"{left[0]} is there" if left else True
    return compare(PHRASE, promise.expected, actual, "volume inspect")


def exit_printed(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``wait``: the code that it printed is the one that the container ended with."""
    if c.now is None:
        return unverified(PHRASE, promise.expected, _GONE)
    code, printed = str(c.now["State"].get("ExitCode")), facts.output.split()
    actual = code if code in printed else (printed or None)
    return compare(PHRASE, code, actual, "inspect .State.ExitCode and the output")


def process_listed(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``top``: the container's first process is among those that it printed."""
    if c.now is None or not c.is_up:
        return unverified(PHRASE, promise.expected, "the container is not running")
    pid, printed = c.now["State"]["Pid"], facts.output.split()
    actual = pid if str(pid) in printed else None
    return compare(PHRASE, pid, actual, "inspect .State.Pid and the output")


def port_listed(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``port``: it printed each address at which the port, or every port, is published."""
    if c.now is None:
        return unverified(PHRASE, promise.expected, _GONE)
    ports = (c.now.get("NetworkSettings") or {}).get("Ports") or {}
    bound = [
        _shown(b["HostIp"], b["HostPort"])
        for port, bindings in ports.items()
        for b in bindings or []
        if promise.expected in {"", port}
    ]
    lines = (line.rpartition(" -> ")[2].strip() for line in facts.output.split("\n"))
    # CLI 20.10 writes `:::8080` where later ones write `[::]:8080`.
    printed = [
        _shown(line.rpartition(":")[0].strip("[]"), line.rpartition(":")[2])
        for line in lines
        if line
    ]
    label = f"lists where {promise.expected or 'each port'} is published"
    return compare(label, sorted(bound), sorted(printed), "inspect .NetworkSettings.Ports")


def _shown(ip: str, port: str) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def signal(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--signal``: the engine sent that one."""
    if c.signals is None:
        return unverified(PHRASE, promise.expected, "the engine's events were not read")
    if not c.signals and not (c.before and c.before["State"]["Running"]):
        return unverified(PHRASE, promise.expected, "it was not running")
    actual = promise.expected if promise.expected in c.signals else (list(c.signals) or None)
    return compare(PHRASE, promise.expected, actual, "kill events")


RULES: dict[str, Rule] = {
    "container.volumes_removed": Rule(
        volumes_removed, "its anonymous volumes are gone", when_gone=True
    ),
    "container.exit_printed": Rule(exit_printed, "the exit code that was printed"),
    "container.process_listed": Rule(process_listed, "lists its first process"),
    "container.port_listed": Rule(port_listed),
    "container.signal": Rule(signal, "was sent the signal"),
}
