"""One look inside a container: one exec that answers for every check of one identity.

The script is POSIX shell for bash, dash and busybox. It forks as little as it can (``id``,
``stat`` and one ``tail`` that prints many files), because forks are what an exec's time goes to.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

TOUCHED = ".lifecycle-"
"""Beginning of the name of every file that a probe writes."""

_PROC = (
    "/proc/self/environ",
    "/proc/self/mountinfo",
    "/etc/passwd",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/osrelease",
    "/proc/1/stat",
    "/proc/1/cmdline",
    "/proc/net/tcp",
    "/proc/net/tcp6",
)
_PROCESS = r"/proc/[0-9]+/(?:stat|cmdline)"
_OURS = "tail -n +1 -- /proc/self/environ"
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
class MountLine:
    """One line of mountinfo: where, of what type, with which options."""

    target: str
    root: str
    fstype: str
    source: str
    options: frozenset[str]
    super_options: frozenset[str]
    tags: frozenset[str] = frozenset()
    """``shared:N`` and ``master:N``, which tell of its propagation."""


@dataclass(frozen=True)
class Account:
    """One line of the container's /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


@dataclass(frozen=True)
class Process:
    """One process inside: ``state`` is the letter of /proc/PID/stat (T is stopped)."""

    pid: int
    state: str
    command: str


@dataclass(frozen=True)
class Inside:
    """What one identity sees. ``unseen`` says why nothing could be seen; then all is empty."""

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
    lines = ["printf '@@id\\n'; id 2>&1", "printf '@@cwd\\n%s\\n' \"$(pwd)\""]
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
    if probe.files:
        lines.append("printf '@@files\\n'")
        paths = [shlex.quote(f) for f in probe.files]
        lines.append(
            f'for f in {" ".join(paths)}; do r=-; [ -e "$f" ] && r=e; [ -w "$f" ] && r=w; '
            'echo "$r"; done'
        )
        lines.append("printf '@@stat\\n'")
        lines.append(f"stat -L -c '%u:%g:%U:%G:%a:%n' -- {' '.join(paths)} 2>/dev/null")
    if probe.gpus:
        lines.append("printf '@@gpus\\n'; nvidia-smi -L 2>&1; echo \"@@gpus-exit $?\"")
    if probe.namespaces:
        lines.append("printf '@@ns\\n'")
        lines.append(f"stat -L -c '%n %i' {' '.join(_ns(n) for n in probe.namespaces)} 2>/dev/null")
    shown = [*_PROC, *(shlex.quote(t) for t in probe.texts + probe.proc)]
    if probe.processes:
        shown += ["/proc/[0-9]*/stat", "/proc/[0-9]*/cmdline"]
    lines.append(f"printf '@@files-end\\n'; tail -n +1 -- {' '.join(shown)} /dev/null 2>/dev/null")
    lines.append("exit 0")
    return "\n".join(lines)


def _ns(name: str) -> str:
    return f"/proc/self/ns/{name}"


def parse(output: str, probe: Probe) -> Inside:
    """Read a probe's output; ``unseen`` is set when it isn't one."""
    if "@@id\n" not in output or "@@files-end\n" not in output:
        return Inside(unseen=_why(output))
    head, _, tail = output.partition("@@files-end\n")
    parts = _sections(head)
    files = _tail_files(tail, (*_PROC, *probe.texts, *probe.proc))
    uid, user_name = _one_id(parts.get("id", ""), "uid")
    gid, _ = _one_id(parts.get("id", ""), "gid")
    if uid < 0 or "/proc/self/environ" not in files:
        tool = "id" if uid < 0 else "tail"
        return Inside(unseen=f"the image has no working `{tool}` to ask with")
    gpus, gpu_error = _gpus(parts)
    stat1 = files.get("/proc/1/stat", "").rpartition(")")[2].split()
    return Inside(
        uid=uid,
        gid=gid,
        groups=_groups(parts["id"]),
        user_name=user_name,
        cwd=parts.get("cwd", "").strip("\n"),
        env=_environ(files.get("/proc/self/environ", "")),
        mounts=tuple(_mount_lines(files.get("/proc/self/mountinfo", ""))),
        accounts=tuple(_accounts(files.get("/etc/passwd", ""))),
        hostname=files.get("/proc/sys/kernel/hostname", "").strip(),
        kernel=files.get("/proc/sys/kernel/osrelease", "").strip(),
        pid1=tuple(files.get("/proc/1/cmdline", "").strip("\n").rstrip("\0").split("\0")),
        pid1_has_tty=len(stat1) > 4 and stat1[4] != "0",  # noqa: PLR2004 - field 7, tty_nr
        listening=_listening(files),
        files=_files(parts, probe),
        texts={t: files[t] for t in probe.texts if t in files},
        writes=_writes(parts, probe),
        gpus=gpus,
        gpu_error=gpu_error,
        processes=_processes(files),
        proc={p: files[p] for p in probe.proc if p in files},
        namespaces=_namespaces(parts, probe),
    )


