"""Promises of ``docker exec``: a new process, as the user, place and environment asked for."""

from __future__ import annotations

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.identity import as_written
from lifecycle.checks.rules import PHRASE, ThingRule
from lifecycle.command.promise import Promise
from lifecycle.command.values.mounts import clean
from lifecycle.facts.model import ExecFacts, Facts

_NONE = "the engine reported no exec"


def new_process(promise: Promise, facts: Facts) -> Check:
    """The exec has a process of its own beside the container's PID 1."""
    label = "exec is a process of its own, not the first one"
    if facts.exec is None:
        return compare(label, promise.expected, actual=False, source="exec events")
    pid = facts.exec.inspect.get("Pid", 0)
    own = bool(pid) and pid != facts.exec.container_pid
    return compare(label, promise.expected, own, "exec inspect .Pid against .State.Pid")


def _config(facts: ExecFacts) -> dict[str, object]:
    return dict(facts.inspect.get("ProcessConfig") or {})


def tty(promise: Promise, facts: Facts) -> Check:
    """``exec -t``."""
    if facts.exec is None:
        return unverified(PHRASE, promise.expected, _NONE)
    actual = _config(facts.exec).get("tty")
    return compare(PHRASE, promise.expected, actual, "exec inspect .ProcessConfig.tty")


def stdin(promise: Promise, facts: Facts) -> Check:
    """``exec -i``."""
    if facts.exec is None:
        return unverified(PHRASE, promise.expected, _NONE)
    actual = facts.exec.inspect.get("OpenStdin")
    return compare(PHRASE, promise.expected, actual, "exec inspect .OpenStdin")


def privileged(promise: Promise, facts: Facts) -> Check:
    """``exec --privileged``."""
    if facts.exec is None:
        return unverified(PHRASE, promise.expected, _NONE)
    actual = _config(facts.exec).get("privileged")
    source = "exec inspect .ProcessConfig.privileged"
    return compare(PHRASE, promise.expected, actual, source)


def command(promise: Promise, facts: Facts) -> Check:
    """The words after the container's name."""
    if facts.exec is None:
        return unverified(PHRASE, promise.expected, _NONE)
    config = _config(facts.exec)
    arguments = config.get("arguments")
    actual = [config.get("entrypoint"), *(arguments if isinstance(arguments, list) else [])]
    return compare(PHRASE, promise.expected, actual, "exec inspect .ProcessConfig")


def user(promise: Promise, facts: Facts) -> Check:
    """``exec -u``: as declared, and the uid that such a process has."""
    if facts.exec is None:
        return unverified(PHRASE, promise.expected, _NONE)
    wanted = promise.expected_as(str)
    if promise.where == "inspect":
        actual = _config(facts.exec).get("user", "")
        return compare(PHRASE, wanted, actual, "exec inspect .ProcessConfig.user")
    if facts.exec.uid is not None and wanted.isdigit():
        uid = str(facts.exec.uid)
        return compare(PHRASE, wanted, uid, "/proc/PID/status of the exec")
    name = promise.about.name if promise.about else ""
    container = facts.containers.get(name)
    reason = container.inside.hides("id") if container else "the container was not looked at"
    if container is None or reason:
        return unverified(PHRASE, wanted, reason)
    return compare(PHRASE, wanted, as_written(wanted, container.inside), "id")


def workdir(promise: Promise, facts: Facts) -> Check:
    """``exec -w``: where its process stands."""
    if facts.exec is None or facts.exec.cwd is None:
        reason = facts.exec.unseen if facts.exec else _NONE
        return unverified(PHRASE, promise.expected, reason)
    wanted = clean(promise.expected_as(str))
    return compare(PHRASE, wanted, facts.exec.cwd, "/proc/PID/cwd of the exec")


THING_RULES: dict[str, ThingRule] = {
    "exec.new_process": ThingRule(new_process),
    "exec.tty": ThingRule(tty, "exec has a terminal"),
    "exec.stdin": ThingRule(stdin, "exec keeps standard input open"),
    "exec.user": ThingRule(user, "exec runs as"),
    "exec.workdir": ThingRule(workdir, "exec works in"),
    "exec.command": ThingRule(command, "exec runs the command"),
    "exec.privileged": ThingRule(privileged, "exec is privileged"),
}
