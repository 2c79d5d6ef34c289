"""What only the author knows: the keys of ``expect``, compared with the facts.

``expect`` comes rendered: plain dicts, lists and text. Numbers and names are compared as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.expect.files import TEXTS, Expect, as_text, judge_file
from lifecycle.checks.expect.inside import judge_inside
from lifecycle.checks.expect.pattern import pattern, verdict
from lifecycle.checks.password import password_changed
from lifecycle.facts.host_files import HostFile
from lifecycle.facts.inside import (
    FileFact,
)
from lifecycle.facts.model import ContainerFacts, Facts


def judge_expect(expect: Expect, facts: Facts, on: ContainerFacts | None) -> list[Check]:
    """Every expectation as a check; ``on`` is the container meant."""
    return [check for key, want in expect.items() for check in KEYS[key](want, facts, on)]


def _exit(want: Any, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    yield compare("exit code", str(want), str(facts.exit_code), "the command's own")


def _output(want: str, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    yield pattern("output", want, facts.output, "what the command printed", lost=facts.lost)


def _screen(want: str, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    yield pattern("screen", want, facts.screen, "the terminal")


def _took(want: Expect, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    for key, limit in want.items():
        wanted = f"{key.replace('_', ' ')} {limit:g} s"
        if (took := facts.seconds) is None:
            yield unverified("it took", wanted, "it has not ended")
        else:
            kept = took >= limit if key == "at_least" else took <= limit
            yield Check(
                "it took", wanted, f"{took:.3f} s", verdict(kept), "the clock, start to end"
            )


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
        yield compare(about, as_text(wanted), as_text(actual[key]), source)


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
                    yield compare(f"{about} {k}", as_text(v), env.get(k), "image inspect")
            elif key == "command":
                yield compare(about, [as_text(w) for w in wanted], actual[key], "image inspect")
            elif key != "name":
                yield compare(about, as_text(wanted), as_text(actual[key]), "image inspect")


def _host(want: Expect, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    for path, wanted in (want.get("files") or {}).items():
        about, file = f"host: {path}", facts.host_files.get(path)
        if facts.world.no_host_side and {"owner", "group"} & set(wanted or {}):
            yield unverified(about, dict(wanted), facts.world.no_host_side)
        elif file is None or file.fact is None:
            why = file.unseen if file else "it was not looked at"
            yield unverified(about, wanted and dict(wanted), why)
        else:
            yield from _host_file(about, wanted or {}, file.fact, file)


def _host_file(about: str, want: Expect, fact: FileFact, file: HostFile) -> Iterator[Check]:
    hidden = sorted(TEXTS & set(want)) if file.text_unseen else []
    shown = {key: value for key, value in want.items() if key not in hidden}
    yield from judge_file(about, shown, fact, file.text, "stat on this machine")
    for key in hidden:
        yield unverified(f"{about} {key}", as_text(want[key]), file.text_unseen)


def _port(want: Expect, _: Facts, on: ContainerFacts | None) -> Iterator[Check]:
    for port, wanted in want.items():
        key = port if "/" in port else f"{port}/tcp"
        answer = on.answers.get(key) if on else None
        about = f"port {key} answers"
        if answer is None or answer.answered is None:
            yield unverified(about, as_text(wanted), answer.how if answer else "it was not tried")
            continue
        value = wanted.get("answers", True) if isinstance(wanted, Mapping) else wanted
        yield compare(about, as_text(value), as_text(answer.answered), answer.how)


def _password(want: str, facts: Facts, _: ContainerFacts | None) -> Iterator[Check]:
    if facts.password is None:
        yield unverified(f"password of {want}", "a new one", "the container was not there before")
        return
    yield from password_changed(facts.password)


KEYS: dict[str, Callable[[Any, Facts, ContainerFacts | None], Iterator[Check]]] = {
    "exit": _exit,
    "output": _output,
    "screen": _screen,
    "took": _took,
    "container": _container,
    "image": _image,
    "inside": judge_inside,
    "host": _host,
    "port": _port,
    "password_changed": _password,
}
