"""What can't be written ends nothing, and is told once on what is left to speak on."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lifecycle.report.streams import Speech, Stream, guarded

COMMANDS = [
    ("promises", "--", "docker", "run", "-d", "-p", "8080:80", "nginx"),
    ("promises", "--json", "--", "docker", "run", "nginx"),
    ("schema",),
    ("check", "a.yaml"),
    ("run", "a.yaml", "--dry-run"),
    ("--help",),
    ("--version",),
    ("explain", "error.txt"),
]
ESCAPES = "\x1b]0;title\x07\x1b[31m\x9b2J\x07"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text("scenario: s\nsteps: [docker ps]\n")
    (tmp_path / "error.txt").write_text("permission denied while trying to connect\n")
    return tmp_path


def lifecycle(
    folder: Path, *words: str, shell: str = 'exec "$@"'
) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", shell, "sh", sys.executable, "-m", "lifecycle.cli", *words]
    return subprocess.run(
        command, cwd=folder, text=True, capture_output=True, timeout=60, check=False
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_standard_output_on_a_full_disk_is_one_sentence_and_exit_3(
    folder: Path, words: tuple[str, ...]
) -> None:
    ran = lifecycle(folder, *words, shell='exec "$@" > /dev/full')
    assert ran.returncode == 3
    assert ran.stderr == (
        "standard output can't be written (No space left on device): what it said is lost\n"
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_is_no_error(folder: Path, words: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "lifecycle.cli", *words]
    ran = subprocess.run(
        command, cwd=folder, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(write)
    if words[0] == "run":
        assert ran.returncode == 3, "a run's verdict is not for the reader alone"
    else:
        assert (ran.returncode, ran.stderr) == (141, b"")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_closed_standard_output_is_told_too(folder: Path, words: tuple[str, ...]) -> None:
    ran = lifecycle(folder, *words, shell='exec "$@" >&-')
    assert ran.returncode == 3
    assert "Bad file descriptor" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_standard_error_that_cant_be_written_is_told_on_standard_output(folder: Path) -> None:
    ran = lifecycle(folder, "check", "none.yaml", shell='exec "$@" 2> /dev/full')
    assert ran.returncode == 4, "it was wrong all the same"
    assert ran.stdout.startswith("standard error can't be written (No space left on device)")


def test_with_nothing_left_to_speak_on_the_exit_code_says_it(folder: Path) -> None:
    assert lifecycle(folder, "schema", shell='exec "$@" > /dev/full 2>&1').returncode == 3
    assert lifecycle(folder, "schema", shell='exec "$@" >&- 2>&-').returncode == 3


def test_a_closed_standard_input_is_empty(folder: Path) -> None:
    ran = lifecycle(folder, "explain", shell='exec "$@" <&-')
    assert (ran.returncode, ran.stderr) == (1, "")


@pytest.mark.parametrize(
    "words",
    [
        ("promises", "--", "docker", "run", "-e", f"A={ESCAPES}", "nginx"),
        ("promises", "--", "docker", "run", f"--{ESCAPES}", "nginx"),
        ("promises", "--", f"docker{ESCAPES}"),
        ("run", f"@{ESCAPES}"),
        ("run", "a.yaml", "--set", f"lab.{ESCAPES}=1"),
        ("check", f"{ESCAPES}.yaml"),
        ("check", "named.yaml"),
        ("run", "--dry-run", "named.yaml"),
        ("hold", "--", "docker", "run", f"a{ESCAPES}"),
        ("hold", f"{ESCAPES}", "extra"),
        ("explain", f"{ESCAPES}"),
        ("doctor", f"--{ESCAPES}"),
        ("sandbox", f"--gpus={ESCAPES}"),
        (f"{ESCAPES}",),
    ],
    ids=ascii,
)
def test_no_argument_reaches_the_terminal_with_its_escape_characters(
    folder: Path, words: tuple[str, ...]
) -> None:
    named = 'scenario: "\\e[31mred\\x9b2J"\nsteps: [{name: "\\e]0;x\\a", command: "docker ps"}]\n'
    (folder / "named.yaml").write_text(named)
    ran = lifecycle(folder, *words)
    said = ran.stdout + ran.stderr
    assert said
    assert not set(said) & set("\x1b\x9b\x07\r")
    assert "Traceback" not in said


class Broken(io.StringIO):
    """Takes the first text, and no more."""

    encoding = "ascii"

    def write(self, text: str) -> int:
        if self.getvalue():
            raise OSError(5, "Input/output error")
        return super().write(text)


def test_the_first_failure_is_kept_and_nothing_is_written_after_it() -> None:
    inner = Broken()
    stream = Stream(inner)
    for text in ("one ✓\n", "two\n", "three\n"):
        stream.write(text)
    stream.flush()
    assert inner.getvalue() == "one \\u2713\n"
    assert stream.problem == "Input/output error"
    assert not stream.unread
    assert guarded(stream) is stream  # type: ignore[arg-type]


@pytest.fixture
def speech() -> Speech:
    out = Stream(Broken())
    out.write("x")
    out.write("y")
    return Speech(out, Stream(io.StringIO()))


@pytest.mark.parametrize(("code", "becomes"), [(0, 3), (1, 3), (5, 3), (2, 2), (4, 4), (130, 130)])
def test_what_was_interrupted_or_never_started_stays_so(
    speech: Speech, code: int, becomes: int
) -> None:
    assert speech.exit_code(code, read_by_programs=False) == becomes


def test_colours_of_our_own_pass_and_commands_of_our_own_too() -> None:
    inner = io.StringIO()
    stream = Stream(inner)
    stream.write("\x1b[31m::error::theirs\n")
    stream.styled.write("\x1b[31m::error::coloured\x1b[0m\n")
    stream.exact.write("::error::ours\n")
    assert inner.getvalue() == (
        "| ::error::theirs\n\x1b[31m| ::error::coloured\x1b[0m\n::error::ours\n"
    )
