"""Evidence: each probe looks one thing up and says it in a line or a few."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from pathlib import Path

from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.diagnosis.allowed_remedies import whose
from lifecycle.diagnosis.case import Case, container_name, container_state
from lifecycle.diagnosis.groups import Group
from lifecycle.diagnosis.machine_facts import UNIX, Container

_DASHES = re.compile("[\u2010-\u2015\u2212]")
_CURLY = re.compile("[\u2018\u2019\u201c\u201d]")
_GIB, _GB = 1 << 30, 10**9
_LOGGED = {"lastlog": 292, "faillog": 32}
"""Bytes of a uid's line in each."""

_ANSWERS = {
    "yes": "an engine answers there",
    "refused": "nobody listens there",
    "denied": "this process may not connect",
    "absent": "there is no such socket",
}


# --- the engine and the way to it ---


def cli(case: Case) -> list[str]:
    """The docker command, or the PATH that has none."""
    if case.facts.cli:
        version = case.facts.cli_version
        return [f"docker is {case.facts.cli}" + (f", version {version}" if version else "")]
    return [f"no docker on PATH ({case.facts.environ.get('PATH', os.defpath)})"]


def address(case: Case) -> list[str]:
    """Where the CLI looks for the engine, and what is there."""
    host, source = case.facts.address
    lines = [f"the CLI is pointed at {host or 'nothing'} by {source}"]
    if case.host.startswith(UNIX):
        lines.append(f"{case.socket_path}: {_ANSWERS[case.socket.answers]}")
    if case.socket_path != DEFAULT_SOCKET or not case.host.startswith(UNIX):
        usual = case.facts.socket(DEFAULT_SOCKET)
        lines.append(f"{DEFAULT_SOCKET}: {_ANSWERS[usual.answers]}")
    return lines


def daemons(case: Case) -> list[str]:
    """The dockerd processes of this machine."""
    running = case.facts.daemons
    if not running:
        return ["no dockerd process runs on this machine"]
    return [
        f"dockerd runs as pid {one.pid}" + (f" on {', '.join(one.hosts)}" if one.hosts else "")
        for one in running
    ]


def socket(case: Case) -> list[str]:
    """The socket's owner, group and mode."""
    info = case.socket
    if not info.exists:
        return [f"{info.path}: {_ANSWERS['absent']} on this machine"]
    owner = case.facts.names.user_named(info.uid)
    admits = "admits" if case.facts.admitted(info) else "does not admit"
    group = case.socket_group
    name = group.name if group else str(info.gid)
    belongs = f"{info.path} is {owner}:{name} (gid {info.gid}), mode {info.mode:04o}"
    return [f"{belongs}: it {admits} {case.facts.person.name}"]


def groups(case: Case) -> list[str]:
    """The groups of the process, of a new login, and who is in the docker group."""
    facts, person = case.facts, case.facts.person
    lines = [f"this process of {person.name} is in the groups {_numbers(person.groups)}"]
    if facts.login_groups:
        lines.append(f"a new login of {person.name} is in {_numbers(facts.login_groups)}")
    for group in _distinct(case.socket_group, case.docker_group):
        members = ", ".join(group.members) or "no listed members"
        lines.append(f"`{group.name}` group (gid {group.gid}) has {members}")
    local, by_names = facts.local_group("docker"), case.docker_group
    if by_names and (local is None or local.gid != by_names.gid):
        etc_group = "has none" if local is None else f"has gid {local.gid}"
        lines.append(f"`docker` is gid {by_names.gid} by NSS, while /etc/group {etc_group}")
    return lines


def _distinct(*candidates: Group | None) -> list[Group]:
    return list({group.gid: group for group in candidates if group}.values())


def _numbers(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids)) or "none"


# --- containers ---


def container(case: Case) -> list[str]:
    """The container that the message or the command is about."""
    if case.facts.containers is None:
        return []
    if case.container is None:
        name = case.caught.get("name")
        return [f"no container is named {name} now"] if name else []
    return [_described(case.container)]


def _described(one: Container) -> str:
    state = one.get("Status") or container_state(one) or "state unknown"
    return (
        f"container {container_name(one)} ({str(one.get('Id', ''))[:12]})"
        f" of {one.get('Image', 'an unknown image')}: {state}"
    )


def nearest_container(case: Case) -> list[str]:
    """The containers with names like the missing one's."""
    name = case.caught.get("name", "")
    every = (one.get("Names") or [] for one in case.facts.containers or [])
    known = [str(own).removeprefix("/") for names in every for own in names]
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        return [f"there is a container named {', '.join(near)}"]
    return [] if case.facts.containers is None else [f"no container has a name like {name}"]


