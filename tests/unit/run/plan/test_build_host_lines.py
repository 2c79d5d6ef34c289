"""Before anything runs: what a line does about the engine is said, or the line is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.cli import main
from tests.unit.run.conftest import Planner

Wrong = Callable[..., tuple[str, str]]
PERMITTED = "or `engine: as-written` in the scenario"
AS_WRITTEN = "scenario: s\nengine: as-written\nsteps:\n"


@pytest.mark.parametrize(
    ("step", "place", "word"),
    [
        ("env -i docker ps", "3:3", "`env` starts what follows without DOCKER_HOST"),
        ("timeout 20 sudo -E docker rm x", "3:14", "`sudo` runs what follows as somebody else"),
        ("podman rm x", "3:3", "`podman` is another engine's tool"),
        ("bash -c 'unset DOCKER_HOST; ls'", "3:11", "`DOCKER_HOST` chooses another engine"),
        ("env docker --context x ps", "3:14", "`--context` chooses another engine"),
        ("docker run -v /run:/r img", "3:17", "`/run` gives the engine's own socket"),
        ("docker run --use-api-socket img", "3:14", "`--use-api-socket` gives the engine's own"),
        ("{command: bash, stdin: 'sudo ls'}", "3:13", "`sudo` runs what follows"),
        (
            "{command: ./x, dialogue: [{expect: a, send: sudo -s}]}",
            "3:13",
            "`sudo` runs what follows as somebody else",
        ),
    ],
)
def test_a_line_that_gets_round_the_gate_is_refused_at_its_word_with_what_to_write(
    wrong: Wrong, step: str, place: str, word: str
) -> None:
    at, said = wrong(f"- {step}\n")
    assert (at, said.startswith(word)) == (place, True), said
    assert "so it gets round the gate" in said
    assert "; expected " in said
    assert said.endswith(PERMITTED)


MISTAKES = {
    "$ docker run -d img": ("`$`, a shell's prompt", "docker run -d img"),
    "'# docker ps'": ("`#`, a shell's prompt", "docker ps"),
    "kim@gpu1:~$ docker ps": ("`kim@gpu1:~$`, a shell's prompt", "docker ps"),
    "'[kim@gpu1 ~]$ docker ps'": ("`[kim@gpu1 ~]$`, a shell's prompt", "docker ps"),
    "'> docker ps'": ("`>`, a shell's prompt", "docker ps"),
    "dokcer run img": ("`dokcer` is no command", "docker run img"),
    "Docker ps": ("`Docker` is no command", "docker ps"),
    "'\"docker ps\"'": ("the whole line is one word", "docker ps"),
}


@pytest.mark.parametrize("head", ["scenario: s\nsteps:\n", AS_WRITTEN])
@pytest.mark.parametrize("step", MISTAKES)
def test_a_mistake_is_refused_with_the_right_line_whatever_the_scenario_says(
    wrong: Wrong, head: str, step: str
) -> None:
    at, said = wrong(f"{head}- {step}\n")
    found, corrected = MISTAKES[step]
    quoted = step.startswith("'\"")
    assert at == f"{len(head.splitlines()) + 1}:{4 if quoted else 3}"
    assert said.startswith(found), said
    assert said.endswith(f"; write: {corrected}"), said


def test_with_the_key_a_line_that_gets_round_runs_and_says_so(planned: Planner) -> None:
    plan = planned(f"{AS_WRITTEN}- sudo id\n- docker run -v /:/h img\n- docker ps\n- id\n")
    kinds = [s.host_line.kind if s.host_line else "" for s in plan.steps]
    assert kinds == ["around", "around", "", "plain"]
    assert ["permits it" in s.note for s in plan.steps] == [True, True, False, False]


def test_a_step_that_is_skipped_is_not_refused(planned: Planner) -> None:
    (step,) = planned("- {command: sudo id, when: 'false'}\n").steps
    assert not step.when


def test_what_is_typed_into_a_shell_of_this_machine_is_a_line_too(
    planned: Planner, wrong: Wrong
) -> None:
    host = "- {command: bash, opens: here}\n"
    at, said = wrong(f"{host}- {{type: sudo ls, in: here}}\n")
    assert (at, said[:6]) == ("4:3", "`sudo`")
    wrong(f"{host}- type: ls; su -c id\n")
    planned(f"{host}- type: ls su\n")
    planned("- docker run -ti --name box img\n- {type: sudo ls, in: box}\n")


SCRIPT = """\
- {write: clean.sh, content: "export DOCKER_HOST=tcp://gpu2:2375"}
- bash ./clean.sh
"""


def test_a_script_that_the_scenario_writes_is_read_where_a_step_runs_it(
    planned: Planner, wrong: Wrong
) -> None:
    at, said = wrong(SCRIPT)
    assert at == "4:3"
    assert said.startswith("in ./clean.sh, `DOCKER_HOST` chooses another engine"), said
    assert said.endswith(PERMITTED)
    *_, ran = planned(f"scenario: s\nengine: as-written\nsteps:\n{SCRIPT}").steps
    assert "permits it" in ran.note
    planned("- {write: clean.sh, content: 'docker ps'}\n- bash clean.sh\n")
    planned("- bash clean.sh\n- {write: clean.sh, content: 'sudo ls'}\n")


def test_another_value_of_the_key_names_the_one_there_is(wrong: Wrong) -> None:
    _, said = wrong("scenario: s\nengine: aswritten\nsteps: [docker ps]\n")
    assert "one of as-written" in said
    assert "write: engine: as-written" in said


LINES = """\
scenario: s
engine: as-written
steps:
  - docker ps
  - mkdir work
  - env docker ps
  - ./run.sh
  - sudo id
"""
TOLD = [
    (6, "docker stands behind `env`: what it asks of the engine goes through the gate"),
    (7, "`run.sh` is not docker: what it asks of the engine goes through the gate"),
    (8, "`sudo` runs what follows as somebody else"),
]


def test_check_says_below_ok_what_each_line_that_is_not_docker_will_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(LINES)
    assert main(["check", str(file)]) == 0
    ok, *notes = capsys.readouterr().out.splitlines()
    assert ok == f"{file}: ok"
    assert len(notes) == len(TOLD)
    for note, (line, said) in zip(notes, TOLD, strict=True):
        assert note.startswith(f"{file}:{line}: {said}"), note


def test_a_dry_run_says_it_below_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(LINES)
    assert main(["run", "--dry-run", str(file)]) == 0
    said = capsys.readouterr().out.splitlines()
    after = said[said.index("  3. env docker ps") + 1]
    assert after.startswith("       docker stands behind `env`")
    assert said[said.index("  2. mkdir work") + 1] == "  3. env docker ps"


def test_no_scenario_of_the_library_has_anything_to_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "scenarios"]) == 0
    assert all(line.endswith(": ok") for line in capsys.readouterr().out.splitlines())
