"""Promises about a container that its inspect, or one look inside, can answer."""

from __future__ import annotations

from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.inspect_fields import from_inspect
from lifecycle.checks.rules import PHRASE, Rule
from lifecycle.command.promise import Promise
from lifecycle.command.values.mounts import clean
from lifecycle.facts.inside import HOSTNAME, MOUNTS
from lifecycle.facts.model import ContainerFacts, Facts

_NEVER = "0001-01-01T00:00:00Z"


def _inspect(c: ContainerFacts) -> dict[str, Any]:
    if c.inspect is None:
        message = "judge() asks only about containers that were seen"
        raise AssertionError(message)
    return c.inspect


def _config(promise: Promise, c: ContainerFacts, key: str) -> Check:
    return from_inspect(promise, _inspect(c)["Config"].get(key), f"Config.{key}")


def exists(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """Whether it is there; for one that removes itself, that it was made."""
    removed = c.created is not None and c.created["HostConfig"].get("AutoRemove")
    if promise.expected and c.now is None and removed:
        return compare(PHRASE, promise.expected, actual=True, source="events")
    return compare(PHRASE, promise.expected, c.now is not None, "inspect")


def state(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``.State.Status``; one with --rm that ended is gone, or going, which is ended too."""
    removes_itself = _inspect(c)["HostConfig"].get("AutoRemove")
    if c.now is None:
        actual = "exited" if removes_itself else "gone"
        return compare(PHRASE, promise.expected, actual, "events")
    status = c.now["State"]["Status"]
    going = removes_itself and status == "removing"
    return from_inspect(promise, "exited" if going else status, "State.Status")


def started(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """It was started, though it may have ended since."""
    if c.now is None:
        return compare(PHRASE, promise.expected, c.started, "events")
    it_was = c.now["State"].get("StartedAt", _NEVER) != _NEVER
    return compare(PHRASE, promise.expected, it_was, "inspect .State.StartedAt")


def restarted(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """Its start time moved."""
    if c.before is None or c.now is None:
        return unverified(PHRASE, promise.expected, "it was not there before and after")
    moved = c.before["State"]["StartedAt"] != c.now["State"]["StartedAt"]
    return compare(PHRASE, promise.expected, moved, "inspect .State.StartedAt")


def same_process(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """Attaching made no process: PID 1 and its start are those of before, and no exec came."""
    if c.before is None or c.now is None:
        return unverified(PHRASE, promise.expected, "it was not there before and after")
    was, now = c.before["State"], c.now["State"]
    same = was["StartedAt"] == now["StartedAt"] and now["Pid"] in {was["Pid"], 0}
    other = f"{now['Pid']}, started {now['StartedAt']}"
    return compare(
        ("attached to the process that was there"),
        {"pid": was["Pid"], "new execs": 0},
        {"pid": was["Pid"] if same else other, "new execs": facts.new_execs},
        "inspect .State.Pid, .State.StartedAt and exec events",
    )


def name(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """The name it has: the engine finds a container by the beginning of its id, too."""
    real = str(_inspect(c)["Name"]).removeprefix("/")
    return from_inspect(promise, facts.written("container", real), "Name")


def made_of(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """The image it was made of is the one that the written name stands for."""
    wanted = c.image_ids.get(promise.expected_as(str))
    if not wanted:
        return unverified(PHRASE, promise.expected, "the image has no such name any more")
    same = _inspect(c)["Image"] == wanted
    actual = promise.expected if same else _inspect(c)["Config"].get("Image")
    return compare(("is made of"), promise.expected, actual, "inspect .Image")


def command(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """The words after the image."""
    return _config(promise, c, "Cmd")


def entrypoint(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--entrypoint``; an empty one takes the image's away."""
    actual = [word for word in _inspect(c)["Config"].get("Entrypoint") or [] if word]
    return from_inspect(promise, actual, "Config.Entrypoint")


def tty(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``-t``: declared, and PID 1 really has a controlling terminal."""
    if promise.where == "inspect":
        return _config(promise, c, "Tty")
    hidden = c.inside.hides("/proc/1/stat")
    if hidden:
        return unverified(PHRASE, promise.expected, hidden)
    if _inspect(c)["HostConfig"].get("PidMode"):
        reason = "process 1 is another's, as the container has no process numbers of its own"
        return unverified(PHRASE, promise.expected, reason)
    source = f"{c.inside.place('/proc/1/stat')} tty_nr"
    return compare(PHRASE, promise.expected, c.inside.pid1_has_tty, source)


def stdin(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``-i``."""
    return _config(promise, c, "OpenStdin")


def removed_on_exit(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--rm``: declared, and once it has ended it is gone."""
    if c.inspect is None:
        return compare(PHRASE, promise.expected, actual=False, source="events")
    if promise.expected and c.now is not None and c.now["State"]["Status"] == "exited":
        return compare(("is removed when it ends"), "gone", "exited", "inspect")
    return from_inspect(promise, c.inspect["HostConfig"].get("AutoRemove"), "HostConfig.AutoRemove")


def hostname(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--hostname``: declared, and what the kernel says inside."""
    if promise.where == "inspect":
        return _config(promise, c, "Hostname")
    hidden = c.inside.hides(HOSTNAME)
    if hidden:
        return unverified(PHRASE, promise.expected, hidden)
    return compare(PHRASE, promise.expected, c.inside.hostname, c.inside.place(HOSTNAME))


def label(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--label K=V``."""
    key = promise.field.removeprefix("container.labels.")
    actual = (_inspect(c)["Config"].get("Labels") or {}).get(key)
    return from_inspect(promise, actual, f"Config.Labels.{key}")


def workdir(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``-w``: declared, and where a process inside begins."""
    wanted = clean(promise.expected_as(str))
    if promise.where == "inspect":
        actual = _inspect(c)["Config"].get("WorkingDir")
        return compare(PHRASE, wanted, actual, "inspect .Config.WorkingDir")
    hidden = c.inside.hides("pwd")
    if hidden:
        return unverified(PHRASE, wanted, hidden)
    return compare(PHRASE, wanted, c.inside.cwd, c.inside.place("pwd"))


def shm_size(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--shm-size`` in bytes: declared, and the size of /dev/shm's tmpfs."""
    if promise.where == "inspect":
        return from_inspect(promise, _inspect(c)["HostConfig"].get("ShmSize"), "HostConfig.ShmSize")
    hidden = c.inside.hides(MOUNTS)
    if hidden:
        return unverified(PHRASE, promise.expected, hidden)
    mounted = c.inside.mount("/dev/shm")  # noqa: S108 - the container's, by definition
    options = mounted.super_options if mounted else frozenset()
    size = next((o.removeprefix("size=") for o in options if o.startswith("size=")), "")
    actual = int(size.rstrip("k")) * 1024 if size.rstrip("k").isdigit() else None
    # The kernel rounds a tmpfs up to whole pages.
    wanted = promise.expected_as(int)
    kept = actual is not None and 0 <= actual - wanted < 4096  # noqa: PLR2004
    source = f"{c.inside.place(MOUNTS)} /dev/shm"
    return compare(PHRASE, wanted, wanted if kept else actual, source)


def path(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``cp``: the path is in the container."""
    wanted = promise.expected_as(str)
    if wanted not in c.paths:
        return unverified(PHRASE, wanted, "the path was not looked at")
    actual = wanted if c.paths[wanted] else "missing"
    return compare(PHRASE, wanted, actual, "HEAD archive")


RULES: dict[str, Rule] = {
    "container.exists": Rule(exists, "is there", when_gone=True),
    "container.state": Rule(state, "state"),
    "container.started": Rule(started, "was started"),
    "container.restarted": Rule(restarted, "was started anew"),
    "container.same_process": Rule(same_process),
    "container.name": Rule(name, "has its name"),
    "container.image": Rule(made_of, "is made of"),
    "container.command": Rule(command, "runs the command"),
    "container.entrypoint": Rule(entrypoint, "has the entrypoint"),
    "container.tty": Rule(tty, "has a terminal"),
    "container.stdin": Rule(stdin, "keeps standard input open"),
    "container.removed_on_exit": Rule(removed_on_exit, "is removed when it ends", when_gone=True),
    "container.hostname": Rule(hostname, "has the host name"),
    "container.labels": Rule(label),
    "container.workdir": Rule(workdir, "works in"),
    "container.shm_size": Rule(shm_size, "has a /dev/shm of"),
    "container.path": Rule(path, "has the path"),
}
