"""The rows of mount options and of verbs other than run; see cases.py for their form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lifecycle.command.promise import Expected
from lifecycle.command.values.changes import Change
from lifecycle.command.values.mounts import MountOption, VolumesFrom
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.machine.procfs import MountLine
from lifecycle.text.json_object import Json
from tests.unit.checks.cases import Case, host
from tests.unit.checks.cases_other import IMAGE, NETWORK, NO_EXEC, NONE, VOLUME, image
from tests.unit.checks.samples import EXITED, SEEN, UNSEEN, executed, having, inspected, said, step

ANONYMOUS = "d0" * 32
ENDED = UNSEEN.unseen


def asked(kind: str, **options: Any) -> Facts:
    """``--mount`` of /d with such options of its type."""
    return host(Mounts=[{"Type": "volume", "Target": "/d", f"{kind}Options": options}])


def made(**mount: Any) -> Facts:
    return having(inspected(Mounts=[{"Destination": "/d", "Type": "bind", **mount}]))


def inside(
    options: str = "rw", more: str = "rw", tags: tuple[str, ...] = (), root: str = "/"
) -> Facts:
    """/d as the mount table inside shows it."""
    line = MountLine(
        "/d",
        root,
        "tmpfs",
        "tmpfs",
        frozenset(options.split(",")),
        frozenset(more.split(",")),
        frozenset(tags),
    )
    return having(inspected(), replace(SEEN, mounts=(line,)))


def option(name: str, value: str | int) -> MountOption:
    return MountOption("/d", name, value)


def declared(name: str, value: str | int, kept: Facts, broken: Facts, by: str = "--mount") -> Case:
    promise = said(f"{by} {name}={value}", "container.mount.option", option(name, value))
    return Case(promise, kept, broken)


def effective(name: str, value: str | int, kept: Facts, broken: Facts) -> Case:
    promise = said(
        f"--mount {name}={value}", "container.mount.option", option(name, value), "inside"
    )
    return Case(promise, kept, broken, having(inspected(), UNSEEN), ENDED)


MOUNT_OPTIONS = [
    declared("propagation", "rslave", made(Propagation="rslave"), made(Propagation="rprivate")),
    declared("driver", "local", made(Driver="local"), made(Driver="nfs")),
    declared("nocopy", True, asked("Volume", NoCopy=True), asked("Volume")),
    declared("nocopy", True, host(Binds=["v:/d:ro,nocopy"]), host(Binds=["v:/d"]), "-v"),
    declared("relabel", "Z", host(Binds=["/a:/d:Z"]), host(Binds=["/a:/d:z"])),
    declared("nocopy", True, host(Binds=["v:/d/:nocopy"]), host(Binds=["v:/d/"]), "-v /d/"),
    declared("uid", "1", host(Tmpfs={"/d/": "uid=1"}), host(Tmpfs={"/d/": ""}), "--tmpfs /d/"),
    declared(
        "subpath",
        "a",
        host(Mounts=[{"Target": "/d/", "VolumeOptions": {"Subpath": "a"}}]),
        host(Mounts=[{"Target": "/d/", "VolumeOptions": {}}]),
        "--mount of /d/",
    ),
    declared("subpath", "a/b", asked("Volume", Subpath="a/b"), asked("Volume", Subpath="a")),
    declared("label k", "v", asked("Volume", Labels={"k": "v"}), asked("Volume", Labels=None)),
    declared(
        "opt type",
        "tmpfs",
        asked("Volume", DriverConfig={"Options": {"type": "tmpfs"}}),
        asked("Volume", DriverConfig=None),
    ),
    declared("create-src", True, asked("Bind", CreateMountpoint=True), asked("Bind")),
    declared("recursive", "disabled", asked("Bind", NonRecursive=True), asked("Bind")),
    declared("size", 1024, asked("Tmpfs", SizeBytes=1024), asked("Tmpfs", SizeBytes=1)),
    declared("mode", "700", asked("Tmpfs", Mode=0o700), asked("Tmpfs")),
    declared("size", 2**20, host(Tmpfs={"/d": "size=1m,noexec"}), host(Tmpfs={"/d": ""})),
    declared("noexec", True, host(Tmpfs={"/d": "size=1m,noexec"}), host(Tmpfs={"/d": "exec"})),
    effective("propagation", "rslave", inside(tags=("master:1",)), inside(tags=("shared:1",))),
    effective("propagation", "shared", inside(tags=("shared:1",)), inside()),
    effective("subpath", "a/b/", inside(root="/var/v/_data/a/b"), inside(root="/var/v/_data")),
    effective("size", 2**20, inside(more="rw,size=1024k"), inside(more="rw,size=64k")),
    effective("size", 5000, inside(more="rw,size=8k"), inside(more="rw")),
    effective("mode", "700", inside(more="rw,mode=700"), inside()),
    effective("uid", "1000", inside(more="rw,uid=1000"), inside()),
    effective("noexec", True, inside("rw,noexec"), inside()),
]

BIND: Json = {"Type": "bind", "Source": "/nas", "Destination": "/workspace", "RW": True}
FROM = VolumesFrom("other", readonly=False)


def sharing(*mine: Json, readonly: bool = False) -> Facts:
    """A container beside ``other``, which has one bind mount."""
    facts = having(inspected(Mounts=[{**m, "RW": not readonly} for m in mine]))
    facts.containers["other"] = ContainerFacts("other", now=inspected(Mounts=[BIND]))
    return facts


def seeing_theirs(**changes: Any) -> Facts:
    facts = sharing(BIND)
    facts.containers["c"].inside = replace(SEEN, **changes)
    return facts


VOLUMES = [
    Case(
        said("--volume-driver", "container.volume_driver", "local"),
        host(VolumeDriver="local"),
        host(VolumeDriver=""),
    ),
    Case(
        said("--volumes-from", "container.volumes_from", FROM),
        sharing(BIND),
        sharing(BIND, readonly=True),
        host(VolumesFrom=["other"]),
        "that container was not looked at",
    ),
    Case(
        said("--volumes-from other:ro", "container.volumes_from", replace(FROM, readonly=True)),
        sharing(BIND, readonly=True),
        sharing({**BIND, "Source": "/elsewhere"}),
    ),
    Case(
        said("--volumes-from", "container.volumes_from", FROM, "inside"),
        seeing_theirs(),
        seeing_theirs(mounts=()),
        seeing_theirs(unseen=ENDED),
        ENDED,
    ),
]

BEFORE = inspected(Mounts=[{"Type": "volume", "Name": ANONYMOUS}, {"Type": "volume", "Name": "v"}])


def removed(**volumes: Any) -> Facts:
    facts = having(None, before=BEFORE)
    facts.volumes = {"v": {"Name": "v"}, **volumes}
    return facts


def printed(output: str, **state: Any) -> Facts:
    """A container beside what a command printed."""
    ports = {
        "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "81"}, {"HostIp": "::", "HostPort": "81"}]
    }
    found = inspected(State=state, NetworkSettings={"Ports": {**ports, "90/udp": None}})
    return having(found, more={"output": output})


LISTED = "80/tcp -> 0.0.0.0:81\n80/tcp -> [::]:81\n"
VERBS = [
    Case(
        said("-v", "container.volumes_removed", True),
        removed(**{ANONYMOUS: None}),
        removed(**{ANONYMOUS: {"Name": ANONYMOUS}}),
        removed(),
        "its volumes were not looked at",
    ),
    Case(
        said("-v, none", "container.volumes_removed", True),
        removed(**{ANONYMOUS: None}),
        removed(**{ANONYMOUS: {"Name": ANONYMOUS}}),
        having(None, before=inspected()),
        "it had no anonymous volume",
    ),
    Case(
        said("wait", "container.exit_printed", True),
        printed("137\n", **EXITED),
        printed("0\n", **EXITED),
        having(None, created=inspected()),
        "the container is gone",
    ),
    Case(
        said("top", "container.process_listed", True),
        printed("PID CMD\n7506 sleep\n"),
        printed("PID CMD\n1 sleep\n"),
        printed("", **EXITED),
        "the container is not running",
    ),
    Case(said("port", "container.port_listed", ""), printed(LISTED), printed("")),
    Case(
        said("port 80", "container.port_listed", "80/tcp"),
        printed("0.0.0.0:81\n[::]:81\n"),
        printed("0.0.0.0:82\n[::]:81\n"),
        having(None, created=inspected()),
        "the container is gone",
    ),
    Case(
        said("-s", "container.signal", 1, "host"),
        having(inspected(), signals=(1, 9)),
        having(inspected(), signals=(15,)),
        having(inspected()),
        "the engine's events were not read",
    ),
    Case(
        said("-s, stopped", "container.signal", 1, "host"),
        having(inspected(), signals=(1,)),
        having(inspected(), signals=(), before=inspected()),
        having(inspected(), signals=(), before=inspected(State=EXITED)),
        "it was not running",
    ),
    Case(
        said("--privileged", "exec.privileged", True),
        executed(config={"privileged": True}),
        executed(),
        NO_EXEC,
        NONE,
    ),
]


def network(**found: Any) -> Facts:
    return step(networks={"n": {"Name": "n", **found}})


def pool(**found: Any) -> Facts:
    return network(IPAM={"Driver": "default", "Config": [found]})


def volume(**found: Any) -> Facts:
    return step(volumes={"v": {"Name": "v", **found}})


def of_network(flag: str, field: str, expected: Expected, kept: Facts, broken: Facts) -> Case:
    promise = said(flag, f"network.{field}", expected, about=NETWORK)
    return Case(promise, kept, broken, step(networks={"n": None}), "the network was not made")


def of_volume(flag: str, field: str, expected: Expected, kept: Facts, broken: Facts) -> Case:
    promise = said(flag, f"volume.{field}", expected, about=VOLUME)
    return Case(promise, kept, broken, step(), "the volume was not made")


def of_image(flag: str, field: str, expected: Expected, kept: Facts, broken: Facts) -> Case:
    promise = said(flag, f"image.{field}", expected, about=IMAGE)
    return Case(promise, kept, broken, step(), "the image was not made")


def change(
    instruction: str, value: str | tuple[str, ...], key: str, kept: Any, broken: Any
) -> Case:
    """A changed image whose configuration has ``kept``, or ``broken``, under a key."""
    wanted = Change(instruction, "K" if instruction in {"ENV", "LABEL"} else "", value)
    cases = (image(Config={key: kept}), image(Config={key: broken}))
    return of_image(f"-c {instruction}", "change", wanted, *cases)


THINGS = [
    of_network("-d", "driver", "bridge", network(Driver="bridge"), network(Driver="macvlan")),
    *(
        of_network(f"--{flag}", flag.replace("-", "_"), True, network(**{k: True}), network())
        for flag, k in {
            "internal": "Internal",
            "attachable": "Attachable",
            "ingress": "Ingress",
            "ipv6": "EnableIPv6",
            "config-only": "ConfigOnly",
        }.items()
    ),
    of_network("--ipv4", "ipv4", True, network(), network(EnableIPv4=False)),
    of_network("--scope", "scope", "local", network(Scope="local"), network(Scope="swarm")),
    of_network(
        "--config-from",
        "config_from",
        "m",
        network(ConfigFrom={"Network": "m"}),
        network(ConfigFrom={"Network": ""}),
    ),
    of_network("--label", "labels.a.b", "c", network(Labels={"a.b": "c"}), network(Labels=None)),
    of_network("-o", "options.a.b", "c", network(Options={"a.b": "c"}), network(Options={})),
    of_network("--subnet", "subnet", "1.2.3.0/24", pool(Subnet="1.2.3.0/24"), pool()),
    of_network("--gateway", "gateway", "1.2.3.1", pool(Gateway="1.2.3.1/24"), pool()),
    of_network("--ip-range", "ip_range", "1.2.3.0/28", pool(IPRange="1.2.3.0/28"), pool()),
    of_network(
        "--aux-address",
        "aux_address.r",
        "1.2.3.9",
        pool(AuxiliaryAddresses={"r": "1.2.3.9"}),
        pool(AuxiliaryAddresses={"r": "1.2.3.8"}),
    ),
    of_network("--ipam-driver", "ipam_driver", "default", pool(), network(IPAM={"Driver": "x"})),
    of_network(
        "--ipam-opt",
        "ipam_options.a",
        "b",
        network(IPAM={"Options": {"a": "b"}}),
        network(IPAM={"Options": None}),
    ),
    of_volume("-d", "driver", "local", volume(Driver="local"), volume(Driver="nfs")),
    of_volume("--label", "labels.a", "b", volume(Labels={"a": "b"}), volume(Labels=None)),
    of_volume("-o", "options.type", "tmpfs", volume(Options={"type": "tmpfs"}), volume()),
    of_image(
        "--label", "labels.a.b", "c", image(Config={"Labels": {"a.b": "c"}}), image(Config={})
    ),
    of_image(
        "--platform",
        "platform",
        "linux/amd64",
        image(Os="linux", Architecture="amd64"),
        image(Os="linux", Architecture="arm64"),
    ),
    of_image("-a", "author", "kim", image(Author="kim"), image(Author="")),
    of_image("-m", "comment", "first", image(Comment="first"), image()),
    change("CMD", ("a",), "Cmd", ["a"], None),
    change("ENTRYPOINT", ("a",), "Entrypoint", ["a"], ["b"]),
    change("ENV", "1", "Env", ["A=2", "K=1"], ["K=2"]),
    change("LABEL", "1", "Labels", {"K": "1"}, None),
    change("EXPOSE", "80/tcp", "ExposedPorts", {"80/tcp": {}}, {"80/udp": {}}),
    change("VOLUME", "/d", "Volumes", {"/d": {}}, None),
    change("ONBUILD", "RUN x", "OnBuild", ["RUN x"], []),
    change("USER", "kim", "User", "kim", ""),
    change("WORKDIR", "/w", "WorkingDir", "/w", "/"),
    change("STOPSIGNAL", "HUP", "StopSignal", "HUP", None),
]
