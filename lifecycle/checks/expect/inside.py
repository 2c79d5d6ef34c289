"""The keys of ``expect: {inside: ...}``: what one look inside must show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.expect.files import TEXTS, Expect, as_text, judge_file, octal, out_of_sight
from lifecycle.checks.expect.pattern import pattern
from lifecycle.checks.gpus import kind_of
from lifecycle.checks.mounts import mount_source
from lifecycle.checks.wording import simulated
from lifecycle.facts.inside import (
    ACCOUNTS,
    ENVIRON,
    FIRST,
    GPUS,
    HOSTNAME,
    MOUNTS,
    PROCESSES,
    FileFact,
    Inside,
    Probe,
    merged,
)
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.machine.patterns import PatternError, find_in

FIRST_STATUS = "/proc/1/status"


def judge_inside(want: Expect, facts: Facts, on: ContainerFacts | None) -> Iterator[Check]:
    """A check for each key, or the reason why nobody could see it."""
    if on is None or (on.inside.unseen and not on.inside.places):
        why = on.inside.unseen if on else "the step names no container: write `on: NAME`"
        yield unverified("inside", dict(want), why)
        return
    for key, wanted in want.items():
        asked = KEYS[key].asked
        hidden = on.inside.hides(asked) if asked else ""
        if hidden:
            yield unverified(f"inside: {key}", wanted, hidden)
        else:
            yield from KEYS[key].judge(wanted, on.inside, facts)


def _user(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    name = inside.user_name or "I have no name!"
    yield compare("inside: user name", as_text(want) or "I have no name!", name, inside.place("id"))


def _uid(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: uid", as_text(want), str(inside.uid), inside.place("id"))


def _gid(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: gid", as_text(want), str(inside.gid), inside.place("id"))


def _groups(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    known = {str(g) for g in inside.groups} | {n for n in inside.groups.values() if n}
    for group in want if isinstance(want, list | tuple) else [want]:
        have = as_text(group) if as_text(group) in known else sorted(known)
        yield compare(f"inside: in group {group}", as_text(group), have, inside.place("id"))


def _home(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    account = inside.account(inside.uid)
    home = account.home if account else None
    yield compare("inside: home", as_text(want), home, inside.place(ACCOUNTS))


def _umask(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    match = re.search(r"^Umask:\s*([0-7]+)$", inside.proc.get(FIRST_STATUS, ""), re.MULTILINE)
    umask = octal(match[1]) if match else "not told"
    yield compare("inside: umask of process 1", octal(as_text(want)), umask, FIRST_STATUS)


def _cwd(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    yield compare("inside: working folder", as_text(want), inside.cwd, inside.place("pwd"))


def _env(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for key, value in want.items():
        actual = inside.env.get(key)
        yield compare(f"inside: {key}", as_text(value), actual, inside.place(ENVIRON))


def _inside_files(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for path, wanted in want.items():
        about, hidden = f"inside: {path}", inside.hides(path)
        if hidden:
            yield unverified(about, wanted, hidden)
            continue
        fact, text = inside.files.get(path, FileFact(exists=False)), inside.texts.get(path)
        unseen = out_of_sight(fact, text) if inside.unseen else set()
        visible = {key: value for key, value in (wanted or {}).items() if key not in unseen}
        yield from judge_file(about, visible, fact, text, inside.places.get(path, "stat inside"))
        for key in sorted(unseen & set(wanted or {})):
            yield unverified(f"{about} {key}", as_text(wanted[key]), inside.unseen)


def _processes(want: Mapping[str, Any], inside: Inside, _: Facts) -> Iterator[Check]:
    """Patterns of command lines; how many of each, or None for at least one."""
    for wanted, count in want.items():
        about = f"inside: process {wanted}"
        try:
            matches = [m for m in find_in(wanted, [p.command for p in inside.processes]) if m]
        except PatternError as error:
            yield unverified(about, "running" if count is None else as_text(count), str(error))
            continue
        if count is None:
            there = "running" if matches else "not there"
            yield compare(about, "running", there, inside.place(PROCESSES))
        else:
            yield compare(
                f"{about}: count", as_text(count), str(len(matches)), inside.place(PROCESSES)
            )


def _mounts(want: Expect, inside: Inside, _: Facts) -> Iterator[Check]:
    for target, wanted in want.items():
        line = inside.mount(target)
        about = f"inside: {target} is a mount"
        source = inside.place(MOUNTS)
        yield compare(about, expected=True, actual=line is not None, source=source)
        if line and "readonly" in wanted:
            readonly = as_text("ro" in line.options)
            yield compare(f"{about}, read-only", as_text(wanted["readonly"]), readonly, source)
        if line and "source" in wanted:
            yield mount_source(f"{about} of", as_text(wanted["source"]), line, source)


def _gpus(want: Any, inside: Inside, facts: Facts) -> Iterator[Check]:
    host = facts.world.gpus
    wanted = str(len(host.items)) if as_text(want) == "host" else as_text(want)
    # Where none is expected, and none is seen, no GPU has been looked at.
    kind = None if wanted == "0" else kind_of(host)
    unanswered = inside.gpus is None and wanted != "0"
    actual = inside.gpu_error if unanswered else str(len(inside.gpus or ()))
    yield compare(f"inside: GPUs{simulated(kind)}", wanted, actual, "nvidia-smi -L", kind)


def _hostname(want: Any, inside: Inside, _: Facts) -> Iterator[Check]:
    source = inside.place(HOSTNAME)
    yield compare("inside: host name", as_text(want), inside.hostname, source)


def _pid1(want: str, inside: Inside, _: Facts) -> Iterator[Check]:
    yield pattern("inside: process 1", want, " ".join(inside.pid1), inside.place(FIRST))


def _files_read(want: Expect) -> Probe:
    texts = (path for path, keys in want.items() if TEXTS & set(keys or {}))
    return Probe(files=tuple(want), texts=tuple(texts))


@dataclass(frozen=True)
class Key:
    """One key: who judges it, what answers it inside (a file is its own), what must be read."""

    judge: Callable[[Any, Inside, Facts], Iterator[Check]]
    asked: str = ""
    reads: Callable[[Any], Probe] = lambda _want: Probe()


KEYS: dict[str, Key] = {
    "user": Key(_user, "id"),
    "uid": Key(_uid, "id"),
    "gid": Key(_gid, "id"),
    "groups": Key(_groups, "id"),
    "home": Key(_home, "id"),
    "umask": Key(_umask, FIRST_STATUS, lambda _: Probe(proc=(FIRST_STATUS,))),
    "cwd": Key(_cwd, "pwd"),
    "env": Key(_env, ENVIRON),
    "files": Key(_inside_files, reads=_files_read),
    "processes": Key(_processes, PROCESSES, lambda _: Probe(processes=True)),
    "mounts": Key(_mounts, MOUNTS),
    "gpus": Key(_gpus, GPUS, lambda _: Probe(gpus=True)),
    "pid1": Key(_pid1, FIRST),
    "hostname": Key(_hostname, HOSTNAME),
}


def probe_of(expect: Expect) -> Probe:
    """What one look inside must cover for these expectations."""
    inside: Expect = expect.get("inside") or {}
    return merged(*(KEYS[key].reads(want) for key, want in inside.items() if want is not None))
