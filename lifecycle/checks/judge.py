"""From a promise and the facts to a check: the table of who judges what.

Adding a promise is a row in the flag table and a function here or in its subject's file. A
promise whose thing does not exist is unverified, so that one cause gives one failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from lifecycle.checks import (
    command_output,
    container,
    environment,
    execs,
    gpus,
    identity,
    image,
    lifetime,
    limits,
    logs,
    mount_options,
    mounts,
    namespaces,
    network,
    networks_volumes_images,
    ports,
    security,
)
from lifecycle.checks.check import Check, unverified
from lifecycle.checks.wording import about, seen_at, simulated
from lifecycle.command.promise import Promise
from lifecycle.facts.model import ContainerFacts, Facts

Judge = Callable[[Promise, Facts], Check]
ContainerJudge = Callable[[Promise, ContainerFacts, Facts], Check]

_CONTAINER: dict[str, ContainerJudge] = {
    "container.exists": container.exists,
    "container.state": container.state,
    "container.started": container.started,
    "container.restarted": container.restarted,
    "container.same_process": container.same_process,
    "container.name": container.name,
    "container.image": container.made_of,
    "container.command": container.command,
    "container.entrypoint": container.entrypoint,
    "container.tty": container.tty,
    "container.stdin": container.stdin,
    "container.removed_on_exit": container.removed_on_exit,
    "container.hostname": container.hostname,
    "container.labels": container.label,
    "container.env": environment.of_container,
    "container.workdir": container.workdir,
    "container.shm_size": container.shm_size,
    "container.path": container.path,
    "container.id_file": image.container_id_file,
    **network.JUDGES,
    **mount_options.JUDGES,
    **command_output.JUDGES,
    "container.user": identity.user,
    "container.mount": mounts.mount,
    "container.mount.access": mounts.access,
    "container.mount.round_trip": mounts.round_trip,
    "container.port": ports.published,
    "container.port.answers": ports.answers,
    "container.gpus": gpus.requested,
    "container.gpus.visible": gpus.visible,
    **lifetime.JUDGES,
    **limits.JUDGES,
    **logs.JUDGES,
    **namespaces.JUDGES,
    **security.JUDGES,
}

_OTHER: dict[str, Judge] = {
    "exec.new_process": execs.new_process,
    "exec.tty": execs.tty,
    "exec.stdin": execs.stdin,
    "exec.user": execs.user,
    "exec.workdir": execs.workdir,
    "exec.env": environment.of_exec,
    "exec.command": execs.command,
    "exec.privileged": execs.privileged,
    **networks_volumes_images.JUDGES,
    "image.exists": image.exists,
    "image.same_as": image.same_as,
    "image.digest": image.digest,
    "image.user": image.user,
    "image.stage": image.stage,
    "image.build_arg": image.build_arg,
    "image.id_file": image.id_file,
    "image.pushed": image.pushed,
    "file.exists": image.file_exists,
    "volume.exists": image.volume_exists,
    "network.exists": image.network_exists,
}

_NEEDS_NO_CONTAINER = {"container.exists", "container.removed_on_exit", "container.volumes_removed"}


def judge(promise: Promise, facts: Facts) -> Check:
    """Say whether one promise was kept."""
    on = facts.containers.get(promise.about.name if promise.about else "")
    check = _judge(promise, facts, on)
    from_outside = bool(on and on.inside.unseen) and check.status != "unverified"
    place = "host" if promise.where == "inside" and from_outside else promise.where
    return replace(check, about=f"{check.about}{seen_at(place)}{simulated(check.gpu)}")


def _judge(promise: Promise, facts: Facts, on: ContainerFacts | None) -> Check:
    if promise.unverified:
        return unverified(about(promise), promise.expected, promise.unverified)
    field = _known(promise.field)
    if field in _OTHER:
        return _OTHER[field](promise, facts)
    if field not in _CONTAINER:
        return unverified(about(promise), promise.expected, f"nothing checks {promise.field} yet")
    if on is None:
        return unverified(about(promise), promise.expected, "the container was not looked at")
    if on.seen is None and field not in _NEEDS_NO_CONTAINER:
        return unverified(about(promise), promise.expected, f"container {on.name} does not exist")
    return _CONTAINER[field](promise, on, facts)


def judge_all(promises: Iterable[Promise], facts: Facts) -> list[Check]:
    """Judge several, in order."""
    return [judge(p, facts) for p in promises]


def _known(field: str) -> str:
    """``container.env.HOME`` is judged by ``container.env``."""
    while field not in _CONTAINER and field not in _OTHER and "." in field:
        field = field.rpartition(".")[0]
    return field