def port(case: Case) -> list[str]:
    """Who has the port."""
    text = case.caught.get("port")
    if not text:
        return []
    lines = []
    if case.holder:
        lines.append(f"port {text} is published by {_described(case.holder)}")
    for one in case.listening:
        who = f"{one.command} (pid {one.pid})" if one.pid else "a process that can't be seen"
        owner = case.facts.names.user_named(one.owner)
        lines.append(f"{who} of {owner} listens on {one.address} port {one.port}")
        if one.container:
            lines.append(f"that process lives in container {one.container[:12]}")
        if case.is_left_proxy(one):
            lines.append(
                f"its engine has gone: its parent is {one.parent_command}, not dockerd"
                if one.engine_has_gone
                else f"no container of its engine (pid {one.parent}) publishes port {text}"
            )
    return lines or [f"nothing is seen to hold port {text} now"]


def mounts(case: Case) -> list[str]:
    """The mount that the path lies in, and what its source is on the host."""
    bind = case.bind
    if bind is None:
        return [f"mounted: {b.source} at {b.target}" for b in case.binds]
    mode = "read-only" if bind.readonly else "read-write"
    return [
        f"{bind.target} is {bind.source} of the host, mounted {mode}",
        *_path(case, bind.source),
        *_lies_on(case, bind.source),
    ]


def _lies_on(case: Case, path: str) -> list[str]:
    mount = case.facts.mount_of(path)
    if mount is None:
        return []
    mode = "read-only" if mount.readonly else "read-write"
    return [f"{path} lies on {mount.source} ({mount.kind}, {mode}) at {mount.point}"]


def read_only(case: Case) -> list[str]:
    """What makes the container's /etc read-only."""
    why = case.read_only_at("/etc")
    return [f"the container has {why}"] if why else []


def korean_passwd(case: Case) -> list[str]:
    """The Korean passwd ends every failure with the words that it should end a success with."""
    wrong = "passwd: 암호를 바꿨습니다"
    return [f"`{wrong}` is a mistranslation of `password unchanged`"] if wrong in case.text else []


def source(case: Case) -> list[str]:
    """The path of the host that the message names."""
    path = case.caught.get("source")
    return [*_path(case, path), *_lies_on(case, path)] if path else []


def _path(case: Case, path: str) -> list[str]:
    owner = case.facts.owner(path)
    if owner is None:
        return [f"{path} does not exist on this machine, or may not be seen"]
    empty = ", empty" if case.facts.is_empty(path) else ""
    return [f"{path} belongs to {case.facts.names.user_named(owner)} (uid {owner}){empty}"]


# --- images and Dockerfiles ---


def login(case: Case) -> list[str]:
    """The registries that the person has logged in to."""
    stored = sorted(case.facts.client_config.get("auths") or {})
    return [f"stored logins: {', '.join(stored)}" if stored else "no registry login is stored"]


def tag(case: Case) -> list[str]:
    """Whether the tag was written or implied."""
    image = case.caught.get("image", "")
    if "Using default tag: latest" in case.text or image.endswith(":latest"):
        return ["the tag is `latest`, which is what no tag means"]
    return [f"the name asked for is {image}"] if image else []


def dockerfile(case: Case) -> list[str]:
    """Lines of the Dockerfile that hold typographic dashes or quotes."""
    lines = []
    for file in _dockerfiles(case):
        for number, line in enumerate(case.facts.read_in_folder(file.name).splitlines(), 1):
            if _DASHES.search(line) or _CURLY.search(line):
                lines.append(f"{file.name}:{number}: {line.strip()}")
    return lines


def dockerfiles(case: Case) -> list[str]:
    """The files of the folder that could have been meant."""
    near = [file.name for file in _dockerfiles(case)]
    names = ", ".join(near) or "no file with a name like dockerfile"
    return [f"{case.facts.cwd} has {names}"]


def _dockerfiles(case: Case) -> list[Path]:
    named = case.option("--file")
    files = case.facts.files_of_folder()
    return [f for f in files if f.name == named or "dockerfile" in f.name.lower()]


def proxy_lines(case: Case) -> list[str]:
    """The lines of the Dockerfile that set a proxy."""
    return [f"line {number}: {line}" for number, line in case.proxy_lines]


def capitals(case: Case) -> list[str]:
    """Whether the capitals come from the person's own name."""
    name = case.facts.person.name
    return [f"the user name {name} has capital letters"] if name != name.lower() else []


def id_taken(case: Case) -> list[str]:
    """The id that the image has already, and whose it is on the host."""
    lines = []
    if gid := case.caught.get("gid"):
        group = case.facts.names.group_numbered(int(gid))
        lines.append(f"gid {gid} on the host is {group.name if group else 'nobody'}")
    if uid := case.caught.get("uid"):
        lines.append(f"uid {uid} on the host is {case.facts.names.user_named(int(uid))}")
    return lines


