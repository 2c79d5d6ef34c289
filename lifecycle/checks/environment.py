"""Promises about environment variables, those too whose value is the caller's own."""

from __future__ import annotations

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.rules import PHRASE, Rule, ThingRule
from lifecycle.command.promise import Promise
from lifecycle.facts.inside import ENVIRON
from lifecycle.facts.model import ContainerFacts, Facts

_CALLERS = "as the caller has it"


def of_container(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """`-e K=V`, or the caller's K: declared, and in the environment inside."""
    key = promise.field.removeprefix("container.env.")
    if promise.where == "inspect":
        listed = ((c.inspect or {})["Config"].get("Env")) or []
        # A name alone takes the variable of the image away.
        declared = dict(e.split("=", 1) for e in listed if "=" in e)
        return _variable(promise, key, declared.get(key), f"inspect .Config.Env {key}", facts)
    hidden = c.inside.hides(ENVIRON)
    if hidden:
        return unverified(PHRASE, promise.expected, hidden)
    return _variable(promise, key, c.inside.env.get(key), c.inside.place(ENVIRON), facts)


def of_exec(promise: Promise, facts: Facts) -> Check:
    """`exec -e K=V`, or the caller's K: in the environment of its process."""
    if facts.exec is None or facts.exec.env is None:
        reason = facts.exec.unseen if facts.exec else "the engine reported no exec"
        return unverified(PHRASE, promise.expected, reason)
    key = promise.field.removeprefix("exec.env.")
    return _variable(promise, key, facts.exec.env.get(key), "/proc/PID/environ of the exec", facts)


def _variable(promise: Promise, key: str, actual: str | None, source: str, facts: Facts) -> Check:
    """Compare with the written value, else with the caller's, which is never shown."""
    if promise.expected is not None:
        return compare(PHRASE, promise.expected, actual, source)
    reason = _untold(promise, key, facts)
    if reason:
        return unverified(PHRASE, None, reason)
    callers = (facts.environ or {}).get(key)
    if callers is None:
        return compare(PHRASE, "not set", "not set" if actual is None else "set", source)
    other = "not set" if actual is None else "another value"
    return compare(PHRASE, _CALLERS, _CALLERS if actual == callers else other, source)


def _untold(promise: Promise, key: str, facts: Facts) -> str:
    """Why the caller's environment says nothing; empty when it does."""
    if facts.environ is None:
        return "what the caller's environment held then is not known"
    if key in facts.environ:
        return ""
    if promise.flag == "--env-file":
        return f"{key} is not set here, so the client passes over it in a file"
    return "where nobody sets HOME the runtime does" if key == "HOME" else ""


RULES: dict[str, Rule] = {
    "container.env": Rule(of_container),
}


THING_RULES: dict[str, ThingRule] = {
    "exec.env": ThingRule(of_exec),
}
