"""Facts as the engine and the inside really give them, with only what a test needs changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lifecycle.checks.expect.files import TEXTS
from lifecycle.command.line import Ref, RefKind
from lifecycle.command.promise import Expected, Promise, Where
from lifecycle.facts.host_files import look_at_host_file
from lifecycle.facts.inside import Inside
from lifecycle.facts.kernel_files import Account
from lifecycle.facts.model import ContainerFacts, ExecFacts, Facts, World
from lifecycle.machine.gpus import Gpu, Gpus
from lifecycle.machine.procfs import MountLine
from lifecycle.machine.subject import Subject
from lifecycle.text.json_object import Json

ME = Subject("kim", 1500, 1600, (990, 1600), ("docker", "kim"), "/home/kim", "/bin/bash", 0o022)
NO_GPUS = Gpus("none", (), "no NVIDIA driver on this machine")
GPUS = Gpus("nvml", (Gpu(0, "GPU-aa", "NVIDIA H100"), Gpu(1, "GPU-bb", "NVIDIA H100")))
NEVER = "0001-01-01T00:00:00Z"
STARTED = "2026-11-24T11:20:47.909705779Z"
IMAGE_ID = "sha256:5b7580425a94b11f9fb19093aa38df8c6ba396fe7b9d314e174b4a153eef0020"
CONTAINER_ID = "1efe890c7cb428634bf288b4c2d0382796945f579cdf0d176159a15de5db0280"
CREATED: Json = {"Status": "created", "Running": False, "Pid": 0, "StartedAt": NEVER}
EXITED: Json = {"Status": "exited", "Running": False, "Pid": 0, "ExitCode": 137}
REMOVING: Json = {**EXITED, "Status": "removing"}


def inspected(**parts: Any) -> Json:
    """A running container's inspect; each part is merged into its section."""
    base: Json = {
        "Id": CONTAINER_ID,
        "Image": IMAGE_ID,
        "Name": "/c",
        "Path": "bash",
        "Args": [],
        "Mounts": [],
        "State": {
            "Status": "running",
            "Running": True,
            "Paused": False,
            "Pid": 7506,
            "ExitCode": 0,
            "StartedAt": STARTED,
        },
        "Config": {
            "Hostname": "1efe890c7cb4",
            "User": "",
            "Tty": False,
            "OpenStdin": False,
            "Env": ["PATH=/usr/bin:/bin"],
            "Cmd": ["bash"],
            "Image": "me/test",
            "WorkingDir": "",
            "Entrypoint": None,
            "Labels": {},
        },
        "HostConfig": {
            "Binds": None,
            "NetworkMode": "default",
            "PortBindings": {},
            "AutoRemove": False,
            "ShmSize": 67108864,
            "DeviceRequests": None,
            "Tmpfs": None,
        },
        "NetworkSettings": {"Ports": {}, "Networks": {"bridge": {}}},
    }
    for key, value in parts.items():
        base[key] = {**base[key], **value} if isinstance(base.get(key), dict) else value
    return base


MOUNTS = (
    MountLine(
        "/dev/shm",
        "/",
        "tmpfs",
        "shm",
        frozenset({"rw", "nosuid"}),
        frozenset({"rw", "size=65536k"}),
    ),
    MountLine("/workspace", "/nas/kim", "ext4", "/dev/sdb1", frozenset({"rw"}), frozenset({"rw"})),
    MountLine("/ro", "/", "nfs4", "nas:/export", frozenset({"ro"}), frozenset({"rw"})),
)
SEEN = Inside(
    uid=1500,
    gid=1600,
    groups={1600: "kim", 990: "docker"},
    user_name="kim",
    cwd="/workspace",
    env={"A": "1", "HOME": "/home/kim"},
    mounts=MOUNTS,
    accounts=(
        Account("root", 0, 0, "/root", "/bin/sh"),
        Account("kim", 1500, 1600, "/home/kim", "/bin/bash"),
    ),
    hostname="h1",
    pid1=("bash", "-l"),
    pid1_has_tty=True,
)
UNSEEN = Inside(unseen="it ended before it could be asked")


def world(gpus: Gpus = NO_GPUS, *, shares_machine: bool = True, remaps_users: str = "") -> World:
    """Who acts, and where."""
    return World(ME, gpus, shares_machine=shares_machine, remaps_users=remaps_users)


def having(
    now: Json | None,
    inside: Inside = SEEN,
    *,
    around: World | None = None,
    more: Mapping[str, Any] | None = None,
    **container: Any,
) -> Facts:
    """Facts of the container ``c``; ``container`` are its fields, ``more`` those of the step."""
    seen = ContainerFacts("c", now=now, inside=inside, **container)
    return Facts(around or world(), containers={"c": seen}, **(more or {}))


def seeing(inside: Inside = SEEN, **changes: Any) -> Facts:
    """Facts of a running container whose inside is like that."""
    return having(inspected(), replace(inside, **changes))


def executed(
    *,
    inside: Inside = SEEN,
    config: Mapping[str, Any] | None = None,
    inspect: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Facts:
    """Facts of a step that ran an exec in ``c``."""
    process = {"tty": False, "entrypoint": "sleep", "arguments": ["30"], "privileged": False}
    found = {"Running": True, "ExitCode": None, "OpenStdin": False, "Pid": 7906, **(inspect or {})}
    found["ProcessConfig"] = {**process, **(config or {})}
    made = having(inspected(), inside)
    made.exec = ExecFacts(found, 7506, **facts)
    return made


def step(**facts: Any) -> Facts:
    """Facts of a step that is about no container."""
    return Facts(world(), **facts)


def said(  # noqa: PLR0913, PLR0917 - all that a promise is made of
    flag: str,
    field: str,
    expected: Expected,
    where: Where = "inspect",
    about: Ref | None = None,
    unverified: str = "",
) -> Promise:
    """A promise, of the container ``c`` where nothing else is meant."""
    kind: RefKind | None = "container" if field.startswith(("container", "exec")) else None
    return Promise(flag, field, expected, where, about or (kind and Ref(kind, "c")), unverified)


def with_host_files(around: World, expect: dict[str, Any]) -> Facts:
    """What a run would know of the files of this machine that are expected."""
    wanted = expect["host"]["files"]
    files = {
        path: look_at_host_file(Path(path), around.subject, text=bool(TEXTS & set(keys)))
        for path, keys in wanted.items()
    }
    return Facts(around, host_files=files)
