"""How the facts tell apart findings whose message is the same.

Each rule answers True (the facts say so), False (they speak against it) or None (they can't
tell). A catalogue entry names its rule in ``when``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lifecycle.command.flags import does
from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.diagnosis.case import Case, container_name, container_state
from lifecycle.diagnosis.catalog import entry
from lifecycle.diagnosis.machine_facts import UNIX, Mount

_HUBS = re.compile(r"docker\.io|docker\.com|gcr\.io|nvcr\.io|quay\.io|ghcr\.io")
_LISTS_FETCHED = re.compile(r"^(?:#\S+ \S+ )?(?:Get|Hit|Ign):\d+ |Fetched [\d.,]+ ", re.MULTILINE)
_NOT_ANSWERED = re.compile(
    r"Password change (?:has been )?aborted|[Pp]asswords (?:do not|don't) match|"
    r"암호 변경을 취소|암호가 일치하지 않"
)
_SHELL = re.compile(r"(?:\S*/)?(?:ba|da|z)?sh(?: -[il]+)?")
_ENDED_BY_EXIT = re.compile(r"Exited \((?:0|130)\)")
_USES_NETWORK = re.compile(r"\s*RUN\b.*\b(?:apt|apt-get|pip3?|curl|wget|git|conda)\b")
_SERVED = ("nfs", "fuse", "cifs", "smb", "ceph", "lustre", "gpfs", "beegfs", "9p", "afs")
_HUGE_UID = 1_000_000
_MAKES_USER = re.compile(r"\b(?:useradd|adduser)\b[^;&|]*")
_WITHOUT_LOG = re.compile(r" (?:-\w*l\w*|--no-log-init)\b")
_ACCOUNTS = ("/etc/passwd", "/etc/shadow")
_WEAK, _UNANSWERED = "passwd-too-weak", "passwd-no-tty-or-mismatch"


# --- the engine does not answer ---


def daemon_is_down(case: Case) -> bool | None:
    """Nobody answers at the address, and no other engine does either."""
    if case.host.startswith(UNIX) and case.socket.answers == "yes":
        return False
    return not host_is_wrong(case)


def host_is_wrong(case: Case) -> bool | None:
    """The address is not the usual one and leads nowhere, while an engine runs elsewhere."""
    if case.socket_path.removeprefix("/var") == DEFAULT_SOCKET.removeprefix("/var"):
        return False if case.host.startswith(UNIX) else _engine_elsewhere(case)
    return False if case.socket.exists else _engine_elsewhere(case)


def _engine_elsewhere(case: Case) -> bool | None:
    usual = case.facts.socket(DEFAULT_SOCKET)
    return True if usual.answers in ("yes", "denied") or case.facts.daemons else None


# --- the engine may not be asked ---


def not_in_group(case: Case) -> bool | None:
    """The person is in no group that the socket admits, neither now nor after a new login."""
    if not case.socket.exists:
        return None
    if case.facts.admitted(case.socket):
        return False
    return not (needs_new_login(case) or group_only_in_ldap(case))


def needs_new_login(case: Case) -> bool | None:
    """A new login would be in the socket's group; this process is not."""
    if not case.socket.exists:
        return None
    gid = case.socket.gid
    return gid in case.facts.login_groups and gid not in case.facts.person.groups


def group_only_in_ldap(case: Case) -> bool | None:
    """NSS has a docker group that the socket does not belong to, as dockerd can't read it."""
    if not case.socket.exists:
        return None
    if case.facts.admitted(case.socket):
        return False
    by_names, local = case.docker_group, case.facts.local_group("docker")
    if by_names is None or by_names.gid == case.socket.gid:
        return False
    return local is None or local.gid != by_names.gid


# --- names, ports, images ---


def name_left_behind(case: Case) -> bool | None:
    """The container that holds the name never started."""
    if case.facts.containers is None:
        return None
    return case.holder is not None and container_state(case.holder) == "created"


def name_in_use(case: Case) -> bool | None:
    """The container that holds the name has run."""
    if case.facts.containers is None:
        return None
    return case.holder is not None and container_state(case.holder) != "created"


def name_is_the_runs(case: Case) -> bool:
    """The run has made it, and calls it otherwise; no docker line of its own asked for it."""
    one, name = case.holder, case.caught.get("name")
    if one is None or case.typed or container_name(one) == name:
        return False
    return case.facts.made(str(one.get("Id", "")))


def name_is_not_the_runs(case: Case) -> bool:
    """Nothing that this run made is meant."""
    return not name_is_the_runs(case)


