"""What only the author knows: the keys of ``expect``, compared with the facts.

``expect`` comes rendered: plain dicts, lists and text. Numbers and names are compared as text.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.facts import ContainerFacts, Facts
from lifecycle.checks.inside import FileFact, Inside, MountLine, Probe
from lifecycle.checks.passwords import password_changed
from lifecycle.engine import process
from lifecycle.engine.subject import Subject

Expect = Mapping[str, Any]


def probe_of(expect: Expect) -> Probe:
    """What one look inside must cover for these expectations."""
    inside: Expect = expect.get("inside") or {}
    files: Expect = inside.get("files") or {}
    return Probe(
        files=tuple(files),
        texts=tuple(p for p, want in files.items() if {"contains", "text"} & set(want or {})),
        gpus=inside.get("gpus") is not None,
        processes=inside.get("processes") is not None,
    )


def looks_inside(expect: Expect) -> bool:
    """Whether an exec is needed for it."""
    return bool(expect.get("inside"))


def judge_expect(expect: Expect, facts: Facts, on: ContainerFacts | None) -> list[Check]:
    """Every expectation as a check; ``on`` is the container meant."""
    return [check for key, want in expect.items() for check in _KEYS[key](want, facts, on)]


def pattern(about: str, wanted: str, text: str, source: str) -> Check:
    """A regular expression that must be found."""
    found = re.search(wanted, text, re.MULTILINE) is not None
    shown = text if len(text) <= 400 else f"...{text[-400:]}"  # noqa: PLR2004 - for people
    return Check(about, wanted, wanted if found else shown.strip(), _kept(found), source)


def _kept(ok: bool) -> Any:  # noqa: FBT001 - a truth value is all there is to say
    return "kept" if ok else "broken"


def _exit(want: Any, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    yield compare("exit code", str(want), str(facts.exit_code), "the command's own")


def _output(want: str, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    yield pattern("output", want, facts.output, "what the command printed")


def _screen(want: str, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    yield pattern("screen", want, facts.screen, "the terminal")


def _container(want: Expect, _: Facts, on: ContainerFacts | None) -> Iterator[Check]:
    if on is None:
        yield unverified("container", dict(want), "the step names no container: write `on: NAME`")
        return
    state = (on.now or {}).get("State") or {}
    actual = {
        "exists": on.now is not None,
        "state": state.get("Status", "gone"),
        "running": bool(state.get("Running")),
        "exit_code": state.get("ExitCode"),
    }
    for key, wanted in want.items():
        about = f"container {on.name}: {key.replace('_', ' ')}"
        yield compare(about, _text(wanted), _text(actual[key]), "inspect .State")


def _image(want: Expect, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    names = [want["name"]] if "name" in want else list(facts.images)
    if not names:
        yield unverified("image", dict(want), "the step names no image: write `name:` in it")
    for name in names:
        image = facts.images.get(name)
        config = (image or {}).get("Config") or {}
        actual = {
            "exists": image is not None,
            "user": config.get("User", ""),
            "workdir": config.get("WorkingDir", ""),
            "command": list(config.get("Cmd") or []),
            "layers": len(((image or {}).get("RootFS") or {}).get("Layers") or []),
        }
        if image is None and "exists" not in want:
            yield compare(f"image {name}: exists", expected=True, actual=False, source="inspect")
            continue
        env = dict(e.partition("=")[::2] for e in config.get("Env") or [])
        for key, wanted in want.items():
            about = f"image {name}: {key}"
            if key == "env":
                for k, v in wanted.items():
                    yield compare(f"{about} {k}", _text(v), env.get(k), "image inspect")
            elif key == "command":
                yield compare(about, [_text(w) for w in wanted], actual[key], "image inspect")
            elif key != "name":
                yield compare(about, _text(wanted), _text(actual[key]), "image inspect")


def _inside(want: Expect, facts: Facts, on: ContainerFacts | None) -> Iterator[Check]:
    if on is None or on.inside.unseen:
        why = on.inside.unseen if on else "the step names no container: write `on: NAME`"
        yield unverified("inside", dict(want), why)
        return
    for key, wanted in want.items():
        yield from _INSIDE[key](wanted, on.inside, facts)


def _user(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    found = inside.user_name or "I have no name!"
    yield compare("inside: user name", _text(want) or "I have no name!", found, "id")


def _uid(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: uid", _text(want), str(inside.uid), "id")


def _gid(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: gid", _text(want), str(inside.gid), "id")


def _groups(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    known = {str(g) for g in inside.groups} | {n for n in inside.groups.values() if n}
    for group in want if isinstance(want, list | tuple) else [want]:
        have = _text(group) if _text(group) in known else sorted(known)
        yield compare(f"inside: in group {group}", _text(group), have, "id")


def _home(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    account = inside.account(inside.uid)
    yield compare("inside: home", _text(want), account.home if account else None, "/etc/passwd")


def _cwd(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: working folder", _text(want), inside.cwd, "pwd")


def _env(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for key, value in want.items():
        yield compare(f"inside: {key}", _text(value), inside.env.get(key), "/proc/self/environ")


def _inside_files(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for path, wanted in want.items():
        fact = inside.files.get(path, FileFact(exists=False))
        yield from _file(
            f"inside: {path}", wanted or {}, fact, inside.texts.get(path), "stat inside"
        )


def _file(
    about: str, want: Expect, fact: FileFact, text: str | None, source: str
) -> Iterator[Check]:
    if "exists" not in want and not fact.exists:
        yield compare(f"{about} exists", expected=True, actual=False, source=source)
        return
    for key, wanted in want.items():
        match key:
            case "owner" | "group" | "mode" if fact.exists and fact.owner is None:
                yield unverified(f"{about} {key}", _text(wanted), "the image has no stat to ask")
            case "exists" | "writable":
                value = getattr(fact, key)
                yield compare(f"{about} {key}", _text(wanted), _text(value), source)
            case "owner" | "group":
                number, name = getattr(fact, key), getattr(fact, f"{key}_name")
                actual = str(number) if _text(wanted).isdigit() else name
                yield compare(f"{about} {key}", _text(wanted), actual, source)
            case "mode":
                octal = _text(wanted).lstrip("0") or "0"
                yield compare(f"{about} mode", octal, fact.mode, source)
            case "contains":
                yield pattern(f"{about} contains", _text(wanted), text or "", source)
            case "text":
                found = text.rstrip("\n") if text is not None else None
                yield compare(f"{about} text", _text(wanted).rstrip("\n"), found, source)


def _processes(want: Mapping[str, Any], inside: Inside, _: Facts) -> Iterator[Check]:
    """Patterns of command lines; how many of each, or None for at least one."""
    for wanted, count in want.items():
        found = [p for p in inside.processes if re.search(wanted, p.command)]
        about = f"inside: process {wanted}"
        if count is None:
            yield compare(about, "running", "running" if found else "not there", "/proc")
        else:
            yield compare(f"{about}: count", _text(count), str(len(found)), "/proc")


def _mounts(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for target, wanted in want.items():
        line = inside.mount(target)
        about = f"inside: {target} is a mount"
        yield compare(about, expected=True, actual=line is not None, source="mountinfo")
        if line and "readonly" in wanted:
            readonly = _text("ro" in line.options)
            yield compare(f"{about}, read-only", _text(wanted["readonly"]), readonly, "mountinfo")
        if line and "source" in wanted:
            yield _mount_source(f"{about} of", _text(wanted["source"]), line)


def _mount_source(about: str, wanted: str, line: MountLine) -> Check:
    """The kernel tells the place within a file system, and what that file system is of."""
    if line.root == "/" and wanted != line.source:
        return unverified(about, wanted, f"it is all of {line.source}, wherever that is mounted")
    ends = wanted in {line.root, line.source} or wanted.endswith(line.root)
    return compare(about, wanted, wanted if ends else line.root, "mountinfo")


def _gpus(want: Any, inside: Inside, facts: Facts) -> Iterator[Check]:
    host = facts.world.gpus
    label = "inside: GPUs" + (" [SIMULATED]" if host.source == "simulated" else "")
    wanted = str(len(host.items)) if _text(want) == "host" else _text(want)
    if inside.gpus is None and wanted != "0":
        yield compare(label, wanted, inside.gpu_error, "nvidia-smi -L")
        return
    yield compare(label, wanted, str(len(inside.gpus or ())), "nvidia-smi -L")


def _pid1(want: str, inside: Inside, _: Facts) -> Iterator[Check]:
    yield pattern("inside: process 1", want, " ".join(inside.pid1), "/proc/1/cmdline")


def _host(want: Expect, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    for path, wanted in (want.get("files") or {}).items():
        fact, text = _host_file(Path(path), facts.world.subject)
        if facts.world.no_host_side and {"owner", "group"} & set(wanted or {}):
            yield unverified(f"host: {path}", dict(wanted), facts.world.no_host_side)
            continue
        yield from _file(f"host: {path}", wanted or {}, fact, text, "stat on this machine")


def _host_file(path: Path, subject: Subject) -> tuple[FileFact, str | None]:
    try:
        state = path.stat()
    except OSError:
        return FileFact(exists=False), None
    try:
        text = path.read_text("utf-8", "replace")[:65536] if path.is_file() else None
    except OSError:
        text = None
    # Asked of the kernel as the person: mode bits say nothing of ACLs or a squashing NAS.
    env = {"PATH": os.defpath}
    asked = process.run(["test", "-w", str(path)], subject=subject, env=env, cwd="/", timeout=20)
    fact = FileFact(
        exists=True,
        writable=asked.exit_code == 0,
        owner=state.st_uid,
        group=state.st_gid,
        owner_name=_name_of(subject.name, subject.uid, state.st_uid, pwd.getpwuid),
        group_name=_name_of(subject.group, subject.gid, state.st_gid, grp.getgrgid),
        mode=f"{state.st_mode & 0o7777:o}",
    )
    return fact, text


def _name_of(mine: str, my_id: int, number: int, look_up: Callable[[int], Sequence[Any]]) -> str:
    """The subject's own name (a sandbox's is in no passwd file), else the one NSS has."""
    if number == my_id:
        return mine
    try:
        return str(look_up(number)[0])
    except KeyError:
        return ""


def _port(want: Expect, _: Facts, on: ContainerFacts | None) -> Iterator[Check]:
    for port, wanted in want.items():
        key = port if "/" in port else f"{port}/tcp"
        answer = on.answers.get(key) if on else None
        about = f"port {key} answers"
        if answer is None or answer.answered is None:
            yield unverified(about, _text(wanted), answer.how if answer else "it was not tried")
            continue
        value = wanted.get("answers", True) if isinstance(wanted, Mapping) else wanted
        yield compare(about, _text(value), _text(answer.answered), answer.how)


def _password(want: str, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    if facts.password is None:
        yield unverified(f"password of {want}", "a new one", "the container was not there before")
        return
    yield from password_changed(facts.password)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_KEYS: dict[str, Callable[[Any, Facts, ContainerFacts | None], Iterator[Check]]] = {
    "exit": _exit,
    "output": _output,
    "screen": _screen,
    "container": _container,
    "image": _image,
    "inside": _inside,
    "host": _host,
    "port": _port,
    "password_changed": _password,
}
_INSIDE: dict[str, Callable[[Any, Inside, Facts], Iterator[Check]]] = {
    "user": _user,
    "uid": _uid,
    "gid": _gid,
    "groups": _groups,
    "home": _home,
    "cwd": _cwd,
    "env": _env,
    "files": _inside_files,
    "processes": _processes,
    "mounts": _mounts,
    "gpus": _gpus,
    "pid1": _pid1,
}
