"""500 scenario files that somebody broke: each is one clear line with a place, and starts nothing.

The files are the library's own, broken at random in the ways of editors, transfers and hurried
hands; the seed is printed with the counts.
"""

from __future__ import annotations

import random
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lifecycle.cli import main
from tests.engine.harness import Place

SEED = 20260728
MALFORMED, THROUGH_RUN = 500, 20
LIBRARY = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
TOKENS = (
    *("\t", "\0", "\ufeff", "\x1b[31m", "\u2013", "\u2014", "\u00a0", "\u200b", "\u202e", "\r"),
    *("'", '"', "`", "${{", "}}", "${{ }}", "${{ me. }}", "${{ lab.nope }}", "${{ 1/0 }}", "$("),
    *("&a ", "*a", "<<: ", "!!python/object:os.system ", "!x ", "%YAML 9.9", "---", "...", "? "),
    *("{", "}", "[", "]", "- ", ": ", "|", ">-", "#", "@", "\\", "| tee", "&& ls", "> out", ";"),
)
KEYS = ("naem", "comand", "expekt", "Steps", "step", "timeout ", "1", "on:", "with", "image")
VALUES = (
    *("[]", "{}", "[a, b]", "{a: b}", "null", "~", "true", "-1", "0", "1e309", ".inf", "''"),
    *("9" * 400, "2026-01-01", "0x7f", "08", "!!binary AA==", "x" * 5000),
)

SAYS_WHAT_TO_DO = re.compile(
    "; (expected|write:?|did you mean|usage:|a name is) |flag needs an argument: "
)

Mutation = Callable[[random.Random, list[str]], list[str]]
MUTATIONS: list[Mutation] = []


def mutation(does: Mutation) -> Mutation:
    """One of the ways in which a file is broken."""
    MUTATIONS.append(does)
    return does


def at(chance: random.Random, lines: list[str]) -> int:
    return chance.randrange(len(lines))


def replaced(lines: list[str], index: int, *new: str) -> list[str]:
    return [*lines[:index], *new, *lines[index + 1 :]]


@mutation
def a_line_deleted(chance: random.Random, lines: list[str]) -> list[str]:
    return replaced(lines, at(chance, lines))


@mutation
def a_line_twice(chance: random.Random, lines: list[str]) -> list[str]:
    index = at(chance, lines)
    return replaced(lines, index, lines[index], lines[index])


@mutation
def lines_swapped(chance: random.Random, lines: list[str]) -> list[str]:
    one, other = at(chance, lines), at(chance, lines)
    changed = [*lines]
    changed[one], changed[other] = lines[other], lines[one]
    return changed


@mutation
def indented_otherwise(chance: random.Random, lines: list[str]) -> list[str]:
    index = at(chance, lines)
    blank = chance.choice(["", " ", "   ", "\t", "        ", "\u00a0\u00a0"])
    return replaced(lines, index, blank + lines[index].lstrip())


@mutation
def a_token_put_in(chance: random.Random, lines: list[str]) -> list[str]:
    index = at(chance, lines)
    line, place = lines[index], chance.randint(0, len(lines[index]))
    return replaced(lines, index, line[:place] + chance.choice(TOKENS) + line[place:])


@mutation
def characters_at_random(chance: random.Random, lines: list[str]) -> list[str]:
    text = list("".join(lines))
    for _ in range(chance.randint(1, 6)):
        text[chance.randrange(len(text))] = chr(chance.choice([*range(256), 0x2013, 0xD55C]))
    return "".join(text).splitlines(keepends=True)


