"""A canary goes every way that a secret can go, in every disguise, and every byte is read."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.engine.harness import Place, docker, wait_until

pytestmark = pytest.mark.engine

CANARY = "Xq7/canary+Sesame&'Zw9"
HALF = CANARY[:12]
# What a container prints of its variable PW, a way a step. `expect` makes most of them fail, so
# that the output also stands in a check, on a terminal and in a summary.
DISGUISES = {
    "plain": 'printf "pw=%s." "$PW"',
    "colour in its middle": r'printf "${PW:0:9}\033[31m${PW:9}\033[0m"',
    "over two lines": 'printf "%s\\n%s" "${PW:0:9}" "${PW:9}"',
    "base64": 'printf %s "$PW" | base64 -w 0',
    "base64 from 1": 'printf "x%s." "$PW" | base64 -w 0',
    "base64 from 2": 'printf "xy%s!" "$PW" | base64 -w 0',
    "base64 in lines": 'printf "xy%s!" "$PW" | base64 -w 10',
    "a url": 'printf "${PW//+/%%2b}" | sed "s,/,%2F,g; s/&/%26/g"',
    "percent all over": 'printf %s "$PW" | od -An -v -tx1 | tr -d "\\n" | tr " " %',
    "json": r'printf "{\"pw\": \"${PW//\//\\/}\"}"',
    "quoted by bash": 'printf "%q" "$PW"',
    "html": r'printf "<b>${PW//&/\&amp;}</b>"',
    "half of it": 'printf "%.12s" "$PW"',
}
BOX = """
  - {name: Note, write: note, content: "PW=${{ secret.password }}\\n", mode: "0600"}
  - name: Run
    command: docker run -d --name=MINE-NAME --env-file note ${{ lab.base_image }} sleep 300
"""


def disguised() -> str:
    """A scenario with all of them, without a terminal and on one."""
    steps = []
    for name, script in DISGUISES.items():
        for where, flags in (("", ""), (" on a terminal", "-ti ")):
            command = json.dumps(f"docker exec {flags}MINE-box bash -c {shlex.quote(script)}")
            steps.append(
                f"  - name: {name}{where}\n    command: {command}\n    opens: false\n"
                "    expect: {output: nothing-like-it}\n"
            )
    return f"scenario: disguised\nsteps:{BOX.replace('NAME', 'box')}finally:\n{''.join(steps)}"


SHELL = (
    r"""
scenario: shell
steps:"""
    + BOX.replace("NAME", "shell")
    + r"""
  - {name: Shell, command: docker exec -ti MINE-shell bash, opens: shell}
  - name: Typed
    type: echo "${{ secret.password }}"
    in: shell
    expect: {screen: canary}
  - name: At the edge
    type: 'printf "\n%108s${PW}#\n" " "'
    in: shell
    expect: {screen: '\d#'}
finally:
  - name: Never
    type: echo "${{ secret.password }}"
    in: shell
    expect: {screen: "${{ secret.password }}-never"}
    timeout: 1s
  - name: Half of it, by a program that never ends
    command: docker exec MINE-shell bash -c 'printf "%.12s" "$PW"; sleep 30'
    timeout: 1s
  - name: Named ${{ secret.password }}
    check: {inside: {env: {PW: another}}}
    on: MINE-shell
  - name: Compared
    command: docker exec MINE-shell env
    expect: {output: "^PW=${{ secret.password }}-no$"}
  - name: Read
    command: docker exec -i MINE-shell sh -c 'cat; exit 3'
    stdin: "PW=${{ secret.password }}\n"
"""
)
BUILD = """
scenario: build
steps:
  - name: Dockerfile
    write: dockerfile
    content: |
      FROM ${{ lab.base_image }}
      ARG PW="${{ secret.password }}"
      RUN echo "$PW" | base64 && false
    mode: "0600"
  - {name: Build, command: docker build -t MINE/build . -f dockerfile}
"""
WRONG = """
scenario: wrong
steps:
  - {name: Note, write: note, content: x, mode: "${{ secret.password }}"}
"""
FAULT = """
import lifecycle.run.steps.runner

def write_file(session, planned):
    content = planned.content
    raise RuntimeError(f"a fault of ours with {content!r}")

