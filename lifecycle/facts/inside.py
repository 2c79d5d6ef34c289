"""One look inside a container: one exec that answers for every check of one identity.

The script is POSIX shell for bash, dash and busybox. It forks as little as it can (one ``stat``
and one ``head`` that prints many files, each up to a limit), because forks are what an exec's time
goes to.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lifecycle.facts.kernel_files import (
    Account,
    accounts,
    environ,
    groups,
    has_tty,
    listening,
    number,
    status,
    words,
)
from lifecycle.machine.procfs import MountLine, mount_lines

TOUCHED = ".lifecycle-"
"""Beginning of the name of every file that a probe writes."""

_NAMED = """\
while read -r k v _; do [ "$k" = Uid: ] && break; done </proc/self/status
n=; while IFS=: read -r a _ b _; do [ "$b" = "$v" ] && n=$a && break; done 2>/dev/null </etc/passwd
printf '@@id\\n'; [ -n "$n" ] || id 2>&1"""
"""``id`` knows more names than the files do (LDAP), but to start it costs as much as all else."""
_PROC = (
    "/proc/self/status",
    "/proc/self/environ",
    "/proc/self/mountinfo",
    "/etc/passwd",
    "/etc/group",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/osrelease",
    "/proc/1/stat",
    "/proc/1/cmdline",
    "/proc/net/tcp",
    "/proc/net/tcp6",
)
_LAST = "/dev/null"
"""Shown last, empty: what came before it is whole."""
_PROCESS = r"/proc/[0-9]+/(?:stat|cmdline|environ)"
MOST_TEXT = 1 << 20
"""Bytes that are read of one file; of a text that is cut, one more than that."""
_SHOW = f"head -c {MOST_TEXT + 1} --"
_OURS = f"{_SHOW} {_PROC[0]}"
ENVIRON, MOUNTS = "/proc/self/environ", "/proc/self/mountinfo"
HOSTNAME, FIRST = "/proc/sys/kernel/hostname", "/proc/1/cmdline"
GPUS, PROCESSES, WRITES, ACCOUNTS = "nvidia-smi -L", "/proc", "a write", "/etc/passwd"
"""How things are asked inside, and so what they are called."""
MARK = "@@id"
"""Stands in the command line of every process that looks, so that none is taken for another's."""
ENDED = "it ended before it could be asked"
NOT_ASKED = "not asked"
"""The ``gpu_error`` of a look that was not to ask for GPUs."""


@dataclass(frozen=True)
class Probe:
    """What to look at: directories to write in, files to describe, and the costlier extras.

    ``token`` makes the written names unguessable; nothing is written when it is empty.
    ``seen`` are files that the host made, to be described as the inside sees them; ``proc`` are
    files of the kernel to read, and ``namespaces`` those of /proc/self/ns to tell apart.
    """

    token: str = ""
    write_in: tuple[str, ...] = ()
    keep_in: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    gpus: bool = False
    processes: bool = False
    proc: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    listeners: str = ""
    """Lines of shell that start listeners of ours, and print the port and the token of each."""

    def name_in(self, folder: str) -> str:
        """The file that the probe writes in a folder."""
        return f"{folder.rstrip('/')}/{TOUCHED}{self.token}-in"


@dataclass(frozen=True)
class FileFact:
    """One path: ``owner`` and ``group`` are numbers, ``mode`` octal text such as ``644``."""

    exists: bool
    writable: bool = False
    owner: int | None = None
    group: int | None = None
    owner_name: str = ""
    group_name: str = ""
    mode: str = ""


@dataclass(frozen=True)
class Process:
    """One process inside: ``state`` is the letter of /proc/PID/stat (T is stopped)."""

    pid: int
    state: str
    command: str