def is_cut(output: str) -> bool:
    """Whether a look's output has lost its beginning."""
    return not output.startswith("@@id\n")


def _why(output: str) -> str:
    text = " ".join(output.split())
    if "executable file not found" in text or "no such file or directory" in text.lower():
        return "there is no shell in the image to ask with"
    if "is not running" in text or not text:
        return "it ended before it could be asked"
    return f"the inside did not answer: {text[:200]}"


def _sections(head: str) -> dict[str, str]:
    found = re.split(r"^@@(id|cwd|writes|files|stat|gpus|ns)\n", head, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def _tail_files(text: str, names: Iterable[str]) -> dict[str, str]:
    """Split what ``tail -n +1 A B`` prints: ``==> A <==`` before each file that was asked for."""
    asked = "|".join([*map(re.escape, names), _PROCESS, "/dev/null"])
    found = re.split(rf"(?:^|\n)==> ({asked}) <==\n", text)
    return dict(zip(found[1::2], found[2::2], strict=True))


def _number(text: str) -> int | None:
    """A number of ours; what else a hostile image may print is none."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _one_id(text: str, key: str) -> tuple[int, str]:
    match = re.search(rf"\b{key}=([0-9]{{1,18}})(?:\(([^)]*)\))?", text)
    return (int(match[1]), match[2] or "") if match else (-1, "")


def _groups(text: str) -> dict[int, str]:
    match = re.search(r"groups=(\S+(?: [^\n=]*)?)", text)
    listed = re.findall(r"([0-9]{1,18})(?:\(([^)]*)\))?", match[1]) if match else []
    return {int(number): name for number, name in listed}


def _environ(text: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in text.split("\0") if "=" in item)
    return {key.lstrip("\n"): value for key, _, value in pairs}


def _mount_lines(text: str) -> list[MountLine]:
    lines = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(), right.split()
        if len(fields) > 5 and len(kinds) > 1:  # noqa: PLR2004 - proc_pid_mountinfo(5)
            lines.append(
                MountLine(
                    target=_unescape(fields[4]),
                    root=_unescape(fields[3]),
                    fstype=kinds[0],
                    source=kinds[1],
                    options=frozenset(fields[5].split(",")),
                    super_options=frozenset((kinds[2] if len(kinds) > 2 else "").split(",")),  # noqa: PLR2004
                    tags=frozenset(fields[6:]),
                )
            )
    return lines


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), text)


def _accounts(text: str) -> list[Account]:
    accounts = []
    for row in (line.split(":") for line in text.split("\n")):
        if len(row) == 7:  # noqa: PLR2004 - passwd(5)
            uid, gid = _number(row[2]), _number(row[3])
            if uid is not None and gid is not None:
                accounts.append(Account(row[0], uid, gid, row[5], row[6]))
    return accounts


def _listening(files: Mapping[str, str]) -> frozenset[int]:
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in files.get(table, "").splitlines()[1:]:
            # sl local_address rem_address st: 0A is the state LISTEN.
            match = re.match(r"\s*[0-9]+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A ", line)
            if match:
                ports.add(int(match[1], 16))
    return frozenset(ports)


def _files(parts: Mapping[str, str], probe: Probe) -> dict[str, FileFact]:
    marks = parts.get("files", "").split()
    facts = {}
    for path, mark in zip(probe.files, marks, strict=False):
        row = re.search(
            rf"^([0-9]+):([0-9]+):([^:\n]*):([^:\n]*):([0-7]+):{re.escape(path)}$",
            parts.get("stat", ""),
            re.MULTILINE,
        )
        facts[path] = FileFact(
            exists=mark != "-" or row is not None,
            writable=mark == "w",
            owner=_number(row[1]) if row else None,
            group=_number(row[2]) if row else None,
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
    found = dict(re.findall(r"^(\S+) ([0-9]{1,18})$", parts.get("ns", ""), re.MULTILINE))
    return {n: int(found[_ns(n)]) for n in probe.namespaces if _ns(n) in found}


def _processes(files: Mapping[str, str]) -> tuple[Process, ...]:
    found = []
    for path, text in files.items():
        match = re.fullmatch(r"/proc/([0-9]{1,18})/stat", path)
        if match:
            command = files.get(f"/proc/{match[1]}/cmdline", "").strip("\n").replace("\0", " ")
            state = text.rpartition(")")[2].split()
            found.append(Process(int(match[1]), state[0] if state else "?", command.strip()))
    theirs = [p for p in found if "@@id" not in p.command and not p.command.startswith(_OURS)]
    return tuple(sorted(theirs, key=lambda p: p.pid))
