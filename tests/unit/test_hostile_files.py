"""Whatever a person or a folder hands us as a file ends in exit 4 and one line, and soon."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.cli import main

START = "scenario: x\nsteps: [ls]\n"
BOMBS = {
    "laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "cycle": "scenario: &a [*a]\n",
    "merge": "scenario: x\n<<: *a\n",
    "flow": "scenario: " + "[" * 100_000,
    "mappings": "scenario: " + "{a: " * 100_000,
    "sequence": "scenario: " + "- " * 100_000,
    "question": "? " * 100_000,
    "indented": "".join(f"{' ' * n}a:\n" for n in range(1_000)),
    "values": START + "vars:\n" + "".join(f"  v{n}: 1\n" for n in range(60_000)),
    "one long line": START + "vars: {a: '" + "x" * 900_000,
    "one long key": "x" * 900_000 + ": 1",
    "anchors": START + "".join(f"a{n}: &a{n} 1\n" for n in range(20_000)),
    "documents": START + "---\n" * 100_000,
    "comments": "#\n" * 400_000,
    "holes": START + "vars: {a: '" + "${{ " * 100_000 + "'}",
    "parentheses": START + "vars: {a: '${{ " + "(" * 900 + " }}'}",
    "a huge number": f"{START}timeout: {'9' * 100_000}\n",
    "a huge exponent": "scenario: x\nsteps: [{command: ls, timeout: 9e999999999s}]\n",
    "a huge pattern": "scenario: x\nsteps: [{command: ls, expect: {output: 'a{9999999999}'}}]\n",
    "10 MB": START + "#" * 10_000_000,
}

Refused = Callable[..., str]


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Refused:
    """Runs a command that must end soon with exit 4, one line and nothing else; gives the line."""

    def run(*words: str) -> str:
        started = time.monotonic()
        assert main(words) == 4
        assert time.monotonic() - started < 20
        out, err = capfd.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert len(err) < 2000
        return err.strip()

    return run


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_one_line_with_its_place(bomb: str, tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(BOMBS[bomb])
    said = refused("check", str(file))
    line, column, found = said.removeprefix(f"{file}:").split(":", 2)
    assert (line.isdigit(), column.isdigit()) == (True, True)
    assert found.strip()


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder of what is no file, and no scenario."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "round").symlink_to(".")
    (tmp_path / "up").symlink_to("..")
    return tmp_path


NO_FILES = {
    "pipe.yaml": "a pipe",
    "loop.yaml": "Too many levels of symbolic links",
    "dangling.yaml": "a link that leads nowhere",
    "device.yaml": "a device",
    "missing.yaml": "no such file",
    "loop.yaml/x": "Too many levels of symbolic links",
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_file_is_not_waited_for(
    command: str, name: str, strange: Path, refused: Refused
) -> None:
    said = refused(command, str(strange / name))
    assert said.startswith(f"{strange / name}:1:1: {NO_FILES[name]}; expected a scenario file")


@pytest.mark.parametrize("name", [*NO_FILES, "folder.yaml"])
def test_a_lab_file_that_is_none_is_not_waited_for(
    name: str, strange: Path, refused: Refused
) -> None:
    (strange / "good.yaml").write_text(START)
    said = refused("run", str(strange / "good.yaml"), "--lab", str(strange / name))
    found = NO_FILES.get(name, "a folder")
    assert said.startswith(f"{strange / name}:1:1: {found}; expected a lab file (TOML)")


def test_a_folder_of_loops_and_pipes_is_searched_once(
    strange: Path, refused: Refused, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "no scenario file in this folder" in refused("check", str(strange))
    (strange / "good.yaml").write_text(START)
    assert main(["check", str(strange)]) == 0
    assert capfd.readouterr().out == f"{strange / 'good.yaml'}: ok\n"


@pytest.mark.parametrize(
    "line",
    [
        "docker run --env-file {} debian",
        "docker run --label-file {} debian",
        "docker build -f {} .",
        "docker build {}",
    ],
)
@pytest.mark.parametrize("name", ["pipe.yaml", "device.yaml", "loop.yaml"])
def test_a_file_that_a_command_names_is_not_waited_for(
    line: str, name: str, strange: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    words = line.format(strange / name).split()
    assert main(["promises", "--", *words]) in {0, 4}
    assert time.monotonic() - started < 10
    assert "Traceback" not in capfd.readouterr().err


def test_a_path_that_variables_lead_outside_is_refused(tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "a.yaml"
    for path in ("${{ lab.nas_home }}/x", "${{ '..' }}/x", "${{ '/etc/x' }}"):
        file.write_text(f'scenario: x\nsteps:\n  - {{write: "{path}", content: x}}\n')
        assert "write: found `" in refused("check", str(file))