@dataclass(frozen=True)
class Inside:
    """What one identity sees.

    ``unseen`` says why nothing could be asked; then only what ``places`` names is known, from
    outside. Things are named by what they are asked with inside: a file, or ``id``.
    """

    unseen: str = ""
    uid: int = -1
    gid: int = -1
    groups: Mapping[int, str] = field(default_factory=dict)
    user_name: str = ""
    cwd: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[MountLine, ...] = ()
    accounts: tuple[Account, ...] = ()
    hostname: str = ""
    kernel: str = ""
    pid1: tuple[str, ...] = ()
    pid1_has_tty: bool = False
    listening: frozenset[int] = frozenset()
    listeners: Mapping[str, str] = field(default_factory=dict)
    """Ports, as ``8080/tcp``, for which this look left a listener, to what that answers."""
    files: Mapping[str, FileFact] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    writes: Mapping[str, str] = field(default_factory=dict)
    """Folder to the error that a write there met; empty text when it was written."""
    gpus: tuple[str, ...] | None = None
    """Lines of ``nvidia-smi -L``; None when that tool is not there."""
    gpu_error: str = ""
    processes: tuple[Process, ...] = ()
    proc: Mapping[str, str] = field(default_factory=dict)
    """The text of each of ``Probe.proc`` that could be read."""
    namespaces: Mapping[str, int] = field(default_factory=dict)
    """The inode of each of ``Probe.namespaces``: equal where two processes share it."""

    places: Mapping[str, str] = field(default_factory=dict)
    """What was seen from outside, and where."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why other things were not, where there is more to say than ``unseen``."""

    def hides(self, thing: str) -> str:
        """Why a thing was not seen; empty when it was."""
        if not self.unseen or thing in self.places:
            return ""
        return self.reasons.get(thing, self.unseen)

    def place(self, thing: str) -> str:
        """Where a thing was seen."""
        return self.places.get(thing, thing)

    def mount(self, target: str) -> MountLine | None:
        """The mount that is visible at a path: the last one made there.

        The kernel knows no links: where /var/run is one to /run, as it is almost everywhere, what
        was mounted below it stands there.
        """
        path = target.rstrip("/") or "/"
        found = [m for m in self.mounts if m.target == path]
        if not found and path.startswith("/var/run/"):
            return self.mount(path.removeprefix("/var"))
        return found[-1] if found else None

    def account(self, uid: int) -> Account | None:
        """The passwd line of a uid."""
        return next((a for a in self.accounts if a.uid == uid), None)


def script(probe: Probe) -> str:
    """The shell script of a probe."""
    lines = [_NAMED, "printf '@@cwd\\n'; pwd"]
    if probe.listeners:
        lines += ["printf '@@listeners\\n'", probe.listeners]
    folders = probe.write_in + probe.keep_in
    if probe.token and folders:
        lines.append("printf '@@writes\\n'")
        for folder in folders:
            path = shlex.quote(probe.name_in(folder))
            lines.append(
                # In English, whatever the image speaks: the error is read by a check.
                f"if e=$( LC_ALL=C; {{ : > {path}; }} 2>&1 ); "
                'then echo ok; else echo "no ${e##*: }"; fi'
            )
        if probe.write_in:
            drop = " ".join(shlex.quote(probe.name_in(f)) for f in probe.write_in)
            lines.append(f"rm -f -- {drop} 2>/dev/null")
    paths = [shlex.quote(f) for f in probe.files]
    if paths:
        lines.append("printf '@@files\\n'")
        lines.append(
            f'for f in {" ".join(paths)}; do r=-; [ -e "$f" ] && r=e; [ -w "$f" ] && r=w; '
            'echo "$r"; done'
        )
    if paths or probe.namespaces:
        named = [*paths, *map(_ns, probe.namespaces)]
        lines.append("printf '@@stat\\n'")
        lines.append(f"stat -L -c '%u:%g:%U:%G:%a:%i:%n' -- {' '.join(named)} 2>/dev/null")
    if probe.gpus:
        lines.append("printf '@@gpus\\n'; nvidia-smi -L 2>&1; echo \"@@gpus-exit $?\"")
    # The shell's own environment: some pass on no name that isn't a shell's, such as `a.b`.
    proc = (p if p != ENVIRON else "/proc/$$/environ" for p in _PROC)
    shown = [*proc, *(shlex.quote(t) for t in probe.texts + probe.proc)]
    if probe.processes:
        shown += ["/proc/[0-9]*/stat", "/proc/[0-9]*/cmdline"]
    lines.append(f"printf '@@files-end\\n'; {_SHOW} {' '.join(shown)} {_LAST} 2>/dev/null")
    return "\n".join(lines)