def sudo(case: Case) -> list[str]:
    """Who called this through sudo."""
    user = case.facts.environ.get("SUDO_USER")
    return [f"this runs under sudo, called by {user}"] if user else []


# --- GPUs ---


def gpus(case: Case) -> list[str]:
    """The GPUs of the machine and the parts of the toolkit that are there."""
    facts = case.facts
    hardware = facts.gpu_hardware
    driver = "is not loaded" if facts.gpus is None else f"shows {facts.gpus} GPUs"
    tools = ", ".join(str(path) for path in facts.toolkit)
    return [
        f"{hardware or 'no'} NVIDIA devices on the PCI bus; the driver {driver}",
        f"NVIDIA Container Toolkit: {tools or 'no part of it on PATH'}",
    ]


def nvidia_driver(case: Case) -> list[str]:
    """The loaded driver's version."""
    lines = case.facts.read("proc/driver/nvidia/version").splitlines()
    return [lines[0].strip()] if lines else ["the NVIDIA kernel driver is not loaded"]


# --- the machine ---


def proxies(case: Case) -> list[str]:
    """The proxies of the shell, and those that the CLI hands to builds and containers."""
    shell = case.facts.proxies
    lines = [f"proxy variables of the shell: {', '.join(sorted(shell)) or 'none'}"]
    configured = case.facts.client_config.get("proxies")
    lines.append(f"~/.docker/config.json {'sets' if configured else 'sets no'} proxies")
    return lines


def disk(case: Case) -> list[str]:
    """What is left where the engine keeps its images."""
    roots = {one.data_root for one in case.facts.daemons} or {"/var/lib/docker"}
    lines = []
    for root in sorted(roots):
        free = case.facts.free_bytes(root)
        if free is not None:
            lines.append(f"{root}: {free / _GIB:.1f} GiB free")
    return lines


def login_log(case: Case) -> list[str]:
    """How long the login logs become with the person's uid: a line each for all uids up to it."""
    uid = case.facts.person.uid
    sizes = [f"/var/log/{name} {uid * size / _GB:.0f} GB" for name, size in _LOGGED.items()]
    return [f"with uid {uid}: {', '.join(sizes)}"]


def kernel(case: Case) -> list[str]:
    """Whether the running kernel's modules are still on disk."""
    release = case.facts.read("proc/sys/kernel/osrelease").strip()
    there = (case.facts.root / "lib/modules" / release).is_dir() if release else False
    return [f"/lib/modules/{release} {'exists' if there else 'does not exist'}"]


def cgroup(case: Case) -> list[str]:
    """The hierarchy that the host mounts."""
    return [f"the host mounts cgroup v{case.facts.cgroup_version}"]


def selinux(case: Case) -> list[str]:
    """Whether SELinux refuses here."""
    return [f"SELinux is {'enforcing' if case.facts.selinux_enforcing else 'not enforcing'}"]


def api_version(case: Case) -> list[str]:
    """The API version that the environment fixes."""
    fixed = case.facts.environ.get("DOCKER_API_VERSION")
    return [f"DOCKER_API_VERSION is {fixed}" if fixed else "DOCKER_API_VERSION is not set"]


def resolver(case: Case) -> list[str]:
    """The name servers of the host."""
    lines = case.facts.read("etc/resolv.conf").splitlines()
    servers = [line.split()[1] for line in lines if re.match(r"nameserver\s+\S", line)]
    return [f"name servers of the host: {', '.join(servers) or 'none'}"]


def person(case: Case) -> list[str]:
    """The person's ids, and whether they are in /etc/passwd."""
    one = case.facts.person
    local = any(x.startswith(f"{one.name}:") for x in case.facts.read("etc/passwd").splitlines())
    where = "in" if local else "not in"
    return [f"{one.name} is uid {one.uid}, gid {one.gid} on the host, {where} /etc/passwd"]


PROBES: dict[str, Callable[[Case], list[str]]] = {
    probe.__name__.replace("_", "-"): probe
    for probe in (
        cli,
        address,
        daemons,
        socket,
        groups,
        container,
        whose,
        nearest_container,
        port,
        mounts,
        read_only,
        korean_passwd,
        source,
        login,
        tag,
        dockerfile,
        dockerfiles,
        proxy_lines,
        capitals,
        id_taken,
        sudo,
        gpus,
        nvidia_driver,
        proxies,
        disk,
        login_log,
        kernel,
        cgroup,
        selinux,
        api_version,
        resolver,
        person,
    )
}
