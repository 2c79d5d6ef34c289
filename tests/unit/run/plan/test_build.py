"""A scenario is rendered, parsed and promised before anything runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lifecycle.command.line import Ref
from lifecycle.command.name_map import Unnamed
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.scenario.model import Fails
from tests.unit.run.conftest import RUN, Planner

First = Callable[..., PlannedStep]
Wrong = Callable[..., tuple[str, str]]
TI = "- docker run -ti --name my_test_c me/test\n"


# -- rendering ------------------------------------------------------------------------------


def test_a_command_is_split_first_and_rendered_second(planned: Planner) -> None:
    text = """\
scenario: s
vars:
  image: ${{ me.name }}/test
  odd: "two words; $(x)"
  many: [-e, A=1]
steps:
  - docker run ${{ many }} -v "$(pwd)":/w -e B=${{ odd }} ${{ image }} echo '${{ odd }}'
"""
    (step,) = planned(text).steps
    work = step.words[5].partition(":")[0]
    assert step.words == (
        *("docker", "run", "-e", "A=1", "-v", f"{work}:/w", "-e", "B=two words; $(x)"),
        *("kim/test", "echo", "two words; $(x)"),
    )
    assert step.command.endswith("'B=two words; $(x)' kim/test echo 'two words; $(x)'")


def test_everything_of_a_step_is_rendered(planned: Planner) -> None:
    text = """\
scenario: s
vars: {who: "${{ me.name }}", cont: box}
steps:
  - command: docker run -ti --name ${{ cont }} me/test
    opens: ${{ cont }}-shell
    expect: {inside: {user: "${{ who }}", files: {"/home/${{ who }}": {owner: "${{ me.uid }}"}}}}
  - command: docker exec -i ${{ cont }} passwd ${{ who }}
    dialogue: [{expect: "for ${{ who }}", send: "${{ secret.password }}"}]
    stdin: "${{ secret.password }}"
    fails: {exit: [1, 10], output: "no ${{ who }}"}
  - type: echo ${{ who }}
    in: ${{ cont }}-shell
  - check: {container: {running: true}}
    on: ${{ cont }}
    when: ${{ who == 'lee' }}
  - write: ${{ who }}.conf
    content: "name = ${{ who }}"
    mode: ${{ '0640' }}
"""
    run, execute, typed, check, write = planned(text).steps
    assert run.opens == "box-shell"
    assert run.expect["inside"]["user"] == "kim"
    assert run.expect["inside"]["files"] == {"/home/kim": {"owner": "1500"}}
    assert execute.dialogue[0].expect == "for kim"
    assert execute.dialogue[0].send == execute.stdin == "s3cret-word"
    assert execute.fails == Fails(exit=(1, 10), output="no kim")
    assert (typed.typed, typed.step.in_) == ("echo kim", "box-shell")
    assert (check.container, check.when) == ("box", False)
    assert (write.step.write, write.content, write.step.mode) == ("kim.conf", "name = kim", "0640")
    assert [s.step.mark.line for s in (run, write)] == [4, 16]


def test_a_template_sees_what_a_command_sees(first: First) -> None:
    step = first(
        "- write: dockerfile\n  template: user.j2\n",
        user="FROM {{ lab.base_image }}\nUSER {{ me.name }}\n",
    )
    assert step.content == "FROM debian:bookworm\nUSER kim\n"


def test_the_run_chooses_its_ports(first: First) -> None:
    step = first("- docker run -p ${{ run.port(8080) }}:80 me/test\n")
    assert "8081:80" in step.words


def test_a_mode_that_renders_to_none_is_refused(wrong: Wrong) -> None:
    _, said = wrong("- write: a\n  content: x\n  mode: ${{ me.name }}\n")
    assert said == "mode: found `kim`; expected a file mode in octal digits"


# -- names ----------------------------------------------------------------------------------


def test_image_and_container_give_the_real_names(planned: Planner) -> None:
    text = """\
scenario: s
vars: {tag: me/test}
steps:
  - docker build -t ${{ tag }} .
  - docker run -d --name box ${{ tag }} sh -c '${{ image(tag) }} ${{ container("box") }}'
  - write: compose
    template: names.j2