def _ns(name: str) -> str:
    return f"/proc/self/ns/{name}"


def parse(output: str, probe: Probe) -> Inside:
    """Read a probe's output; ``unseen`` is set when it isn't one."""
    if "@@id\n" not in output or "@@files-end\n" not in output:
        return Inside(unseen=_why(output))
    before, _, shown = output.partition("@@files-end\n")
    parts = _sections(before)
    files = _shown_files(shown, (*_PROC, *probe.texts, *probe.proc))
    if "/proc/self/status" not in files:
        return Inside(unseen="the image has no working `head` to ask with")
    if _LAST not in files:
        return Inside(unseen="it printed more than is read of one look")
    gpus, gpu_error = _gpus(parts)
    return Inside(
        **_identity(parts["id"], files),
        cwd=parts.get("cwd", "").strip("\n"),
        env=environ(next((t for p, t in files.items() if p.endswith("/environ")), "")),
        mounts=tuple(mount_lines(files.get("/proc/self/mountinfo", ""))),
        accounts=tuple(accounts(files.get("/etc/passwd", ""))),
        hostname=files.get("/proc/sys/kernel/hostname", "").strip(),
        kernel=files.get("/proc/sys/kernel/osrelease", "").strip(),
        pid1=words(files.get(FIRST, "")),
        pid1_has_tty=has_tty(files.get("/proc/1/stat", "")),
        listening=listening(files),
        listeners=_listeners(parts),
        files=_files(parts, probe),
        texts={t: files[t] for t in probe.texts if t in files},
        writes=_writes(parts, probe),
        gpus=gpus,
        gpu_error=gpu_error,
        processes=_processes(files),
        proc={p: files[p] for p in probe.proc if p in files},
        namespaces=_namespaces(parts, probe),
    )


def account_files(output: str) -> str:
    """The part of a probe's output that holds the image's users and groups."""
    begin, end = (output.find(f"==> {path} <==") for path in (ACCOUNTS, HOSTNAME))
    return output[begin:end]


def is_long(text: str) -> bool:
    """Whether a file may hold more than was read of it; bytes that are no text count thrice."""
    return len(text.encode("utf-8", "replace")) > MOST_TEXT


def _why(output: str) -> str:
    text = " ".join(output.split())
    if "executable file not found" in text or "no such file or directory" in text.lower():
        return "there is no shell in the image to ask with"
    if "is not running" in text or not text:
        return ENDED
    if "is paused" in text:
        return "it is paused, so that nothing in it answers"
    return f"the inside did not answer: {text[:200]}"


