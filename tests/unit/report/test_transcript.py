"""``transcript.sh`` runs the commands as typed in bash, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lifecycle.report.bounds import prepare
from lifecycle.report.model import RunReport
from lifecycle.report.transcript import render_transcript
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import FAILED, HOSTILE_NAMES, PASSED, hostile, report

FAKE_DOCKER = '#!/bin/bash\nprintf \'%s\\n\' "$#" "$@" >> "$0.log"\n'


def transcript(run: RunReport) -> str:
    """The transcript of a run."""
    return render_transcript(prepare(run))


def run_in_bash(text: str, folder: Path) -> str:
    """Run a transcript where ``docker`` only writes down its arguments; return those."""
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(FAKE_DOCKER)
    docker.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    script = folder / "transcript.sh"
    script.write_text(text)
    done = subprocess.run(
        ["/bin/bash", str(script)],
        cwd=work,
        env={"PATH": str(docker.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert list(work.iterdir()) == []
    return docker.with_name("docker.log").read_text()


def test_commands_are_as_typed_and_told_with_their_results() -> None:
    lines = transcript(report(*FAILED)).splitlines()
    assert "docker run -ti --name=my_test_c -v '/mnt/my nas:/workspace' me/test" in lines
    assert "# scenarios/my-env.yaml:15 Run it [failed, 1.4 s]" in lines
    assert "# cause: The NAS is mounted read-only on this server" in lines


def test_what_did_not_run_or_is_no_command_is_a_comment() -> None:
    lines = transcript(report(*FAILED)).splitlines()
    for told in ("docker exec my_test_c nvidia-smi", "docker stop my_test_c", "write: dockerfile"):
        assert f"# {told}" in lines
        assert told not in lines


def test_bash_runs_the_commands_that_ran(tmp_path: Path) -> None:
    log = run_in_bash(transcript(report(*FAILED)), tmp_path)
    assert log.splitlines() == [
        *("2", "pull", "python:3.12"),
        *("6", "run", "-ti", "--name=my_test_c", "-v", "/mnt/my nas:/workspace", "me/test"),
    ]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_bash_runs_nothing_that_a_hostile_name_holds(name: str, tmp_path: Path) -> None:
    steps = [PASSED[0].to_json(), *hostile(name).scenarios[0].steps]
    told = hostile(name).scenarios[0]
    run = report(run=name, scenarios=[type(told)(name, name, steps)], subject={"name": name})
    assert run_in_bash(transcript(run), tmp_path).startswith("2\npull\npython:3.12\n")


def test_a_command_that_was_cut_is_not_run(tmp_path: Path) -> None:
    step = StepResult("Long", 1, command=f"docker run {'x' * 10_000}", ran=True)
    assert run_in_bash(transcript(report(PASSED[0], step)), tmp_path) == "2\npull\npython:3.12\n"