"""
    plan = planned(text, names="{{ image('me/test') }} {{ container('box') }} {{ image('other') }}")
    _, run, write = plan.steps
    assert run.words[-1] == f"me/test-{RUN}:latest box-{RUN}"
    assert write.content == f"me/test-{RUN}:latest box-{RUN} other:latest"
    assert plan.names.real(Ref("container", "box")) == f"box-{RUN}"


def test_as_written_leaves_names_as_they_are(planned: Planner) -> None:
    plan = planned(
        "- docker run -d --name box me/test echo ${{ container('box') }}\n", as_written=True
    )
    assert plan.steps[0].words[-1] == "box"


@pytest.mark.parametrize(
    "line",
    [
        "FROM me/test",
        "FROM me/test:latest AS base",
        "from --platform=linux/amd64 me/test",
        "ARG A=1\n  FROM me/test",
    ],
)
def test_a_literal_from_of_a_tag_that_has_another_name_is_caught(wrong: Wrong, line: str) -> None:
    place, said = wrong(
        "- docker build -t me/test .\n- write: dockerfile\n  template: from.j2\n",
        **{"from": f"{line}\nRUN true\n"},
    )
    assert place == "4:3"
    assert said.startswith("the file is FROM me/test")
    assert "write: FROM ${{ image('me/test" in said


@pytest.mark.parametrize(
    "content", ["FROM debian:bookworm", "FROM ${{ image('me/test') }}", "RUN echo FROM me/test"]
)
def test_another_from_is_fine(planned: Planner, content: str) -> None:
    planned(f'- docker build -t me/test .\n- write: d\n  content: "{content}"\n')


def test_a_dockerfile_that_an_earlier_step_writes_is_read_for_its_user(planned: Planner) -> None:
    text = """\
- write: sub/dockerfile
  content: "FROM debian\\nUSER kim\\n"