def _sections(before: str) -> dict[str, str]:
    found = re.split(r"^@@(id|cwd|listeners|writes|files|stat|gpus)\n", before, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def _listeners(parts: Mapping[str, str]) -> dict[str, str]:
    said = (line.split(" ") for line in parts.get("listeners", "").splitlines())
    return {words[0]: words[1] for words in said if len(words) == 2}  # noqa: PLR2004 - a pair


def _shown_files(text: str, names: Iterable[str]) -> dict[str, str]:
    """Split what ``head -c N A B`` prints: ``==> A <==`` before each file that was asked for."""
    asked = "|".join([*map(re.escape, names), _PROCESS, _LAST])
    found = re.split(rf"(?:^|\n)==> ({asked}) <==\n", text)
    return dict(zip(found[1::2], found[2::2], strict=True))


def _identity(said: str, files: Mapping[str, str]) -> dict[str, Any]:
    """Who looked: the kernel's numbers with the image's names, or what ``id`` said of them."""
    fields, names = status(files["/proc/self/status"]), groups(files.get("/etc/group", ""))
    uid, gid = (number(fields.get(key, "").partition("\t")[0]) for key in ("Uid", "Gid"))
    uid, gid = (-1 if uid is None else uid), (-1 if gid is None else gid)
    others = [number(text) for text in fields.get("Groups", "").split()]
    named = next((a.name for a in accounts(files.get("/etc/passwd", "")) if a.uid == uid), "")
    return {
        "uid": uid,
        "gid": gid,
        "user_name": named or _one_id(said, "uid")[1],
        "groups": {g: names.get(g, "") for g in (gid, *others) if g is not None} | _groups(said),
    }


def _one_id(text: str, key: str) -> tuple[int, str]:
    match = re.search(rf"\b{key}=([0-9]{{1,18}})(?:\(([^)]*)\))?", text)
    return (int(match[1]), match[2] or "") if match else (-1, "")


def _groups(text: str) -> dict[int, str]:
    match = re.search(r"groups=(\S+(?: [^\n=]*)?)", text)
    listed = re.findall(r"([0-9]{1,18})(?:\(([^)]*)\))?", match[1]) if match else []
    return {int(number): name for number, name in listed}


def _files(parts: Mapping[str, str], probe: Probe) -> dict[str, FileFact]:
    marks = parts.get("files", "").split()
    facts = {}
    for path, mark in zip(probe.files, marks, strict=False):
        row = re.search(
            rf"^([0-9]+):([0-9]+):([^:\n]*):([^:\n]*):([0-7]+):[0-9]+:{re.escape(path)}$",
            parts.get("stat", ""),
            re.MULTILINE,
        )
        facts[path] = FileFact(
            exists=mark != "-" or row is not None,
            writable=mark == "w",
            owner=number(row[1]) if row else None,
            group=number(row[2]) if row else None,
            owner_name=row[3] if row else "",
            group_name=row[4] if row else "",
            mode=row[5] if row else "",
        )
    return facts


def _writes(parts: Mapping[str, str], probe: Probe) -> dict[str, str]:
    lines = parts.get("writes", "").splitlines()
    folders = probe.write_in + probe.keep_in
    return {
        folder: "" if line == "ok" else line.removeprefix("no ") or "refused"
        for folder, line in zip(folders, lines, strict=False)
    }


def _gpus(parts: Mapping[str, str]) -> tuple[tuple[str, ...] | None, str]:
    if "gpus" not in parts:
        return None, NOT_ASKED
    text, _, code = parts["gpus"].partition("@@gpus-exit ")
    if code.strip() == "127":
        return None, "nvidia-smi is not in the container"
    lines = tuple(line for line in text.splitlines() if re.match(r"GPU |\s+MIG ", line))
    return (lines, "") if code.strip() == "0" else (None, " ".join(text.split())[:200])


def _namespaces(parts: Mapping[str, str], probe: Probe) -> dict[str, int]:
    rows = re.findall(r":([0-9]{1,18}):(/proc/self/ns/\w+)$", parts.get("stat", ""), re.MULTILINE)
    found = {name: inode for inode, name in rows}
    return {n: int(found[_ns(n)]) for n in probe.namespaces if _ns(n) in found}


def _processes(files: Mapping[str, str]) -> tuple[Process, ...]:
    found = []
    for path, text in files.items():
        match = re.fullmatch(r"/proc/([0-9]{1,18})/stat", path)
        if match:
            command = files.get(f"/proc/{match[1]}/cmdline", "").strip("\n").replace("\0", " ")
            state = text.rpartition(")")[2].split()
            found.append(Process(int(match[1]), state[0] if state else "?", command.strip()))
    theirs = [p for p in found if MARK not in p.command and not p.command.startswith(_OURS)]
    return tuple(sorted(theirs, key=lambda p: p.pid))
