"""A written name where no name is replaced is refused before anything runs, with what to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.cli import main
from tests.unit.run.conftest import RUN, Planner

Wrong = Callable[..., tuple[str, str]]
MADE = """\
- docker build -t me/test .
- docker volume create data
- docker network create net
- docker run -d --name=my_c me/test
"""
HIDDEN = {
    "bash -c 'docker exec my_c ls'": "${{ container('my_c') }}",
    "bash -c 'docker save me/test | gzip > t.tgz; ls -l t.tgz'": "${{ image('me/test') }}",
    "bash -c 'docker run me/test:latest'": "${{ image('me/test:latest') }}",
    "sh -c 'true && docker cp my_c:/etc/hosts .'": "${{ container('my_c') }}",
    "env docker rm -f my_c": "${{ container('my_c') }}",
    "timeout 5 /usr/bin/docker logs my_c": "${{ container('my_c') }}",
    "bash -c 'docker run --rm -v data:/d img ls /d'": "${{ volume('data') }}",
    "bash -c 'docker run --rm --network net img'": "${{ network('net') }}",
    "bash -c 'docker run --network container:my_c img'": "${{ container('my_c') }}",
    "bash -c 'docker inspect me/test || true'": "${{ image('me/test') }}",
    "bash -c 'echo \"$(docker port my_c)\"'": "${{ container('my_c') }}",
    "bash -c 'id=\"$(docker port my_c)\"; echo $id'": "${{ container('my_c') }}",
    "{command: bash, stdin: docker stop my_c}": "${{ container('my_c') }}",
    "{command: ./x, dialogue: [{expect: a, send: docker rm my_c}]}": "${{ container('my_c') }}",
}


@pytest.mark.parametrize("step", HIDDEN)
def test_it_says_at_the_name_what_to_write(wrong: Wrong, step: str) -> None:
    at, said = wrong(f"{MADE}- {step}\n")
    assert at.startswith("7:"), at
    assert "a step before makes it under a name of the run's own" in said
    assert "or a run with --as-written" in said
    assert said.endswith(f"; write: {HIDDEN[step]}"), said


def test_the_place_is_that_of_the_name(wrong: Wrong) -> None:
    at, _ = wrong(f"{MADE}- bash -c 'docker exec my_c ls'\n")
    assert at == "7:24"


SCRIPT = """\
- write: run.sh
  content: |
    set -e
    docker exec my_c ls
