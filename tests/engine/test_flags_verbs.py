"""Verbs and their flags: kept by the real docker, broken by one that does something else.

Every scenario runs twice. The second time a docker stands first on PATH that does a line's lie,
and what the daemon then says must not pass for what was written.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.flags_verbs import CALLERS, FROM, LINES, PACKED, PLATFORMS, Line
from tests.engine.harness import Place, Ran, docker

pytestmark = pytest.mark.engine

LIAR = """#!/usr/bin/env python3
import os, subprocess, sys

REAL, LIES, words = {real!r}, {lies!r}, sys.argv[1:]
for verb, mark, lie, prints, spoils in LIES:
    if words[: len(verb)] == verb and any(mark in w for w in words):
        if spoils:
            done = subprocess.run([REAL, *words])
            open(spoils, "w").write("0" * 64)
            sys.exit(done.returncode)
        if prints:
            print(prints)
            sys.exit(0)
        words = [words[w] if isinstance(w, int) else w for w in lie]
        break
os.execv(REAL, [REAL, *words])
"""


def scenario(line: Line) -> str:
    """The file of one line; its steps are JSON, which is YAML."""
    files = [{"write": name, "content": f"{text}\n"} for name, text in line.files]
    steps = [*files, *line.before, {"name": "the line", "command": line.line}]
    return f"scenario: {line.name}\nsteps: {json.dumps(steps)}\n"


def lie(line: Line, word: str) -> tuple[list[str], str, list[str | int], str, str]:
    """The verb, a name of the line, and what is done in its stead."""
    words = line.line.split()[1:]
    verb = words[:2] if words[0] in {"network", "volume"} else words[:1]
    mark = f"{word}/{line.name}" if f"MINE/{line.name}" in line.line else f"{word}-{line.name}"
    return verb, mark, line.lie, line.prints, line.spoils


@pytest.fixture(scope="module")
def honest(shared_place: Place, in_sandbox: SandboxInfo) -> Ran:
    """The scenarios as they are."""
    assert in_sandbox
    shared_place.environ[CALLERS] = "a word"
    files = [shared_place.write(f"{x.name}.yaml", scenario(x)) for x in LINES]
    return shared_place.run("-n", "2", *map(str, files))


@pytest.fixture(scope="module")
def lying(shared_place: Place, honest: Ran) -> Iterator[Ran]:
    """The same with the liar on PATH."""
    assert honest
    folder = shared_place.folder / "bin"
    folder.mkdir()
    liar = folder / "docker"
    lies = [lie(x, shared_place.word) for x in LINES]
    liar.write_text(LIAR.format(real=shutil.which("docker"), lies=lies))
    liar.chmod(0o755)
    shared_place.environ["PATH"] = f"{folder}:{shared_place.env()['PATH']}"
    yield shared_place.run("-n", "2", *(str(shared_place.folder / f"{x.name}.yaml") for x in LINES))
    del shared_place.environ["PATH"]


def about(step: dict[str, Any], flag: str) -> list[str]:
    """The statuses of the checks that are about a flag, or about the verb itself."""
    return [c["status"] for c in step["checks"] if c["about"].startswith(f"{flag}:")]


def _needs(line: Line) -> None:
    if "top" in line.flags and shutil.which("ps") is None:
        pytest.skip("there is no ps on this machine, which the engine asks for docker top")


@pytest.mark.parametrize("line", LINES, ids=str)
def test_what_a_line_promises_is_kept(honest: Ran, line: Line) -> None:
    _needs(line)
    step = honest.step("the line", line.name)
    assert step["status"] == "passed", step
    assert [f for f in line.flags if "kept" not in about(step, f)] == [], step


@pytest.mark.parametrize("line", LINES, ids=str)
def test_another_deed_does_not_pass_for_it(lying: Ran, line: Line) -> None:
    step = lying.step("the line", line.name)
    assert step["status"] == "failed", step
    assert [f for f in line.flags if "broken" not in about(step, f)] == [], step


@pytest.fixture(scope="module")
def platforms(shared_place: Place, honest: Ran, base_image: str) -> Ran:
    """Each line of a platform with the image's own, and with another one."""
    assert honest
    template = "{{.Os}}/{{.Architecture}}"
    own = docker("image", "inspect", "-f", template, base_image)
    files = []
    for name, line in PLATFORMS.items():
        for kind, platform in (("own", own), ("other", "linux/s390x")):
            made = Line(f"{name}-{kind}", line.format(platform), (), [], PACKED, FROM)
            files.append(shared_place.write(f"platform-{made.name}.yaml", scenario(made)))
    return shared_place.run("-n", "2", *map(str, files))


@pytest.mark.parametrize("verb", PLATFORMS)
def test_the_platform_that_an_image_has_is_kept(platforms: Ran, verb: str) -> None:
    assert about(platforms.step("the line", f"{verb}-own"), "--platform") == ["kept"]


@pytest.mark.parametrize("verb", PLATFORMS)
def test_a_platform_that_the_image_does_not_have_is_never_kept(platforms: Ran, verb: str) -> None:
    step = platforms.step("the line", f"{verb}-other")
    assert step["status"] == "failed", step
    assert "kept" not in about(step, "--platform"), step