@mutation
def bytes_at_random(chance: random.Random, lines: list[str]) -> list[str]:
    raw = bytearray("".join(lines).encode("utf-8", "surrogateescape"))
    for _ in range(chance.randint(1, 6)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    return raw.decode("utf-8", "surrogateescape").splitlines(keepends=True)


@mutation
def a_value_of_another_type(chance: random.Random, lines: list[str]) -> list[str]:
    index = at(chance, lines)
    key, colon, _ = lines[index].partition(": ")
    value = chance.choice(VALUES)
    return replaced(lines, index, f"{key}: {value}\n" if colon else f"{key.rstrip()} {value}\n")


@mutation
def a_key_that_is_unknown(chance: random.Random, lines: list[str]) -> list[str]:
    index = at(chance, lines)
    blank = lines[index][: len(lines[index]) - len(lines[index].lstrip())]
    return replaced(lines, index, lines[index], f"{blank}{chance.choice(KEYS)}: x\n")


@mutation
def a_key_misspelled(chance: random.Random, lines: list[str]) -> list[str]:
    index = at(chance, lines)
    return replaced(lines, index, re.sub(r"(\w)(\w)(?=\w*:)", r"\2\1", lines[index], count=1))


@mutation
def cut_short(chance: random.Random, lines: list[str]) -> list[str]:
    text = "".join(lines)
    return text[: chance.randrange(len(text))].splitlines(keepends=True)


@mutation
def quotes_left_open(chance: random.Random, lines: list[str]) -> list[str]:
    index = at(chance, lines)
    return replaced(lines, index, re.sub("['\"}]", "", lines[index], count=1))


@mutation
def dashes_of_a_word_processor(_: random.Random, lines: list[str]) -> list[str]:
    return [re.sub(r"(?<=\s)--?(?=\w)", "\u2013", line) for line in lines]


@mutation
def ends_of_lines_of_another_system(chance: random.Random, lines: list[str]) -> list[str]:
    end = chance.choice(["\r\n", "\r", "\x85", "\u2028"])
    return a_token_put_in(chance, [line.rstrip("\n") + end for line in lines])


@mutation
def another_file_stuck_on(chance: random.Random, lines: list[str]) -> list[str]:
    other = chance.choice(LIBRARY).read_text().splitlines(keepends=True)
    place = at(chance, lines)
    return [*lines[:place], *other, *lines[place:]]


def broken_file(chance: random.Random) -> tuple[str, bytes]:
    """A file of the library after one to three mutations, and the name of the first."""
    lines = chance.choice(LIBRARY).read_text().splitlines(keepends=True)
    chosen = [chance.choice(MUTATIONS) for _ in range(chance.randint(1, 3))]
    for mutate in chosen:
        lines = mutate(chance, lines) or ["\n"]
    return chosen[0].__name__, "".join(lines).encode("utf-8", "surrogateescape")


@dataclass
class Counts:
    """What came of the files."""

    valid: int = 0
    malformed: list[bytes] = field(default_factory=list)
    by: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ways = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in self.by.most_common())
        return (
            f"malformed {len(self.malformed)}, still valid {self.valid}, "
            f"without a clear line {len(self.wrong)} (seed {SEED}; {ways})"
        )


def complaint(said: str, file: Path, content: bytes) -> str:
    """What is wrong with an error; empty when it is one line that says where and what."""
    match = re.fullmatch(r"(.*?):(\d+):(\d+): (.+)\n", said)
    if not match:
        return "no single line with a place"
    if match[1] != str(file):
        return "" if match[1].endswith(".j2") else "the place is in another file"
    if not all(c.isprintable() for c in match[4]):
        return "it moves a terminal"
    if not SAYS_WHAT_TO_DO.search(match[4]):
        return "it does not say what was expected"
    lines = re.split("\r\n|\n|\r", content.decode("utf-8-sig", "replace"))
    row, column = int(match[2]), int(match[3])
    inside = 1 <= row <= len(lines) and 1 <= column <= len(lines[row - 1]) + 1
    return "" if inside else f"the place is not in the file of {len(lines)} lines"


@contextmanager
def nothing_may_start(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = subprocess.Popen

    def connected(*_: object, **__: object) -> None:
        raise AssertionError("somebody was asked")

    def started(words: Sequence[str], *args: Any, **how: Any) -> subprocess.Popen[bytes]:
        # For a person root reads files in a child of their ids.
        assert "lifecycle.machine" in " ".join(words), f"{words} was started"
        return real(words, *args, **how)

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", started)
        patched.setattr(socket.socket, "connect", connected)
        yield


@pytest.fixture(scope="module")
def counts() -> Counts:
    """What the first test found, for the second to choose from."""
    return Counts()


def test_every_malformed_file_is_one_clear_line(
    counts: Counts,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance, file = random.Random(SEED), tmp_path / "broken.yaml"
    while len(counts.malformed) < MALFORMED:
        way, content = broken_file(chance)
        file.write_bytes(content)
        with nothing_may_start(monkeypatch):
            code = main(["check", str(file)])
        out, err = capfd.readouterr()
        if code == 0:
            counts.valid += 1
            continue
        counts.malformed.append(content)
        counts.by[way] += 1
        wrong = "exit code" if code != 4 or out else complaint(err, file, content)
        counts.wrong += [f"{wrong}: {err}"] if wrong else []
    with capfd.disabled():
        sys.stdout.write(f"\n{counts}\n")
    assert counts.wrong == []


def test_a_run_of_malformed_files_starts_nothing(
    counts: Counts, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Through ``lifecycle run``, beside an engine address at which nobody may knock."""
    place, step = Place(tmp_path), max(1, len(counts.malformed) // THROUGH_RUN)
    sample = counts.malformed[::step][:THROUGH_RUN]
    assert len(sample) == THROUGH_RUN
    with socket.socket(socket.AF_UNIX) as engine:
        address = tmp_path / "docker.sock"
        engine.bind(str(address))
        engine.listen()
        engine.setblocking(False)
        place.environ["DOCKER_HOST"] = f"unix://{address}"
        for content in sample:
            (tmp_path / "broken.yaml").write_bytes(content)
            ran = place.run(str(tmp_path / "broken.yaml"))
            assert (ran.exit_code, ran.out) == (4, ""), ran.said
            assert complaint(ran.err, tmp_path / "broken.yaml", content) == ""
        with pytest.raises(BlockingIOError):
            engine.accept()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken.yaml", "docker.sock"]
    with capfd.disabled():
        sys.stdout.write(f"\nthrough `lifecycle run`: {len(sample)}, started anything: 0\n")
