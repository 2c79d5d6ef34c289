"""Promises about published ports."""

from __future__ import annotations

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import Rule
from lifecycle.command.promise import Promise
from lifecycle.command.values.ports import PublishedPort
from lifecycle.facts.model import ContainerFacts, Facts, together
from lifecycle.facts.port_probe import bindings


def published(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``-p``: bound on the host as written. Of a running one the live binding counts.

    After ``start`` the engine may drop a port that is taken and start all the same
    (moby issue 51758), so what was asked for proves nothing then.
    """
    wanted = promise.expected_as(PublishedPort)
    label = f"{wanted.container} is published"
    bound = bindings(c.inspect or {}, wanted.container)
    match = next((b for b in bound if _same(b, wanted)), None)
    actual = wanted if match else (bound or None)
    return compare(label, wanted, actual, "inspect .NetworkSettings.Ports")


def _same(binding: dict[str, str], wanted: PublishedPort) -> bool:
    ip_ok = not wanted.host_ip or binding.get("HostIp") == wanted.host_ip
    return ip_ok and _in_range(binding.get("HostPort", ""), wanted.host_port)


def _in_range(port: str, written: str) -> bool:
    """``-p 8000-8010:80`` leaves the choice to the engine; an empty one too."""
    if port == written or not written:
        return True
    first, dash, last = written.partition("-")
    return bool(dash) and port.isdigit() and int(first) <= int(port) <= int(last)


def answers(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """From outside, each place that was written reaches a listener inside."""
    wanted = promise.expected_as(PublishedPort)
    label = f"{wanted.container} answers"
    answer = c.answers.get(wanted.container)
    here = [
        one
        for (ip, port), one in (answer.at if answer else {}).items()
        if _same({"HostIp": ip, "HostPort": port}, wanted)
    ]
    answer = together(here) if here else answer
    if answer is None or answer.answered is None:
        return unverified(label, "answers", answer.how if answer else "nobody tried to connect")
    return compare(label, "answers", "answers" if answer.answered else answer.how, answer.how)


RULES: dict[str, Rule] = {
    "container.port": Rule(published),
    "container.port.answers": Rule(answers),
}