def container_has_port(case: Case) -> bool:
    """A container publishes the port, or the process that listens lives in one."""
    if case.holder is not None:
        return True
    return any(
        one.container or (one.is_proxy and not case.is_left_proxy(one)) for one in case.listening
    )


def left_proxy_has_port(case: Case) -> bool:
    """A leftover docker-proxy holds the port, and no container does."""
    return not container_has_port(case) and any(map(case.is_left_proxy, case.listening))


def process_has_port(case: Case) -> bool:
    """Neither a container is known to hold the port, nor what is left of one."""
    return not (container_has_port(case) or left_proxy_has_port(case))


def image_user_runs(case: Case) -> bool | None:
    """The container that uses the image runs."""
    return container_state(case.holder) in ("running", "paused") if case.holder else None


def image_user_stopped(case: Case) -> bool | None:
    """The container that uses the image is stopped, and a person made it."""
    running = image_user_runs(case)
    return None if running is None else not running and not build_left_it(case)


def build_left_it(case: Case) -> bool | None:
    """The container that uses the image is what a failed build left."""
    if case.holder is None:
        return None
    command = str(case.holder.get("Command", ""))
    return container_state(case.holder) == "exited" and command.startswith("/bin/sh -c")


def shell_was_left(case: Case) -> bool:
    """The container's first process was a shell, and it ended as `exit` ends one."""
    one = case.container
    if one is None:
        return False
    shell = _SHELL.fullmatch(str(one.get("Command", "")).strip('"'))
    return bool(shell and _ENDED_BY_EXIT.match(str(one.get("Status", ""))))


def shell_was_not_left(case: Case) -> bool:
    """The container stopped for another or an unknown reason."""
    return not shell_was_left(case)


# --- the network ---


def hub_behind_proxy(case: Case) -> bool | None:
    """The address is a public registry's, and this person needs a proxy to get out."""
    if not _HUBS.search(case.line):
        return False
    return True if case.facts.proxies else None


def registry_is_away(case: Case) -> bool | None:
    """The address is the lab's own, or no proxy is known that should have been used."""
    if not _HUBS.search(case.line):
        return True
    return False if case.facts.proxies else None


def proxy_exported(case: Case) -> bool:
    """The Dockerfile sets the proxy with RUN export, which lasts for that line only."""
    return any("export" in line for _, line in case.proxy_lines)


def proxy_set_late(case: Case) -> bool:
    """The Dockerfile sets the proxy with ENV, but after the first line that needs it."""
    needs = (at for at, line in enumerate(case.dockerfile, 1) if _USES_NETWORK.match(line))
    sets = [number for number, line in case.proxy_lines if "export" not in line]
    return bool(sets) and min(sets) > next(needs, sets[0])


def build_without_proxy(case: Case) -> bool | None:
    """A build that was given no proxy, by a person whose own shell needs one."""
    if proxy_exported(case) or proxy_set_late(case):
        return False
    return None if case.building is None else case.building and bool(case.facts.proxies)


def names_do_not_resolve(case: Case) -> bool | None:
    """Not a build, or one by a person who needs no proxy."""
    if proxy_exported(case) or proxy_set_late(case):
        return False
    behind_proxy = build_without_proxy(case)
    return None if behind_proxy is None else not behind_proxy


# --- packages, passwords, files ---


def login_log_is_huge(case: Case) -> bool:
    """The Dockerfile makes a user with a huge uid, and lets it be logged."""
    text = "\n".join(case.dockerfile).replace("\\\n", " ")
    lines = [line for line in _MAKES_USER.findall(text) if not _WITHOUT_LOG.search(line)]
    uids = [int(n) for line in lines for n in re.findall(r"\b[0-9]{7,10}\b", line)]
    return bool(lines) and max(uids, default=case.facts.person.uid) >= _HUGE_UID


def disk_is_full(case: Case) -> bool:
    """No huge login log explains the full disk."""
    return not login_log_is_huge(case)


def lists_are_missing(case: Case) -> bool:
    """The output shows no download of package lists."""
    return not _LISTS_FETCHED.search(case.text)


def lists_are_there(case: Case) -> bool:
    """The package lists were fetched, so the package is not in them."""
    return not lists_are_missing(case)


def passwd_in_build(case: Case) -> bool | None:
    """The passwd ran in a build."""
    return case.building


def passwd_unanswered(case: Case) -> bool | None:
    """The passwd got an end of file, or two different passwords, in a container."""
    if case.building or etc_is_mounted(case) or etc_is_read_only(case):
        return False
    reason = _last_reason(case)
    return reason == _UNANSWERED if reason else None


