"""What a container would mount of the machine, and whether the engine's own lies behind it.

A path is followed as the engine follows it, link by link; where it can't be (a process's folder in
/proc is another one to each who looks), it is not let through.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lifecycle.engine.daemon import Daemon
from lifecycle.run.requests import bodies
from lifecycle.run.requests.refusal import Refused
from lifecycle.text.json_object import Json

MOST_LINKS = 40
_NO_LINK = frozenset({errno.EINVAL, errno.ENOENT, errno.ENOTDIR})
"""What a system says of a path that is there and no link, or not there."""
_BETWEEN = re.compile("[:=]")
_PROCESS = re.compile(r"/proc/(?:[0-9]+|self|thread-self)/")


def folders(body: Json) -> Iterator[str]:
    """The paths of the machine that a container mounts: itself, or by a volume that it makes."""
    yield from (one for one in bodies.sources(body) if one.startswith("/"))
    for options in bodies.volume_options(body):
        yield from behind(options)


def behind(options: Mapping[str, str]) -> Iterator[str]:
    """The paths that a volume's options mount: a device, and what an overlay lies on.

    Without a slash at its beginning one is below the engine's working folder, which is /.
    """
    for key, text in options.items():
        if key.casefold() == "device":
            yield from (_from_root(one) for one in (text,) if one)
            continue
        # A backslash only says that the next character is itself.
        for option in text.replace("\\", "").split(","):
            name, equals, value = option.partition("=")
            name, value = (name, value) if equals else (key, option)
            paths = (one for one in _BETWEEN.split(value) if one)
            yield from (_from_root(p) for p in paths if "/" in p or name.endswith("dir"))


_FILE_SYSTEMS = frozenset(
    {
        *("", "none", "bind", "tmpfs", "ramfs", "overlay", "aufs"),
        *("nfs", "nfs3", "nfs4", "cifs", "smb3", "9p", "virtiofs", "afs"),
        *("ceph", "glusterfs", "lustre", "beegfs", "gpfs", "ocfs2", "gfs2", "orangefs"),
        *("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs"),
        *("vfat", "exfat", "ntfs", "ntfs3", "iso9660", "udf", "squashfs", "erofs"),
    }
)
"""What a volume may be of: folders, disks and servers. The others show the kernel's own state."""
_SERVICES = (
    *("/run/systemd", "/run/dbus", "/run/podman", "/run/crio", "/run/k3s", "/run/libvirt"),
    *("/run/netns", "/run/lxc", "/run/containers", "/run/buildkit", "/run/user"),
    *("/var/lib/containers", "/var/lib/lxd", "/var/snap/lxd"),
)
"""Where other services of the machine are spoken to, which do what they are told for everybody.

Below ``/run/user`` are those of each person who is logged in, an engine of their own among them.
The last ones are where other engines keep their containers and, of LXD, its socket.
"""
KERNEL = ("/proc", "/sys", "/dev/pts", "/dev/mqueue")
"""Where the kernel shows everybody's programs, groups and terminals, to be written too."""


def kind_objection(options: Mapping[str, str]) -> str:
    """Why a volume may not be of the file system that its options name; empty where it may."""
    kinds = [text for key, text in options.items() if key.casefold() == "type"]
    for kind in kinds:
        if kind not in _FILE_SYSTEMS and not re.fullmatch(r"fuse(?:\..+|blk)?", kind):
            return (
                f"a volume of type {kind} is not made: it is not known as a file system of "
                "folders, disks or servers, and the kernel's own show what belongs to everybody"
            )
    return ""


class _LostError(Exception):
    """Where a path leads the engine can't be told; the message says why."""


def objection(source: str, own: tuple[str, ...], *, real: bool) -> str:
    """Why a path of the machine may not be mounted; empty where it may.

    ``own`` are the engine's places. ``real``: the path is on this machine, so that it can be
    followed.
    """
    try:
        # Of two slashes at the beginning normpath leaves both, as POSIX lets a system do.
        path = _refuse_process(
            _followed(source) if real else os.path.normpath(f"/{source.lstrip('/')}")
        )
    except _LostError as error:
        return f"a mount of {source!r} {error}"
    if place := next((one for one in own if _share(path, one)), ""):
        return (
            f"a mount of {source} holds {place}, which is the engine's own: what goes "
            "through it is not seen"
        )
    if place := next((one for one in KERNEL if _share(path, one)), ""):
        return (
            f"a mount of {source} holds {place}, where the kernel shows everybody's programs: "
            "what goes through it is not seen"
        )
    if place := next((one for one in _SERVICES if _share(path, one)), ""):
        return f"a mount of {source} holds {place}, where a service of the machine is spoken to"
    if real and _is_disk(path):
        return f"a mount of {source} is a disk, which may hold what is the engine's own"
    return ""


