"""What a look inside printed, from text to facts; a hostile image may print anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lifecycle.facts.inside import (
    ACCOUNTS,
    ENDED,
    FIRST,
    HOSTNAME,
    MARK,
    MOST_TEXT,
    NOT_ASKED,
    FileFact,
    Inside,
    Probe,
    Process,
)
from lifecycle.facts.inside_script import LAST, OURS, PROC, PROCESS, namespace_file
from lifecycle.facts.kernel_files import (
    accounts,
    environ,
    groups,
    has_tty,
    listening,
    number,
    status,
    words,
)
from lifecycle.machine.procfs import mount_lines


def parse(output: str, probe: Probe) -> Inside:
    """Read a probe's output; ``unseen`` is set when it isn't one."""
    if "@@id\n" not in output or "@@files-end\n" not in output:
        return Inside(unseen=_why(output))
    before, _, shown = output.partition("@@files-end\n")
    parts = _sections(before)
    files = _shown_files(shown, (*PROC, *probe.texts, *probe.proc))
    if "/proc/self/status" not in files:
        return Inside(unseen="the image has no working `head` to ask with")
    if LAST not in files:
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
    parts = re.split(r"^@@(id|cwd|listeners|writes|files|stat|gpus)\n", before, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _listeners(parts: Mapping[str, str]) -> dict[str, str]:
    rows = (line.split(" ") for line in parts.get("listeners", "").splitlines())
    return {words[0]: words[1] for words in rows if len(words) == 2}  # noqa: PLR2004 - a pair


def _shown_files(text: str, names: Iterable[str]) -> dict[str, str]:
    """Split what ``head -c N A B`` prints: ``==> A <==`` before each file that was asked for."""
    asked = "|".join([*map(re.escape, names), PROCESS, LAST])
    parts = re.split(rf"(?:^|\n)==> ({asked}) <==\n", text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _identity(id_output: str, files: Mapping[str, str]) -> dict[str, Any]:
    """Who looked: the kernel's numbers with the image's names, or what ``id`` said of them."""
    fields, names = status(files["/proc/self/status"]), groups(files.get("/etc/group", ""))
    uid, gid = (number(fields.get(key, "").partition("\t")[0]) for key in ("Uid", "Gid"))
    uid, gid = (-1 if uid is None else uid), (-1 if gid is None else gid)
    others = [number(text) for text in fields.get("Groups", "").split()]
    named = next((a.name for a in accounts(files.get("/etc/passwd", "")) if a.uid == uid), "")
    return {
        "uid": uid,
        "gid": gid,
        "user_name": named or _one_id(id_output, "uid")[1],
        "groups": {g: names.get(g, "") for g in (gid, *others) if g is not None}
        | _groups(id_output),
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
    inodes = {name: inode for inode, name in rows}
    return {
        n: int(inodes[namespace_file(n)]) for n in probe.namespaces if namespace_file(n) in inodes
    }


def _processes(files: Mapping[str, str]) -> tuple[Process, ...]:
    processes = []
    for path, text in files.items():
        match = re.fullmatch(r"/proc/([0-9]{1,18})/stat", path)
        if match:
            command = files.get(f"/proc/{match[1]}/cmdline", "").strip("\n").replace("\0", " ")
            state = text.rpartition(")")[2].split()
            processes.append(Process(int(match[1]), state[0] if state else "?", command.strip()))
    theirs = [p for p in processes if MARK not in p.command and not p.command.startswith(OURS)]
    return tuple(sorted(theirs, key=lambda p: p.pid))
