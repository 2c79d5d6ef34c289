"""Reading a scenario takes time in proportion to its size, or is refused in a sentence.

Time is what this process used of a CPU, so that a machine that is busy changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.cli import main
from lifecycle.scenario.expressions import MAX_HOLES

SECONDS = 20.0
"""What a file of 1 MiB may take; most take a tenth of it."""
STEPS = "scenario: s\nsteps:\n"
BUILD = f"{STEPS}  - {{write: dockerfile, template: t.j2}}\n  - docker build -t a -f dockerfile .\n"


def run(words: str) -> str:
    return f"{STEPS}  - docker run img {words}\n"


def flags(words: str) -> str:
    return f"{STEPS}  - docker run {words} img\n"


LARGE: dict[str, tuple[str, str]] = {
    "a long word": (run("a" * 900_000), ""),
    "a long word in double quotes": (run('"' + "a" * 900_000 + '"'), ""),
    "a long word in single quotes": (f"{STEPS}  - \"docker run img '{'a$' * 400_000}'\"\n", ""),
    "a word that looks like a pattern": (run("{a" * 300_000), ""),
    "many words": (run("a " * 400_000), ""),
    "many pasted values": (run("$PWD" * 20_000), ""),
    "many options": (flags("-e A=b " * 100_000), ""),
    "many volumes": (flags(" ".join(f"-v /a:/b{n}" for n in range(50_000))), ""),
    "many names": (STEPS + "  - docker rm " + " ".join(f"a{n}" for n in range(100_000)) + "\n", ""),
    "many continued lines": (STEPS + "  - |\n    docker run img " + "\\\n    " * 150_000, ""),
    "many steps": (STEPS + "  - docker ps\n" * 18_000, ""),
    "many containers": (
        STEPS + "".join(f"  - docker run -d --name=c{n} img a\n" for n in range(18_000)),
        "",
    ),
    "chained variables": (
        "scenario: s\nvars:\n  a0: x\n"
        + "".join(f"  a{n}: ${{{{ a{n - 1} }}}}\n" for n in range(1, 9_000))
        + "steps: [docker ps]\n",
        "",
    ),
    "many holes": (run("${{ me.name }}" * 9_900), ""),
    "a long Dockerfile": (BUILD, "FROM debian\n" + "RUN echo a\n" * 95_000),
    "a Dockerfile of empty lines": (BUILD, "FROM debian\n" + "\n" * 1_000_000),
    "a Dockerfile of continued lines": (BUILD, "FROM debian\nRUN a " + "\\\n" * 500_000),
    "a Dockerfile of stages": (
        BUILD,
        "".join(f"FROM debian AS a{n}\n" for n in range(40_000)),
    ),
    "empty lines that a step writes": (
        BUILD.replace("template: t.j2", 'content: "%s"' % ("\\n" * 450_000)),
        "",
    ),
}


@pytest.mark.parametrize("large", LARGE)
def test_a_file_of_a_mebibyte_is_checked_in_seconds(large: str, tmp_path: Path) -> None:
    scenario, template = LARGE[large]
    (tmp_path / "a.yaml").write_text(scenario)
    (tmp_path / "t.j2").write_text(template)
    begun = time.process_time()
    assert main(["check", str(tmp_path / "a.yaml")]) in {0, 4}
    assert time.process_time() - begun < SECONDS


def test_an_env_file_of_a_mebibyte_is_read_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "e").write_text("".join(f"A{n}=b\n" for n in range(100_000)))
    begun = time.process_time()
    assert main(["promises", "--", "docker", "run", "--env-file", str(tmp_path / "e"), "img"]) == 0
    assert time.process_time() - begun < SECONDS


SCALED: dict[str, Callable[[int], str]] = {
    "a word": lambda n: run("a" * n),
    "quoted": lambda n: run('"' + "a" * n + '"'),
    "dollars": lambda n: run("$ " * (n // 2)),
    "names": lambda n: STEPS + "  - docker rm " + "ab " * (n // 3) + "\n",
}


@pytest.mark.parametrize("kind", SCALED)
def test_four_times_as_much_takes_no_sixteen_times_as_long(kind: str, tmp_path: Path) -> None:
    def seconds(size: int) -> float:
        (tmp_path / "a.yaml").write_text(SCALED[kind](size))
        best = []
        for _ in range(2):
            begun = time.process_time()
            main(["check", str(tmp_path / "a.yaml")])
            best.append(time.process_time() - begun)
        return min(best)

    assert seconds(240_000) < 9 * seconds(60_000)


@pytest.mark.parametrize(
    "scenario",
    [
        run("${{ me.name }}" * (MAX_HOLES + 1)),
        run(" ${{ me.name }}" * (MAX_HOLES + 1)),
        f"scenario: s\nvars: {{a: '{'${{ 1 }}' * (MAX_HOLES + 1)}'}}\nsteps: [docker ps]\n",
    ],
    ids=["in a word", "in words", "in a variable"],
)
def test_more_expressions_than_anybody_needs_are_refused_in_a_sentence(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(scenario)
    begun = time.process_time()
    assert main(["check", str(tmp_path / "a.yaml")]) == 4
    said = "".join(capsys.readouterr())
    assert f"more than {MAX_HOLES} `${{{{ }}}}`; expected fewer in one file" in said
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("deep", ["(" * 480 + "1" + ")" * 480, "[" * 450 + "]" * 450])
def test_an_expression_too_deep_is_a_sentence(
    deep: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(f"scenario: s\nvars: {{a: '${{{{ {deep} }}}}'}}\nsteps: [ls]")
    assert main(["check", str(tmp_path / "a.yaml")]) == 4
    assert "too deeply nested" in "".join(capsys.readouterr())