lifecycle.run.steps.runner.write_file = write_file
"""


def forms() -> dict[str, str]:
    """How the canary may look; told apart from how the harness finds it."""
    every = {
        "plain": CANARY,
        "half": HALF,
        "url": quote(CANARY),
        "whole url": quote(CANARY, safe=""),
        "form": quote_plus(CANARY),
        "percent": "".join(f"%{byte:02x}" for byte in CANARY.encode()),
        "html": html.escape(CANARY),
        "json": CANARY.replace("/", r"\/"),
        "shell": shlex.quote(CANARY)[1:-1],
        "bash": re.sub(r"([&'])", r"\\\1", CANARY),
    }
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + CANARY.encode()).decode().rstrip("=")
        every[f"base64 from {shift}"] = coded[4:-2]
    return {name: form.lower() for name, form in every.items()}


def told_in(raw: bytes) -> list[str]:
    """The forms that stand in some bytes, also when tags, colours or line ends split them."""
    text = raw.decode("utf-8", "replace")
    bare = re.sub(r"\x1b\[[0-9;]*m|\s+\|? ?|<[^<>\n]{0,200}>", "", text)
    seen = "\0".join((text, bare, html.unescape(bare), bare.replace("\\n", ""))).lower()
    return [name for name, form in forms().items() if form in seen]


def told(folder: Path) -> dict[str, list[str]]:
    """The files below a folder in which it stands, and how."""
    found = {str(p): told_in(p.read_bytes()) for p in folder.rglob("*") if p.is_file()}
    return {path: how for path, how in found.items() if how}


def ours(before: set[Path]) -> dict[str, list[str]]:
    """What stands in folders that runs have made since."""
    made = [p for p in set(Path("/tmp").glob("lifecycle-r*")) - before if p.is_dir()]
    return {path: how for folder in made for path, how in told(folder).items()}


@pytest.fixture
def before() -> set[Path]:
    """The runs' folders that are not of this test."""
    return set(Path("/tmp").glob("lifecycle-r*"))


@pytest.fixture
def keeper(place: Place) -> Place:
    """A place whose runs know the canary and believe that they are on GitHub."""
    place.environ |= {
        "LIFECYCLE_SECRET_PASSWORD": CANARY,
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(place.folder / "summary.md"),
    }
    (place.folder / "summary.md").touch()
    return place


def test_the_canary_is_in_none_of_its_disguises_anywhere(keeper: Place, before: set[Path]) -> None:
    ran = keeper.run(str(keeper.write("disguised.yaml", disguised())))
    assert set(ran.statuses().values()) == {"passed", "failed"}, ran.said
    for name in DISGUISES:
        for where in ("", " on a terminal"):
            assert "[redacted]" in ran.step(f"{name}{where}")["screen"], name
    assert told_in(ran.said.encode()) == []
    assert told(keeper.folder) == {}
    assert ours(before) == {}


def test_the_canary_is_nowhere_whatever_way_it_goes(keeper: Place, before: set[Path]) -> None:
    keeper.write("all/shell.yaml", SHELL)
    keeper.write("all/build.yaml", BUILD)
    ran = keeper.run("-n", "2", "all")
    assert ran.step("At the edge", "shell")["status"] == "passed", ran.said
    # The shell's next prompt may have come before the screen was read, or not yet.
    last = ran.step("At the edge", "shell")["screen"].splitlines()[-4:]
    assert any("[redacted]" in line for line in last), last
    assert ran.step("Never", "shell")["status"] == "failed"
    assert ran.step("Half of it, by a program that never ends", "shell")["screen"] == "[redacted]"
    assert ran.step("Build", "build")["status"] == "failed"
    assert "::error" in ran.out
    assert told_in(ran.said.encode()) == []
    assert told(keeper.folder) == {}
    assert ours(before) == {}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_canary_is_not_in_what_plain_pytest_tells_of_a_fault(
    keeper: Place, before: set[Path], workers: tuple[str, ...]
) -> None:
    keeper.write("conftest.py", FAULT)
    words = ("-vv", "-rA", "-l", "--tb=long", f"--junitxml={keeper.folder}/pytest.xml")
    files = [str(keeper.write(f"{n}.yaml", t)) for n, t in (("w", WRONG), ("b", BUILD))]
    ran = keeper.pytest(*words, *workers, *files)
    assert "a fault of ours with" in ran.out
    assert ran.step("Dockerfile", "build")["status"] == "error"
    assert ran.step("Note", "wrong")["status"] == "failed"
    assert told_in(ran.said.encode()) == []
    assert told(keeper.folder) == {}
    assert ours(before) == {}


def test_after_a_kill_it_is_in_the_private_note_alone_until_it_is_swept(
    keeper: Place, before: set[Path]
) -> None:
    slow = "name: Typed\n    timeout: 90s"
    text = SHELL.replace("screen: canary", "screen: never-comes").replace("name: Typed", slow)
    words = keeper.run_words(str(keeper.write("a.yaml", text)))
    with keeper.started(*words) as process:
        wait_until(
            lambda: (keeper.is_up("MINE-shell") and ours(before)) or process.poll() is not None
        )
        process.kill()
        out, err = process.communicate()
    notes = ours(before)
    assert [Path(path).name for path in notes] == ["note"]
    assert [Path(path).stat().st_mode & 0o777 for path in notes] == [0o600]
    assert (told_in(f"{out}{err}".encode()), told(keeper.folder)) == ([], {})
    swept = keeper.lifecycle("sweep")
    assert swept.exit_code == 0, swept.said
    assert told_in(swept.said.encode()) == []
    assert not any(Path(path).parent.exists() for path in notes)
    assert (ours(before), told(keeper.folder), keeper.ledgers()) == ({}, {}, [])
    assert keeper.left() == []
    assert docker("ps", "-aq", "--filter", f"name={keeper.word}") == ""