"""
RUNS = ("bash run.sh", "./run.sh", "timeout 60 sh -e run.sh", "bash -c '. ./run.sh'")


@pytest.mark.parametrize("line", RUNS)
def test_a_script_that_the_scenario_writes_is_read_where_it_is_run(wrong: Wrong, line: str) -> None:
    at, said = wrong(f"{MADE}{SCRIPT}- {line}\n")
    assert at == "10:17"
    assert "run.sh: a step before makes it" in said
    assert said.endswith("; write: ${{ container('my_c') }}")


def test_a_makefile_and_a_template_are_read_too(wrong: Wrong) -> None:
    makefile = '- {write: Makefile, content: "all:\\n\\tdocker rm my_c\\n"}\n- make\n'
    assert wrong(f"{MADE}{makefile}")[1].endswith("write: ${{ container('my_c') }}")
    template = "- {write: run.sh, template: run.j2}\n- sh run.sh\n"
    _, said = wrong(f"{MADE}{template}", run="docker rm my_c\n")
    assert said.endswith("write: {{ container('my_c') }}")


def test_what_is_typed_into_a_shell_of_this_machine_is_read_too(wrong: Wrong) -> None:
    at, said = wrong(f"{MADE}- {{command: bash, opens: here}}\n- type: docker rm my_c\n")
    assert (at, "in what is typed" in said) == ("8:19", True)


def test_sudo_hides_a_name_as_well(wrong: Wrong) -> None:
    steps = f"scenario: s\nengine: as-written\nsteps:\n{MADE}- bash -c 'sudo docker exec my_c ls'\n"
    assert wrong(steps)[1].endswith("write: ${{ container('my_c') }}")


@pytest.mark.parametrize(
    "steps",
    [
        "- bash -c \"docker exec ${{ container('my_c') }} ls\"",
        "- bash -c 'docker exec ${{ container('my_c') }} ls my_c'",
        "- bash -c \"docker run ${{ image('me/test') }} true\"",
        "- bash -c 'docker ps -a | grep my_c'",
        "- bash -c 'echo docker rm my_c'",
        "- bash -c 'docker pull debian; docker run debian'",
        "- {command: \"bash -c 'docker rm my_c'\", when: 'false'}",
        "- {command: cat, stdin: docker rm my_c}",
        "- {write: run.sh, content: docker rm my_c}\n- cat run.sh",
        "- {write: run.sh, content: \"docker rm ${{ container('my_c') }}\"}\n- sh run.sh",
        '- {write: run.sh, content: "# docker rm my_c"}\n- sh run.sh',
        "- docker exec my_c sh -c 'docker rm my_c'",
        "- bash -c 'docker rm -f later || true'\n- docker run -d --name=later img",
    ],
)
def test_what_names_nothing_by_its_written_name_is_left(planned: Planner, steps: str) -> None:
    planned(f"{MADE}{steps}\n")


def test_with_names_as_written_there_is_nothing_to_say(planned: Planner) -> None:
    planned(f"{MADE}- bash -c 'docker exec my_c ls'\n", as_written=True)


def test_the_calls_give_the_real_names(planned: Planner) -> None:
    calls = "${{ container('my_c') }} ${{ image('me/test') }} ${{ volume('data') }}"
    plan = planned(f"{MADE}- bash -c \"docker x {calls} ${{{{ network('net') }}}}\"\n")
    assert plan.steps[-1].words[-1] == (
        f"docker x my_c-{RUN} me/test-{RUN}:latest data-{RUN} net-{RUN}"
    )


def test_check_and_a_dry_run_say_it_with_exit_code_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"scenario: s\nsteps:\n{MADE}- bash -c 'docker exec my_c ls; true'\n")
    assert main(["check", str(file)]) == 4
    assert f"{file}:7:24: the container `my_c`" in capsys.readouterr().err
    assert main(["run", "--dry-run", str(file)]) == 4
    assert f"{file}:7:24: the container `my_c`" in capsys.readouterr().err
    assert main(["check", "--as-written", str(file)]) == 0
    assert main(["run", "--as-written", "--dry-run", str(file)]) == 0


NAMED_ALIKE = """\
scenario: s
vars:
  image: ${{ me.name }}/test
  container: my_c
  volume: [data]
  later: ${{ container }}
steps:
  - docker build -t ${{ image }} .
  - docker run --name=${{ container }} -v ${{ volume[0] }}:/d ${{ image }}
  - bash -c "docker rm ${{ container(container) }} ${{ image(image) }} ${{ volume(volume[0]) }}"
  - {write: f, content: "${{ image(image) }} ${{ image }} ${{ later }}"}
  - {write: g, template: names.j2}
"""


def test_a_variable_named_as_a_function_and_the_function_are_both_there(planned: Planner) -> None:
    template = "{{ image(image) }} {{ image }} {{ container(later) }}"
    *_, run, line, written, by_template = planned(NAMED_ALIKE, names=template).steps
    assert run.words[-1] == "kim/test"
    real = f"kim/test-{RUN}:latest"
    assert line.words[-1] == f"docker rm my_c-{RUN} {real} data-{RUN}"
    assert written.content == f"{real} kim/test my_c"
    assert by_template.content == f"{real} kim/test my_c-{RUN}"


def test_a_function_that_is_not_called_is_an_error_with_the_call(wrong: Wrong) -> None:
    for name in ("image", "container", "volume", "network"):
        at, said = wrong(f"- echo ${{{{ {name} }}}}\n")
        assert at == "3:8"
        assert "the function must be called" in said
        assert said.endswith(f"write: ${{{{ {name}('NAME') }}}}")


def test_no_expression_reaches_a_function_by_another_name(wrong: Wrong) -> None:
    _, said = wrong("- echo ${{ _image('x') }}\n")
    assert "`_image` is private" in said
    _, said = wrong("- {write: f, template: names.j2}\n", names="{{ _image('x') }}")
    assert "private" in said