def passwd_too_weak(case: Case) -> bool:
    """The policy's word was the last; root is only warned, and may fail for another reason."""
    return not case.building and _last_reason(case) == _WEAK


def etc_is_mounted(case: Case) -> bool | None:
    """The container mounts the files that passwd must replace."""
    if case.building or _last_reason(case):
        return False
    mounted = any(bind.target in _ACCOUNTS for bind in case.binds)
    return mounted or (False if etc_is_read_only(case) else _unless_known(case))


def etc_is_read_only(case: Case) -> bool | None:
    """The container's own file system, or what is mounted at /etc, is read-only."""
    if case.building or _last_reason(case):
        return False
    return bool(case.read_only_at("/etc")) or _unless_known(case)


def _unless_known(case: Case) -> bool | None:
    """What is not seen of a container that could be looked at is not there."""
    return False if case.inspected else None


def _last_reason(case: Case) -> str:
    """Why passwd gave up, as it said itself: the last of several reasons, or nothing."""
    reasons = {_UNANSWERED: (_NOT_ANSWERED,), _WEAK: entry(_WEAK).patterns}
    places = [
        (match.start(), reason)
        for reason, patterns in reasons.items()
        for pattern in patterns
        for match in pattern.finditer(case.text)
    ]
    return max(places, default=(0, ""))[1]


def path_is_not_mounted(case: Case) -> bool | None:
    """The path lies in none of the container's mounts."""
    if case.bind is not None:
        return False
    return True if case.container or does(case.typed).makes == "container" else None


def source_made_by_docker(case: Case) -> bool | None:
    """The mounted folder is root's and empty, as dockerd leaves one that did not exist."""
    owner = case.facts.owner(case.bind.source) if case.bind else None
    if case.bind is None or owner is None:
        return False if path_is_not_mounted(case) else None
    return owner == 0 and case.facts.is_empty(case.bind.source)


def source_is_anothers(case: Case) -> bool | None:
    """The mounted folder belongs to somebody, and it is not an empty folder of root's."""
    made = source_made_by_docker(case)
    if path_is_not_mounted(case) or selinux_refuses(case) or root_is_squashed(case):
        return False
    return None if made is None else not made


def selinux_refuses(case: Case) -> bool:
    """SELinux enforces on this machine."""
    return case.facts.selinux_enforcing


def served(mount: Mount) -> bool:
    """Whether another machine or program serves it, as a NAS does."""
    return mount.kind.startswith(_SERVED)


def root_is_squashed(case: Case) -> bool | None:
    """Root of the container was refused on a file system that another machine or program serves."""
    if case.bind is None:
        return False if path_is_not_mounted(case) else None
    mount = case.facts.mount_of(case.bind.source)
    as_root = case.symptom.uid == 0 or case.option("--user").partition(":")[0] in ("0", "root")
    return bool(mount and served(mount) and as_root)


def root_is_not_squashed(case: Case) -> bool:
    """It was not root, or not on such a file system."""
    return not root_is_squashed(case)


def docker_is_a_snap(case: Case) -> bool:
    """The docker command or the daemon comes from snap."""
    cli = case.facts.cli
    paths = [str(cli.resolve())] if cli else []
    for daemon in case.facts.daemons:
        paths += [daemon.data_root, *daemon.arguments[:1]]
    return any("/snap/" in path for path in paths)


def docker_is_no_snap(case: Case) -> bool:
    """Docker was installed as usual."""
    return not docker_is_a_snap(case)


RULES: dict[str, Callable[[Case], bool | None]] = {
    rule.__name__.replace("_", "-"): rule
    for rule in (
        daemon_is_down,
        host_is_wrong,
        not_in_group,
        needs_new_login,
        group_only_in_ldap,
        name_left_behind,
        name_in_use,
        name_is_the_runs,
        name_is_not_the_runs,
        container_has_port,
        left_proxy_has_port,
        process_has_port,
        image_user_runs,
        image_user_stopped,
        build_left_it,
        shell_was_left,
        shell_was_not_left,
        hub_behind_proxy,
        registry_is_away,
        proxy_exported,
        proxy_set_late,
        build_without_proxy,
        names_do_not_resolve,
        lists_are_missing,
        lists_are_there,
        login_log_is_huge,
        disk_is_full,
        passwd_in_build,
        passwd_unanswered,
        passwd_too_weak,
        etc_is_mounted,
        etc_is_read_only,
        path_is_not_mounted,
        source_made_by_docker,
        source_is_anothers,
        selinux_refuses,
        root_is_squashed,
        root_is_not_squashed,
        docker_is_a_snap,
        docker_is_no_snap,
    )
}