def link_objection(source: str) -> str:
    """Why a path may not be mounted by a container that the engine starts again by itself."""
    try:
        real = _followed(source)
    except _LostError as error:
        return f"a mount of {source!r} {error}"
    if real == os.path.normpath(f"/{source.lstrip('/')}"):
        return ""
    return (
        f"a mount of {source} by a container that the engine starts again by itself leads through "
        f"a link, which may lead elsewhere by then: name {real} itself"
    )


def _share(path: str, place: str) -> bool:
    """Whether one of two paths is the other, or is below it.

    On another machine links can't be followed, of which one is everywhere: /var/run is /run.
    """
    one, other = (f"{text.rstrip('/')}/" for text in (path, place))
    ways = {one, f"/{one.removeprefix('/var/')}" if one.startswith("/var/run/") else one}
    return any(way.startswith(other) or other.startswith(way) for way in ways)


def first_missing(source: str) -> str:
    """The uppermost folder of a path that is not there; empty where all of them are."""
    path = Path(os.path.normpath(source))
    missing = [str(one) for one in (path, *path.parents) if not os.path.lexists(one)]
    return missing[-1] if missing else ""


def _from_root(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _followed(source: str) -> str:
    """Where a path leads, link by link. Raises _LostError."""
    rest = source.split("/")[::-1]
    at, links = Path("/"), 0
    while rest:
        part = rest.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            at = at.parent
            continue
        at /= part
        _refuse_process(str(at))
        if link := _link(at):
            links += 1
            if links > MOST_LINKS:
                raise _LostError("goes round in links")
            at = Path("/") if link.startswith("/") else at.parent
            rest += link.split("/")[::-1]
    return str(at)


def _refuse_process(path: str) -> str:
    """The path; raises _LostError for one in the folder of a process."""
    if _PROCESS.match(f"{path}/"):
        raise _LostError("goes through a process's folder, which is another one to the engine")
    return path


def _link(path: Path) -> str:
    """To what a link leads; empty for what is none. Raises _LostError."""
    try:
        return str(path.readlink())
    except ValueError:
        raise _LostError("is no path") from None
    except OSError as error:
        if error.errno in _NO_LINK:
            return ""
        if error.errno == errno.EACCES and os.geteuid() == 0:
            raise _LostError("can't be followed: root is refused there") from None
        raise _LostError(f"can't be followed as the engine does: {error.strerror}") from None


def _is_disk(path: str) -> bool:
    with suppress(OSError):
        return Path(path).is_block_device()
    return False


class Mounts:
    """What the containers and volumes of one run may mount. Each raises Refused."""

    def __init__(self, daemon: Daemon, own: tuple[str, ...], *, as_written: bool) -> None:
        """``own`` are the engine's places; ``as_written``: the scenario goes round the gate."""
        self._daemon, self._own, self._as_written = daemon, own, as_written

    def places(self, sources: Iterable[str]) -> None:
        """Whether these paths of the machine may be mounted."""
        self.unless_as_written(
            objection(source, self._own, real=self._daemon.shares_machine)
            for source in dict.fromkeys(sources)
        )

    def links(self, sources: Iterable[str]) -> None:
        """Whether a container may mount them that the engine starts again by itself.

        It follows a link anew each time.
        """
        self.unless_as_written(
            link_objection(source) for source in sources if self._daemon.shares_machine
        )

    def kinds(self, volumes: Iterable[Mapping[str, str]]) -> None:
        """Whether volumes may have these options."""
        self.unless_as_written(kind_objection(options) for options in volumes)

    def unless_as_written(self, objections: Iterable[str]) -> None:
        """Refuse by the first of these, unless the scenario says that it goes round the gate."""
        why = "" if self._as_written else next(filter(None, objections), "")
        if why:
            raise Refused(f"{why} (`engine: as-written` in the scenario lifts this)")