- docker build -t me/test -f sub/dockerfile .
"""
    _, build = planned(text).steps
    assert [p.expected for p in build.promises if p.field == "image.user"] == ["kim"]


@pytest.mark.parametrize(
    ("command", "container"),
    [
        ("docker run -d --name box me/test", "box"),
        ("docker run -d me/test", Unnamed(1)),
        ("docker exec box ls", "box"),
        ("docker cp box:/a b", "box"),
        ("docker stop box other", "box"),
        ("docker images", ""),
        ("id", ""),
    ],
)
def test_the_container_that_a_step_is_about(first: First, command: str, container: str) -> None:
    assert first(f"- {command}\n").container == container


def test_on_says_which_container_is_meant(first: First) -> None:
    assert first("- command: docker images\n  on: box\n").container == "box"


# -- terminals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "opened"),
    [
        ("docker run -ti --name box me/test", "box"),
        ("docker run -it --gpus all --name=box me/test", "box"),
        ("docker run -ti --name box me/test bash", "box"),
        ("docker run -ti --name box me/test /bin/sh", "box"),
        ("docker run -ti me/test", Unnamed(1)),
        ("docker run -ti --name box me/test bash -l", ""),
        ("docker run -ti --name box me/test nvidia-smi", ""),
        ("docker run -tid --name box me/test", ""),
        ("docker run -ti -d --name box me/test bash", ""),
        ("docker run -t --name box me/test", ""),
        ("docker run -i --name box me/test", ""),
        ("docker run --name box me/test", ""),
        ("docker create -ti --name box me/test", ""),
        ("docker exec -ti box bash", "box"),
        ("docker exec -u 0 -ti box zsh", "box"),
        ("docker exec -ti box passwd", ""),
        ("docker exec -ti box bash -c ls", ""),
        ("docker exec -t box bash", ""),
        ("docker attach box", "box"),
        ("docker start -ai box", "box"),
        ("docker start -a box", "box"),
        ("docker start box", ""),
        ("docker logs -t box", ""),
        ("docker stop -t 1 box", ""),
        ("id", ""),
    ],
)
def test_which_lines_leave_a_terminal_open(first: First, command: str, opened: str) -> None:
    step = first(f"- {command}\n")
    assert step.opens == opened
    assert step.on_terminal or not opened


@pytest.mark.parametrize(
    ("step", "opened", "on_terminal"),
    [
        ("command: docker run -ti --name box me/test\n  opens: false", "", True),
        ("command: docker run -ti --name box me/test\n  opens: other", "other", True),
        ("command: docker exec -ti box top\n  opens: top", "top", True),
        (
            "command: docker run -ti --name box me/test\n  dialogue: [{expect: x, send: y}]",
            "",
            True,
        ),
        ("command: docker exec box passwd\n  dialogue: [{expect: x, send: y}]", "", True),
        ("command: docker exec -ti box passwd", "", True),
        ("command: docker exec box ls", "", False),
        ("command: docker run -td --name box me/test", "", False),
        ("command: docker stop -t 1 box", "", False),
    ],
)
def test_what_the_author_says_of_a_terminal_counts(
    first: First, step: str, opened: str, on_terminal: object
) -> None:
    planned = first(f"- {step}\n")
    assert (planned.opens, planned.on_terminal) == (opened, on_terminal)


def test_the_window_of_a_terminal_is_as_written_or_roomy(planned: Planner) -> None:
    lines = f"{TI}- {{command: docker attach my_test_c, window: 80x24, opens: small}}\n"
    assert [str(s.window) for s in planned(lines).steps] == ["120x40", "80x24"]


def test_the_window_of_a_command_without_a_terminal_is_refused(wrong: Wrong) -> None:
    place, said = wrong("- {command: docker ps, window: 80x24}\n")
    assert place == "3:3"
    assert said.startswith("`window` of a command that has no terminal; expected a command on")


def test_a_terminal_that_no_step_opens_is_named_with_the_nearest_one(wrong: Wrong) -> None:
    place, said = wrong(f"{TI}- type: ls\n  in: my_test_d\n")
    assert place == "4:3"
    assert said == (
        "no step before opens a terminal named `my_test_d`; expected one of my_test_c; "
        "write: in: my_test_c"
    )


def test_a_terminal_must_be_open_before_it_is_typed_into(wrong: Wrong) -> None:
    assert "nothing to type into" in wrong(f"- type: ls\n{TI}")[1]
    assert "expected a `docker run -ti` before it" in wrong(f"- type: ls\n  in: my_test_c\n{TI}")[1]


# -- GPUs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--gpus all", "--gpus=all", "--gpus '\"device=0,1\"'"])
def test_without_gpus_the_rest_of_the_line_stays(first: First, flag: str) -> None:
    step = first(
        f"- docker run -ti {flag} --name box me/test\n".replace("'\"", "'\"").replace("\\", "")
    )
    assert step.needs_gpu
    bare = step.without_gpus()
    assert bare.words == ("docker", "run", "-ti", "--name", "box", "me/test")
    assert not bare.needs_gpu
    assert bare.line is not None
    assert bare.line.words == bare.words
    assert not any(p.field.startswith("container.gpus") for p in bare.promises)
    assert len(bare.promises) == len(step.promises) - 2
    assert (bare.opens, bare.container) == (step.opens, "box")


def test_a_step_without_gpus_stays_as_it_is(first: First) -> None:
    step = first("- command: docker run -d me/test\n  gpu: required\n")
    assert step.needs_gpu
    assert step.without_gpus().words == step.words
    assert not step.without_gpus().needs_gpu


# -- secrets --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("docker run -e P=s3cret-word me/test", "5:17"),
        ("echo s3cret-word", "5:8"),
        ("docker run ${{ ['-e', 's3cret-word'] }} me/test", "5:14"),
        ("docker exec box sh -c 'echo czNjcmV0LXdvcmQ= | base64 -d | passwd'", "5:25"),
    ],
)
def test_a_secret_written_into_a_command_is_refused_where_it_stands(
    wrong: Wrong, command: str, place: str
) -> None:
    used = "- command: docker exec -i box passwd\n  stdin: ${{ secret.password }}\n"
    found, said = wrong(f"{used}- {command}\n")
    assert found == place
    assert said == (
        "a secret stands in a command, where everyone on the machine can read it; "
        'expected the secret in dialogue, type, stdin, or a write with mode: "0600"'
    )


@pytest.mark.parametrize(
    "where", ["docker exec box echo ${{ hidden }}", "{write: a, template: t.j2}"]
)
def test_a_secret_that_a_variable_brings_to_where_others_read_is_refused(
    wrong: Wrong, where: str
) -> None:
    head = "scenario: s\nvars: {hidden: '${{ secret.password }}'}\nsteps:\n"
    assert "a secret in a " in wrong(f"{head}- {where}\n", t="{{ hidden }}")[1]


def test_a_secret_in_a_private_file_is_fine(first: First) -> None:
    step = first("- write: a\n  content: ${{ secret.password }}\n  mode: '0600'\n")
    assert step.content == "s3cret-word"


# -- the order and the limits ---------------------------------------------------------------


def test_finally_comes_last_and_is_counted_on(planned: Planner) -> None:
    plan = planned("scenario: s\nsteps: [docker ps, docker images]\nfinally: [docker version]\n")
    assert [s.index for s in plan.steps] == [0, 1, 2]
    assert [s.command for s in plan.of("finally")] == ["docker version"]
    assert len(plan.of("steps")) == 2


@pytest.mark.parametrize(
    ("step", "limit"),
    [
        ("docker ps", 60.0),
        ("docker pull debian", 900.0),
        ("docker build -t me/x .", 900.0),
        ("{command: docker pull debian, timeout: 5s}", 5.0),
        ("sleep 1", 60.0),
    ],
)
def test_a_command_has_a_limit(first: First, step: str, limit: float) -> None:
    assert first(f"- {step}\n").limit == limit


def test_a_step_that_takes_a_list_is_called_by_all_its_words(planned: Planner) -> None:
    (step,) = planned("- docker run ${{ ['-e', 'A=1 2'] }} me/test\n").steps
    assert step.title == "docker run -e 'A=1 2' me/test"


def test_a_step_is_called_by_its_name_or_by_what_it_does(planned: Planner) -> None:
    named, bare, write = planned(
        "- {name: Run it, command: docker ps}\n"
        "- docker  run   ${{ me.name }}/test\n"
        "- {write: a, content: x}\n"
    ).steps
    assert [s.title for s in (named, bare, write)] == ["Run it", "docker run kim/test", "write a"]
    assert write.command == "write a"
