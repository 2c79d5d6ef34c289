"""The person a command runs as: who NSS says they are, their environment, how to become them."""

from __future__ import annotations

import functools
import grp
import os
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.machine.secret_variables import without_secrets
from lifecycle.text.lines import nearest

LOGIN_PATH = "/usr/local/bin:/usr/bin:/bin"
LOGIN_UMASK = 0o022

_KEPT = frozenset({"LANG", "LANGUAGE", "TERM", "TZ"})
_KEPT_PREFIXES = ("LC_", "DOCKER_", "LIFECYCLE_")
_NOT_THEIRS = "DOCKER_AUTH_CONFIG"
"""The caller's registry logins."""
_OWN_CONFIG = "DOCKER_CONFIG"
"""The caller's settings and logins; only a person made for the sandbox has none of their own."""
_PROXIES = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"})


class SubjectError(Exception):
    """A person who is not known here, or whom we may not become; the message is a sentence."""


@dataclass(frozen=True)
class Subject:
    """A person: name, ids, groups, home.

    ``groups`` are all their gids with the primary one among them, and ``group_names`` their
    names in the same order (the number as text where nothing names it). ``synthetic`` marks a
    person of the sandbox, who is not in /etc/passwd.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    group_names: tuple[str, ...]
    home: str
    shell: str
    umask: int
    synthetic: bool = False

    @property
    def group(self) -> str:
        """The name of the primary group."""
        named = dict(zip(self.groups, self.group_names, strict=True))
        return named.get(self.gid, str(self.gid))

    def as_template_values(self) -> dict[str, Any]:
        """What a scenario sees as ``me``."""
        return {
            "name": self.name,
            "uid": self.uid,
            "gid": self.gid,
            "home": self.home,
            "group": self.group,
            "groups": list(self.group_names),
            "shell": self.shell,
            "umask": f"{self.umask:03o}",
        }


def current_subject() -> Subject:
    """The person who runs this process, with the groups that their login gave it."""
    uid, gid = os.geteuid(), os.getegid()
    groups = _with_primary(gid, os.getgroups())
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # a container started with a bare uid: nothing names it
        name, home, shell = f"uid{uid}", os.environ.get("HOME", "/"), "/bin/sh"
    else:
        name, home, shell = entry.pw_name, entry.pw_dir, entry.pw_shell or "/bin/sh"
    return Subject(name, uid, gid, groups, _names(groups), home, shell, _process_umask())


def subject_named(name: str) -> Subject:
    """The person of that login name, as NSS knows them (files, LDAP, ...)."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        known = [one.pw_name for one in pwd.getpwall()]
        near = nearest(name, known)
        hint = f"the nearest name is {near!r}" if near else f"`getent passwd {name}` is empty"
        raise SubjectError(f"no user is named {name!r} on this machine; {hint}") from None
    groups = _with_primary(entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Subject(
        name=entry.pw_name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        groups=groups,
        group_names=_names(groups),
        home=entry.pw_dir,
        shell=entry.pw_shell or "/bin/sh",
        umask=_login_umask(),
    )


def synthetic_subject(name: str, uid: int, gid: int, socket_gid: int, home: str) -> Subject:
    """A person who exists only for the sandbox: in no passwd file, but in the socket's group."""
    groups = _with_primary(gid, [socket_gid])
    names = tuple(name if group == gid else _group_name(group) for group in groups)
    shell = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
    return Subject(name, uid, gid, groups, names, home, shell, LOGIN_UMASK, synthetic=True)


def environment(subject: Subject, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of the person's commands, made from the caller's.

    A secret is in nobody's: it reaches a command through its dialogue, and what stands in the
    environment is passed on to whatever the command starts. But for those, the caller's own is
    theirs. For anybody else it is a login's: who they are, and of the caller's only language,
    terminal, proxies and what steers docker and us; nothing that points into the caller's home.
    """
    base = without_secrets(base)
    if subject.uid == os.geteuid():
        return base
    home = base.get("HOME", "")
    kept = {key: value for key, value in base.items() if _is_kept(key) and not _in(home, value)}
    if not subject.synthetic:
        kept.pop(_OWN_CONFIG, None)
    path = [p for p in base.get("PATH", LOGIN_PATH).split(":") if p and not _in(home, p)]
    return kept | {
        "HOME": subject.home,
        "USER": subject.name,
        "LOGNAME": subject.name,
        "SHELL": subject.shell,
        "PATH": ":".join(path) or LOGIN_PATH,
    }


def spawn_identity(subject: Subject) -> dict[str, Any]:
    """The subprocess arguments that make a child that person; empty when it is us already.

    Somebody who is not root cannot change their groups, so for the same uid and gid they are
    themselves, whatever NSS says of groups joined since the login.
    """
    uid, gid = os.geteuid(), os.getegid()
    same = (subject.uid, subject.gid) == (uid, gid)
    if same and (uid != 0 or set(subject.groups) == set(_with_primary(gid, os.getgroups()))):
        return {}
    if uid != 0:
        raise SubjectError(
            f"running as {subject.name} (uid {subject.uid}) needs root, and this is uid {uid};"
            f" log in as {subject.name}, or let an admin run it with --user {subject.name}"
        )
    return {
        "user": subject.uid,
        "group": subject.gid,
        "extra_groups": list(subject.groups),
        "umask": subject.umask,
    }


def make_owned(path: Path, subject: Subject, mode: int) -> None:
    """Make a folder and give it to somebody, by its descriptor.

    It may lie in a folder of theirs, where they could put a link in its place meanwhile. Raises
    OSError.
    """
    path.mkdir(mode=0o700)
    made = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.geteuid() == 0:
            os.fchown(made, subject.uid, subject.gid)
        os.fchmod(made, mode)
    finally:
        os.close(made)


def _is_kept(key: str) -> bool:
    if key.startswith(_NOT_THEIRS):
        return False
    return key in _KEPT or key.startswith(_KEPT_PREFIXES) or key.lower() in _PROXIES


def _in(home: str, value: str) -> bool:
    return len(home) > 1 and (value == home or value.startswith(home.rstrip("/") + "/"))


def _with_primary(gid: int, groups: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted({gid, *groups}))


def _names(groups: Iterable[int]) -> tuple[str, ...]:
    return tuple(_group_name(gid) for gid in groups)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _process_umask() -> int:
    # os.umask() can only be read by setting it, which other threads would see.
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").split("\n"):
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return LOGIN_UMASK


@functools.cache
def _login_umask() -> int:
    """The umask that a login gets: UMASK of /etc/login.defs, else the usual one."""
    try:
        text = Path("/etc/login.defs").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return LOGIN_UMASK
    for line in text.splitlines():
        match line.split():
            case ["UMASK", value, *_]:
                return int(value, 8)
    return LOGIN_UMASK
