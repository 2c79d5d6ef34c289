"""One row a promise: facts under which it is kept, facts under which it is broken.

``unseen`` are facts under which it can't be told, and ``reason`` what the check says then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lifecycle.command.promise import Promise
from lifecycle.command.values.gpus import GpuRequest
from lifecycle.command.values.mounts import Mount
from lifecycle.command.values.ports import PublishedPort
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.text.json_object import Json
from tests.unit.checks.samples import (
    CONTAINER_ID,
    CREATED,
    EXITED,
    IMAGE_ID,
    REMOVING,
    having,
    inspected,
    said,
)

LATER = "2026-11-24T11:30:00.000000001Z"
ALL = GpuRequest(-1, (), ("gpu",))


@dataclass(frozen=True)
class Case:
    """A promise and what is found."""

    promise: Promise
    kept: Facts
    broken: Facts
    unseen: Facts | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.promise.field}-{self.promise.where}-{self.promise.flag}"


def renamed(facts: Facts) -> Facts:
    """The same facts of a run whose names end in ``-r1``."""
    return replace(facts, written=lambda _kind, real: real.removesuffix("-r1"))


def config(**values: Any) -> Facts:
    return having(inspected(Config=values))


def host(**values: Any) -> Facts:
    return having(inspected(HostConfig=values))


def state(**values: Any) -> Json:
    return inspected(State=values)


def auto_removed(**values: Any) -> Facts:
    """A container that was made with --rm and is gone."""
    return having(None, created=inspected(HostConfig={"AutoRemove": True}), **values)


def mounted(kind: str, source: str, target: str, *, rw: bool = True, name: str = "") -> Facts:
    """One mount, named and sourced as the engine shows it."""
    found: Json = {"Type": kind, "Source": source, "Destination": target, "RW": rw}
    return renamed(having(inspected(Mounts=[found | ({"Name": name} if name else {})])))


def bound(asked: str, live: str, ip: str = "0.0.0.0", **changed: Any) -> Facts:
    """8080/tcp published: ``asked`` for, and bound ``live``."""
    bindings = [{"HostIp": ip, "HostPort": live}, {"HostIp": "::", "HostPort": live}]
    return having(
        inspected(
            HostConfig={"PortBindings": {"8080/tcp": [{"HostIp": "", "HostPort": asked}]}},
            NetworkSettings={"Ports": {"8080/tcp": bindings if live else None}},
            State=changed,
        )
    )


def requested(**request: Any) -> Facts:
    given = {"Driver": "", "Count": 0, "DeviceIDs": None, "Options": {}}
    return host(DeviceRequests=[given | request])


def port(host_port: str = "8080", ip: str = "") -> PublishedPort:
    return PublishedPort("8080/tcp", ip, host_port)


def mount(kind: str, source: str, target: str = "/workspace", *, readonly: bool = False) -> Mount:
    return Mount(source, target, kind, readonly)


def on_network(name: str, **host_config: Any) -> Facts:
    networks = {name: {"NetworkID": "52f2d7"}}
    made = inspected(NetworkSettings={"Networks": networks}, HostConfig=host_config)
    return renamed(having(made))


def beside(mode: str) -> Facts:
    facts = host(NetworkMode=mode)
    facts.containers["other"] = ContainerFacts("other", now=inspected(Id="ab12"))
    return facts


NOBODY = having(None)

LIFE = [
    Case(said("run", "container.exists", True), having(inspected()), NOBODY),
    Case(said("rm", "container.exists", False), NOBODY, having(inspected())),
    Case(said("rm --rm", "container.exists", False), auto_removed(), having(inspected())),
    Case(said("run --rm", "container.exists", True), auto_removed(), NOBODY),
    Case(
        said("stop", "container.state", "exited"),
        having(state(**EXITED)),
        having(inspected()),
        NOBODY,
        "container c does not exist",
    ),
    Case(said("create", "container.state", "created"), having(state(**CREATED)), auto_removed()),
    Case(
        said("stop --rm", "container.state", "exited"),
        auto_removed(),
        having(None, created=inspected()),
    ),
    Case(
        said("stop --rm, going", "container.state", "exited"),
        having(inspected(State=REMOVING, HostConfig={"AutoRemove": True})),
        having(inspected(State=REMOVING)),
    ),
    Case(said("run", "container.started", True), having(inspected()), having(state(**CREATED))),
    Case(said("run --rm", "container.started", True), auto_removed(started=True), auto_removed()),
    Case(
        said("restart", "container.restarted", True),
        having(state(StartedAt=LATER), before=inspected()),
        having(inspected(), before=inspected()),
        having(inspected()),
        "it was not there before and after",
    ),
    Case(
        said("attach", "container.same_process", True),
        having(inspected(), before=inspected()),
        having(inspected(), before=inspected(), more={"new_execs": 1}),
        having(inspected()),
        "it was not there before and after",
    ),
    Case(
        said("attach, then exit", "container.same_process", True),
        having(state(Pid=0), before=inspected()),
        having(state(StartedAt=LATER), before=inspected()),
    ),
    Case(
        said("--rm", "container.removed_on_exit", True),
        host(AutoRemove=True),
        having(inspected(State=EXITED, HostConfig={"AutoRemove": True})),
    ),
    Case(said("--rm, ended", "container.removed_on_exit", True), auto_removed(), NOBODY),
    Case(
        said("--rm=false", "container.removed_on_exit", False),
        having(state(**EXITED)),
        host(AutoRemove=True),
    ),
]

DECLARED = [
    Case(
        said("--name", "container.name", "c"),
        renamed(having(inspected(Name="/c-r1"))),
        renamed(having(inspected(Name="/d-r1"))),
    ),
    Case(
        said("run", "container.image", "me/test:latest"),
        having(inspected(), image_ids={"me/test:latest": IMAGE_ID}),
        having(inspected(), image_ids={"me/test:latest": "sha256:00"}),
        having(inspected()),
        "the image has no such name any more",
    ),
    Case(
        said("run", "container.command", ("a", "b c")),
        config(Cmd=["a", "b c"]),
        config(Cmd=["a b", "c"]),
    ),
    Case(
        said("--entrypoint", "container.entrypoint", ("x",)),
        config(Entrypoint=["x"]),
        config(Entrypoint=["y"]),
    ),
    Case(
        said("--entrypoint ''", "container.entrypoint", ()),
        config(Entrypoint=None),
        config(Entrypoint=["y"]),
    ),
    Case(said("-i", "container.stdin", True), config(OpenStdin=True), config(OpenStdin=False)),
    Case(
        said("-l", "container.labels.com.lab.k", "v"),
        config(Labels={"com.lab.k": "v"}),
        config(Labels=None),
    ),
    Case(said("-t", "container.tty", True), config(Tty=True), config(Tty=False)),
    Case(said("-h", "container.hostname", "h1"), config(Hostname="h1"), config(Hostname="h")),
    Case(said("-e", "container.env.A", "1=2"), config(Env=["A=1=2"]), config(Env=None)),
    Case(said("-w", "container.workdir", "/w"), config(WorkingDir="/w"), config(WorkingDir="/")),
    Case(said("-w /w/", "container.workdir", "/w/"), config(WorkingDir="/w"), config()),
    Case(said("-u", "container.user", "1500"), config(User="1500"), config(User="1500:0")),
    Case(said("--shm-size", "container.shm_size", 1024), host(ShmSize=1024), host(ShmSize=1)),
    Case(
        said("--network", "container.network", "n"),
        on_network("n-r1", NetworkMode="n-r1"),
        on_network("bridge", NetworkMode="default"),
    ),
    Case(
        said("--network host", "container.network", "host"),
        host(NetworkMode="host"),
        on_network("host-r2", NetworkMode="host-r2"),
    ),
    Case(
        said("network connect", "container.network", "n"),
        on_network("n-r1", NetworkMode="default"),
        on_network("m-r1", NetworkMode="default"),
    ),
    Case(
        said("--network container:other", "container.network", "container:other"),
        beside("container:ab12"),
        beside(f"container:{CONTAINER_ID}"),
        host(NetworkMode="container:ab12"),
        "that container was not looked at",
    ),
    Case(
        said("-v", "container.mount", mount("bind", "/nas/kim")),
        mounted("bind", "/nas/kim", "/workspace"),
        mounted("bind", "/nas/lee", "/workspace"),
    ),
    Case(
        said("-v ro", "container.mount", mount("bind", "/nas/kim", readonly=True)),
        mounted("bind", "/nas/kim", "/workspace", rw=False),
        mounted("bind", "/nas/kim", "/workspace"),
    ),
    Case(
        said("-v NAME", "container.mount", mount("volume", "data")),
        mounted("volume", "/var/lib/docker/volumes/data-r1/_data", "/workspace", name="data-r1"),
        mounted("volume", "/var/lib/docker/volumes/other/_data", "/workspace", name="other"),
    ),
    Case(
        said("-v TARGET", "container.mount", mount("volume", "")),
        mounted("volume", "/var/lib/docker/volumes/d030/_data", "/workspace", name="d030"),
        mounted("bind", "/nas", "/workspace"),
    ),
    Case(
        said("--mount tmpfs", "container.mount", mount("tmpfs", "")),
        mounted("tmpfs", "", "/workspace"),
        mounted("volume", "/var/lib/docker/volumes/d030/_data", "/workspace", name="d030"),
    ),
    Case(
        said("--tmpfs", "container.mount", mount("tmpfs", "")),
        host(Tmpfs={"/workspace": ""}),
        host(Tmpfs={"/work": ""}),
    ),
    Case(
        said("--tmpfs TARGET/", "container.mount", mount("tmpfs", "")),
        host(Tmpfs={"/workspace/": ""}),
        host(Tmpfs={"/scratch/": ""}),
    ),
    Case(said("-p", "container.port", port()), bound("8080", "8080"), bound("8080", "")),
    Case(
        said("-p, ended", "container.port", port()),
        bound("8080", "", **EXITED),
        bound("8081", "", **EXITED),
    ),
    Case(
        said("-p RANGE", "container.port", port("8000-8010")),
        bound("x", "8003"),
        bound("x", "9000"),
    ),
    Case(said("-p 80", "container.port", port("")), bound("", "49153"), bound("", "")),
    Case(
        said("-p IP", "container.port", port(ip="127.0.0.1")),
        bound("8080", "8080", ip="127.0.0.1"),
        bound("8080", "8080"),
    ),
    Case(
        said("--gpus all", "container.gpus", ALL),
        requested(Count=-1, Capabilities=[["gpu"]]),
        host(DeviceRequests=None),
    ),
    Case(
        said("--gpus 2", "container.gpus", replace(ALL, count=2)),
        requested(Count=2, Capabilities=[["gpu", "gpu"]]),
        requested(Count=1, Capabilities=[["gpu"]]),
    ),
    Case(
        said("--gpus device", "container.gpus", replace(ALL, count=0, devices=("0", "1"))),
        requested(DeviceIDs=["0", "1"], Capabilities=[["gpu"]]),
        requested(DeviceIDs=["0"], Capabilities=[["gpu"]]),
    ),
]
