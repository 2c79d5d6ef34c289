"""What only the author knows: the keys of ``expect``, compared with the facts.

``expect`` comes rendered: plain dicts, lists and text. Numbers and names are compared as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.gpus import kind_of, mark
from lifecycle.checks.mounts import mount_source
from lifecycle.checks.password import password_changed
from lifecycle.facts.host_files import fact_of, text_of
from lifecycle.facts.inside import (
    ACCOUNTS,
    ENVIRON,
    FIRST,
    GPUS,
    MOST_TEXT,
    MOUNTS,
    PROCESSES,
    FileFact,
    Inside,
    Probe,
    is_long,
)
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.machine.as_subject import refused
from lifecycle.machine.patterns import PatternError, find, find_in
from lifecycle.machine.subject import Subject

Expect = Mapping[str, Any]
_TEXTS = frozenset({"contains", "text"})
FIRST_STATUS = "/proc/1/status"


def probe_of(expect: Expect) -> Probe:
    """What one look inside must cover for these expectations."""
    inside: Expect = expect.get("inside") or {}
    files: Expect = inside.get("files") or {}
    return Probe(
        files=tuple(files),
        texts=tuple(p for p, want in files.items() if _TEXTS & set(want or {})),
        gpus=inside.get("gpus") is not None,
        processes=inside.get("processes") is not None,
        proc=(FIRST_STATUS,) if inside.get("umask") is not None else (),
    )


def judge_expect(expect: Expect, facts: Facts, on: ContainerFacts | None) -> list[Check]:
    """Every expectation as a check; ``on`` is the container meant."""
    return [check for key, want in expect.items() for check in _KEYS[key](want, facts, on)]


def pattern(about: str, wanted: str, text: str, source: str) -> Check:
    """A regular expression that must be found; what a part does not hold, the whole may."""
    try:
        match, long = find(wanted, text, multiline=True), is_long(text)
    except PatternError as error:
        return unverified(about, wanted, str(error))
    found = match is not None and not (long and match.end() == len(text))
    if long and not found:
        return unverified(about, wanted, f"not in what is kept of a long text ({MOST_TEXT} bytes)")
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


def _took(want: Expect, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    for key, limit in want.items():
        wanted = f"{key.replace('_', ' ')} {limit:g} s"
        if (took := facts.seconds) is None:
            yield unverified("it took", wanted, "it has not ended")
        else:
            kept = took >= limit if key == "at_least" else took <= limit
            yield Check("it took", wanted, f"{took:.3f} s", _kept(kept), "the clock, start to end")


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
        "oom_killed": state.get("OOMKilled"),
        "restarts": (on.now or {}).get("RestartCount"),
    }
    for key, wanted in want.items():
        about = f"container {on.name}: {key.replace('_', ' ')}"
        source = "inspect .RestartCount" if key == "restarts" else "inspect .State"
        yield compare(about, _text(wanted), _text(actual[key]), source)


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
    if on is None or (on.inside.unseen and not on.inside.places):
        why = on.inside.unseen if on else "the step names no container: write `on: NAME`"
        yield unverified("inside", dict(want), why)
        return
    for key, wanted in want.items():
        asked = _ASKED.get(key, "")
        hidden = on.inside.hides(asked) if asked else ""
        if hidden:
            yield unverified(f"inside: {key}", wanted, hidden)
        else:
            yield from _INSIDE[key](wanted, on.inside, facts)


def _user(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    found = inside.user_name or "I have no name!"
    yield compare("inside: user name", _text(want) or "I have no name!", found, inside.place("id"))


def _uid(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: uid", _text(want), str(inside.uid), inside.place("id"))


def _gid(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: gid", _text(want), str(inside.gid), inside.place("id"))


def _groups(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    known = {str(g) for g in inside.groups} | {n for n in inside.groups.values() if n}
    for group in want if isinstance(want, list | tuple) else [want]:
        have = _text(group) if _text(group) in known else sorted(known)
        yield compare(f"inside: in group {group}", _text(group), have, inside.place("id"))


def _home(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    account = inside.account(inside.uid)
    home = account.home if account else None
    yield compare("inside: home", _text(want), home, inside.place(ACCOUNTS))


def _umask(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    found = re.search(r"^Umask:\s*([0-7]+)$", inside.proc.get(FIRST_STATUS, ""), re.MULTILINE)
    umask = _octal(found[1]) if found else "not told"
    yield compare("inside: umask of process 1", _octal(_text(want)), umask, FIRST_STATUS)


def _octal(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _cwd(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: working folder", _text(want), inside.cwd, inside.place("pwd"))


def _env(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for key, value in want.items():
        found = inside.env.get(key)
        yield compare(f"inside: {key}", _text(value), found, inside.place(ENVIRON))


def _inside_files(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for path, wanted in want.items():
        about, hidden = f"inside: {path}", inside.hides(path)
        if hidden:
            yield unverified(about, wanted, hidden)
            continue
        fact, text = inside.files.get(path, FileFact(exists=False)), inside.texts.get(path)
        unseen = _out_of_sight(fact, text) if inside.unseen else set()
        seen = {key: value for key, value in (wanted or {}).items() if key not in unseen}
        yield from _file(about, seen, fact, text, inside.places.get(path, "stat inside"))
        for key in sorted(unseen & set(wanted or {})):
            yield unverified(f"{about} {key}", _text(wanted[key]), inside.unseen)


def _out_of_sight(fact: FileFact, text: str | None) -> set[str]:
    """What a look from outside leaves open of a file that is there."""
    if not fact.exists:
        return set()
    owner = {"owner", "group"} if fact.owner is None else set()
    return {"writable"} | owner | ({"contains", "text"} if text is None else set())


def _file(
    about: str, want: Expect, fact: FileFact, text: str | None, source: str
) -> Iterator[Check]:
    if "exists" not in want and not fact.exists:
        yield compare(f"{about} exists", expected=True, actual=False, source=source)
        return
    for key, wanted in want.items():
        match key:
            case "owner" | "group" | "mode" if fact.exists and fact.owner is None:
                reason = "the image has no stat to ask"
                yield unverified(f"{about} {key}", _text(wanted), reason)
            case "exists" | "writable":
                value = getattr(fact, key)
                yield compare(f"{about} {key}", _text(wanted), _text(value), source)
            case "owner" | "group":
                number, name = getattr(fact, key), getattr(fact, f"{key}_name")
                actual = str(number) if _text(wanted).isdigit() else name
                yield compare(f"{about} {key}", _text(wanted), actual, source)
            case "mode":
                yield compare(f"{about} mode", _octal(_text(wanted)), fact.mode, source)
            case "contains":
                yield pattern(f"{about} contains", _text(wanted), text or "", source)
            case "text":
                found = text.rstrip("\n") if text is not None else None
                found = f"more than {MOST_TEXT} bytes" if found and is_long(found) else found
                yield compare(f"{about} text", _text(wanted).rstrip("\n"), found, source)


def _processes(want: Mapping[str, Any], inside: Inside, _: Facts) -> Iterator[Check]:
    """Patterns of command lines; how many of each, or None for at least one."""
    for wanted, count in want.items():
        about = f"inside: process {wanted}"
        try:
            found = [m for m in find_in(wanted, [p.command for p in inside.processes]) if m]
        except PatternError as error:
            yield unverified(about, "running" if count is None else _text(count), str(error))
            continue
        if count is None:
            there = "running" if found else "not there"
            yield compare(about, "running", there, inside.place(PROCESSES))
        else:
            yield compare(f"{about}: count", _text(count), str(len(found)), inside.place(PROCESSES))


def _mounts(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for target, wanted in want.items():
        line = inside.mount(target)
        about = f"inside: {target} is a mount"
        source = inside.place(MOUNTS)
        yield compare(about, expected=True, actual=line is not None, source=source)
        if line and "readonly" in wanted:
            readonly = _text("ro" in line.options)
            yield compare(f"{about}, read-only", _text(wanted["readonly"]), readonly, source)
        if line and "source" in wanted:
            yield mount_source(f"{about} of", _text(wanted["source"]), line, source)


def _gpus(want: Any, inside: Inside, facts: Facts) -> Iterator[Check]:
    host = facts.world.gpus
    wanted = str(len(host.items)) if _text(want) == "host" else _text(want)
    # Where none is expected, and none is seen, no GPU has been looked at.
    kind = None if wanted == "0" else kind_of(host)
    unanswered = inside.gpus is None and wanted != "0"
    actual = inside.gpu_error if unanswered else str(len(inside.gpus or ()))
    yield compare(f"inside: GPUs{mark(host)}", wanted, actual, "nvidia-smi -L", kind)


def _pid1(want: str, inside: Inside, _: Facts) -> Iterator[Check]:
    yield pattern("inside: process 1", want, " ".join(inside.pid1), inside.place(FIRST))


def _host(want: Expect, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    subject = facts.world.subject
    for path, wanted in (want.get("files") or {}).items():
        about = f"host: {path}"
        if facts.world.no_host_side and {"owner", "group"} & set(wanted or {}):
            yield unverified(about, dict(wanted), facts.world.no_host_side)
            continue
        try:
            fact = fact_of(Path(path), subject)
        except (OSError, ValueError) as error:
            yield unverified(about, wanted and dict(wanted), refused(subject, error))
        else:
            yield from _of_host(about, wanted or {}, fact, Path(path), subject)


def _of_host(
    about: str, want: Expect, fact: FileFact, path: Path, subject: Subject
) -> Iterator[Check]:
    text, hidden = None, ""
    if fact.exists and _TEXTS & set(want):
        try:
            text = text_of(path, subject)
        except OSError as error:
            # Without a number it is ours: a folder or a pipe, which has no text to be hidden.
            hidden = refused(subject, error) if error.errno else ""
    unseen: AbstractSet[str] = _TEXTS & set(want) if hidden else frozenset()
    seen = {key: value for key, value in want.items() if key not in unseen}
    yield from _file(about, seen, fact, text, "stat on this machine")
    for key in sorted(unseen):
        yield unverified(f"{about} {key}", _text(want[key]), hidden)


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
    "took": _took,
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
    "umask": _umask,
    "cwd": _cwd,
    "env": _env,
    "files": _inside_files,
    "processes": _processes,
    "mounts": _mounts,
    "gpus": _gpus,
    "pid1": _pid1,
}
_ASKED = {
    **dict.fromkeys(("user", "uid", "gid", "groups", "home"), "id"),
    "cwd": "pwd",
    "env": ENVIRON,
    "processes": PROCESSES,
    "mounts": MOUNTS,
    "gpus": GPUS,
    "pid1": FIRST,
    "umask": FIRST_STATUS,
}
"""What answers each key; a file is its own."""
