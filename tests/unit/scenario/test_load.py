"""A scenario file becomes a model, or one error with its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.load import load, loads
from lifecycle.scenario.recognise import is_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[[str], tuple[str, str]]

STEPS = "scenario: x\nsteps:\n"


def test_the_example_has_its_steps_kinds_and_places(example: str) -> None:
    scenario = loads(example, "here.yaml")
    assert scenario.name == "My environment, start to finish"
    assert [s.kind for s in scenario.steps][:6] == [
        *("command", "write", "command", "command", "command", "type")
    ]
    assert scenario.steps[0].mark == Mark("here.yaml", 6, 5)
    assert scenario.steps[5].in_ == "my_test_c"
    assert scenario.marks["steps", 3, "expect", "inside", "user"] == Mark("here.yaml", 19, 15)
    assert [s.title for s in scenario.finally_] == ["docker logs my_test_c"]


def test_a_bare_string_is_a_command() -> None:
    long = loads(f"{STEPS}  - command: docker ps\n", "a.yaml").steps[0]
    assert loads(f"{STEPS}  - docker ps\n", "a.yaml").steps[0].command == long.command


def test_scalars_stay_text() -> None:
    scenario = loads(f"{STEPS}  - docker ps\nvars: {{a: 08, b: 0644, c: yes, d: 1.10}}\n", "a.yaml")
    assert scenario.vars == {"a": "08", "b": "0644", "c": "yes", "d": "1.10"}


def test_values_are_typed() -> None:
    step = loads(
        f"{STEPS}  - command: docker ps\n    timeout: 1m\n    gpu: required\n"
        "    fails: {exit: [1, 125]}\n    opens: false\n"
        "    expect: {exit: 1, inside: {uid: 0, processes: {sshd: 2}, groups: [a, b],"
        " files: {/a: {mode: 644, exists: false}}}}\n",
        "a.yaml",
    ).steps[0]
    assert step.timeout == 60
    assert step.fails is not None
    assert step.fails.exit == (1, 125)
    assert step.opens is False
    assert step.expect is not None
    assert step.expect.inside is not None
    assert step.expect.inside.processes == {"sshd": 2}
    assert step.expect.inside.files is not None
    assert step.expect.inside.files["/a"].mode == "0644"
    assert step.expect.inside.files["/a"].exists is False


@pytest.mark.parametrize(
    ("written", "seconds"), [("500ms", 0.5), ("30s", 30), ("1m", 60), ("2h", 7200)]
)
def test_a_time_has_a_unit(written: str, seconds: float) -> None:
    step = loads(f"{STEPS}  - {{command: docker ps, timeout: {written}}}\n", "a.yaml").steps[0]
    assert step.timeout == seconds


@pytest.mark.parametrize("written", ["80x24", "'120x40'", "2x500"])
def test_a_window_has_columns_and_rows(written: str) -> None:
    step = loads(f"{STEPS}  - {{window: {written}}}\n", "a.yaml").steps[0]
    assert (step.kind, str(step.window)) == ("type", written.strip("'"))
    assert step.title == f"window {step.window}"


YAML = {
    "": ("1:1", "the file is empty"),
    "# only this\n": ("1:1", "the file is empty"),
    "- a\n": ("1:1", "found a list; expected a mapping of scenario"),
    "docker ps\n": ("1:1", "found `docker ps`; expected a mapping"),
    "scenario: x\nscenario: y\n": ("2:1", "`scenario` again, it stands in line 1"),
    "scenario: &x y\n": ("1:11", "the anchor `&x`"),
    "scenario: *x\n": ("1:11", "the alias `*x`"),
    "scenario: !!int 1\n": ("1:11", "the tag `!!int`"),
    "scenario: !x 1\n": ("1:11", "the tag `!x`"),
    "scenario: x\n---\nscenario: y\n": ("2:1", "a second YAML document"),
    "a: " + "[" * 60: ("1:43", "nested more than 40 deep"),
    "a: [" + "b,\n" * 20_000 + "]": ("19999:1", "more than 20000 values"),
    "a: " + "{b: " * 60: ("1:157", "nested more than 40 deep"),
    "scenario: x\n? [a]\n: b\n": ("2:3", "a key that is itself a list or a mapping"),
    "scenario: \x01\n": ("1:11", "this is not YAML (special characters are not allowed)"),
    'scenario: "a\\0b"\n': ("1:13", "a character that no program takes"),
    'scenario: "\\ud800"\n': ("1:12", "a character that no program takes"),
    'scenario: "\\UFFFFFFFF"\n': ("1:9", "this is not YAML"),
    "scenario: x\nst\udcffeps: y\n": ("2:3", "a byte that is not UTF-8 (0xff)"),
    "scenario: 'x\n": ("2:1", "this is not YAML (found unexpected end of stream)"),
    f"{STEPS}  - docker ps\n\t- x\n": ("4:1", "a tab in the indentation"),
}


@pytest.mark.parametrize("source", YAML)
def test_what_is_no_plain_yaml_is_refused_with_its_place(source: str, refused: Refused) -> None:
    at, said = refused(source)
    assert (at, said[: len(YAML[source][1])]) == YAML[source]


MODEL = {
    "scenario: x\n": ("1:1", "the key `steps` is missing"),
    "steps: [docker ps]\n": ("1:1", "the key `scenario` is missing"),
    "scenario: x\nstep: []\n": ("2:1", "unknown key `step`", "write: steps: ..."),
    "scenario: x\nsteps: docker ps\n": ("2:8", "`steps`: found `docker ps`; expected a list"),
    "scenario: x\nsteps:\n": ("2:1", "`steps`: found nothing; expected a list"),
    "scenario: x\nsteps: []\n": ("2:1", "no steps; expected at least one step"),
    "scenario: x\nmatrix: {}\nsteps: [docker ps]\n": ("2:1", "`matrix` is reserved"),
    "scenario: x\nuse: a\nsteps: [docker ps]\n": ("2:1", "`use` is reserved"),
    "scenario: x\npeople: [a, a]\nsteps: [docker ps]\n": ("2:1", "the same person twice"),
    "scenario: x\npeople: [A-b]\nsteps: [docker ps]\n": ("2:10", "`people`: found `A-b`"),
    "scenario: x\ncompose: a\nsteps: [docker ps]\n": ("2:1", "`compose` is reserved"),
    "scenario: x\nvars: {a-b: 1}\nsteps: [docker ps]\n": ("2:8", "found `a-b` as a key", "a_b"),
    "scenario: x\nservices: {}\nsteps: [docker ps]\n": ("2:1", "`services` is reserved"),
}
STEP = {
    "comand: docker ps": ("3:5", "unknown key `comand`", "write: command: docker ps"),
    "{command: docker ps, within: soon}": ("3:34", "`within`: found `soon`"),
    "{type: ls, expect: {took: {at_least: 1s}}}": ("3:16", "`took` in a type step"),
    "{check: {took: {at_most: 1s}}}": ("3:6", "`took` in a check step"),
    "{command: docker ps, expect: {took: {}}}": ("3:41", "`took`: found nothing to expect"),
    "{write: a, content: b, within: 3s}": ("3:28", "`within` in a write step"),
    "{command: docker ps, save: x}": ("3:26", "`save` is reserved"),
    "{use: x}": ("3:6", "`use` is reserved"),
    "{command: docker ps, as: a b}": ("3:30", "`as`: found `a b`"),
    "[docker, ps]": ("3:5", "`steps`: found a list; expected a mapping of name"),
    "": ("3:4", "`steps`: found nothing; expected text"),
    "name: x": ("3:5", "`steps`: found no kind of step; expected exactly one of command"),
    "{write: a, command: b}": ("3:6", "found `command` and `write`; expected exactly one"),
    "{write: a}": ("3:6", "a write step; expected one of `template` and `content`"),
    "{write: a, content: b, template: c}": ("3:6", "a write step; expected one of"),
    "{write: a, template: no.j2}": ("3:26", "the template `no.j2` is missing"),
    "{write: a, content: b, mode: 9}": ("3:34", "`mode`: found `9`", 'write: mode: "0600"'),
    "{command: a, timeout: 30}": ("3:27", "`timeout`: found `30`", "write: timeout: 30s"),
    "{command: a, gpu: option}": ("3:23", "`gpu`: found `option`", "write: gpu: optional"),
    "{command: a, window: 80}": ("3:26", "`window`: found `80`; expected columns x rows", "80x24"),
    "{type: a, window: 80*24}": ("3:23", "`window`: found `80*24`", "write: window: 80x24"),
    "{window: 1x24}": ("3:14", "`window`: found `1x24`; expected columns x rows, each from 2"),
    "{check: {exit: 0}, window: 80x24}": ("3:24", "`window` in a check step"),
    "{type: a, press: [é́]}": ("3:23", "`press`: found", "any single character, ctrl-a to ctrl-z"),
    "{command: a, opens: true}": ("3:25", "`opens`: found `true`"),
    "{command: a, template: x}": ("3:18", "`template` in a command step"),
    "{write: a, content: b, dialogue: []}": ("3:28", "`dialogue` in a write step"),
    "{check: {exit: 0}, expect: {exit: 0}}": ("3:24", "`expect` in a check step"),
    "{command: a, in: b}": ("3:18", "`in` in a command step"),
    "{command: a, stdin: [b]}": ("3:25", "`stdin`: found a list; expected text"),
    "{type: a, press: [ctrl+p]}": ("3:23", "`press`: found `ctrl+p`", "write: ctrl-p"),
    "{type: a, press: enter}": ("3:22", "`press`: found `enter`; expected a list", "[enter]"),
    "{command: a, dialogue: [{send: b}]}": ("3:29", "`dialogue`: the key `expect` is missing"),
    "{command: a, dialogue: {expect: b}}": ("3:28", "`dialogue`: found a mapping"),
    "{command: a, dialogue: [{expect: '('}]}": ("3:38", "`expect`: found `(`"),
    "{command: a, fails: true}": ("3:25", "`fails`: found `true`; expected a mapping"),
    "{command: a, fails: {}}": ("3:25", "`fails`: found nothing to expect"),
    "{command: a, fails: {exit: [1, x]}}": ("3:36", "`exit`: found `x`; expected a whole"),
    "{command: a, fails: {output: 'a{99999999999}'}}": ("3:34", "`output`: found"),
    "{command: a, expect: {}}": ("3:26", "`expect`: found nothing to expect"),
    "{command: a, expect: {outptu: b}}": ("3:27", "unknown key `outptu`", "write: output: b"),
    "{check: {inside: {files: {/a: {writeable: true}}}}}": (
        *("3:36", "unknown key `writeable`", "write: writable: true"),
    ),
    "{check: {inside: {files: {/a: {writable: yes}}}}}": (
        *("3:46", "`writable`: found `yes`", "write: writable: true"),
    ),
    "{check: {container: {state: exit}}}": ("3:33", "`state`: found `exit`", "state: exited"),
    "{check: {inside: {gpus: all}}}": ("3:29", "`gpus`: found `all`", "write: gpus: host"),
    "{check: {inside: {processes: sshd}}}": ("3:34", "`processes`: found `sshd`"),
    "{check: {port: {http: {answers: true}}}}": ("3:21", "found `http` as a key", "8080"),
    "{command: a, when: lab.port}": ("3:24", "`when`: `lab.port`", "write: when: ${{ lab.port }}"),
}
TRAPS = {
    "docker run -e A: B img": (
        *("3:5", "an unquoted `: ` in a command", "write: - 'docker run -e A: B img'"),
    ),
    "mkdir a: b": ("3:5", "an unquoted `: ` in a command", "write: - 'mkdir a: b'"),
    "command: docker run -e A: B": (
        *("3:29", "an unquoted `: `", "write: - command: 'docker run -e A: B'"),
    ),
    "docker ps # hi": ("3:14", "`# hi` after a command", r"write: - 'docker ps \# hi'"),
    "command: docker ps # it's": (
        *("3:23", "`# it's` after a command", 'write: command: "docker ps \\\\# it\'s"'),
    ),
    "{type: ls, press: [enter]}  # fine": None,
    "type: ls # hi": ("3:13", "`# hi` after a command", r"write: type: 'ls \# hi'"),
    "{command: docker ps, name: ${{ me.name }}}": ("3:33", "this is not YAML", "quotes round"),
    "check: {inside: {user: {{ me.name }}}}": ("3:29", "a key that is itself", "quoted"),
}
NAMES = {
    "docker pull ${{ lab.base_imge }}": (
        *("3:17", "`lab.base_imge` is not defined", "write: ${{ lab.base_image }}"),
    ),
    "docker pull ${{ lab.proxy.htp }}": ("3:17", "`lab.proxy.htp` is not defined", "proxy.http"),
    "docker pull ${{ lba.port }}": ("3:17", "`lba` is not defined", "write: ${{ lab }}"),
    "docker pull ${{ run.prot(1) }}": ("3:17", "`run.prot` is not defined", "${{ run.port }}"),
    "docker pull ${{ a": ("3:17", "`${{` without its `}}`"),
    "docker pull ${{ }}": ("3:17", "``: nothing between the braces"),
    "docker pull ${{ 1 + }}": ("3:17", "`1 +`: unexpected"),
    "docker pull ${{ me.__class__ }}": ("3:17", "`me.__class__`: `__class__` is private"),
    "docker pull ${{ me['__class__'] }}": ("3:17", "`me['__class__']`: `__class__` is private"),
    "docker pull ${{ me.name | uper }}": ("3:17", "`me.name | uper`: No filter", "write: upper"),
    "docker pull ${{ " + "(" * 400 + " }}": ("3:17", "`(((("),
    "docker pull ${{ " + "a" * 2000 + " }}": ("3:17", "`aaaa"),
    "docker login -p ${{ secret.pw }}": ("3:21", "a secret in a command", "`dialogue`"),
    "{write: a, content: '${{ secret.pw }}'}": ("3:5", "a secret in a file", 'mode: "0600"'),
    "{write: a, mode: 640, content: '${{ secret.pw }}'}": ("3:5", "a secret in a file"),
    "{write: a, mode: 600, content: '${{ secret.pw }}'}": None,
    "{type: '${{ secret.pw }}'}": None,
    "docker pull ${{ lab.nope | default('debian') }}": None,
    "docker pull ${{ 'a' if lab.nope is defined else 'b' }}": None,
}


@pytest.mark.parametrize("source", MODEL)
def test_what_is_no_scenario_is_refused_with_its_place(source: str, refused: Refused) -> None:
    expect(refused, source, MODEL[source])


@pytest.mark.parametrize("step", [*STEP, *TRAPS, *NAMES])
def test_what_is_no_step_is_refused_with_its_place(step: str, refused: Refused) -> None:
    expect(refused, f"{STEPS}  - {step}\n", {**STEP, **TRAPS, **NAMES}[step])


def expect(refused: Refused, source: str, wanted: tuple[str, ...] | None) -> None:
    if wanted is None:
        loads(source, "a.yaml")
        return
    at, said = refused(source)
    assert (at, said[: len(wanted[1])]) == wanted[:2]
    assert wanted[-1] in said


def test_a_variable_sees_only_those_above_it(refused: Refused) -> None:
    at, said = refused("scenario: x\nvars:\n  a: ${{ b }}\n  b: c\nsteps: ['docker ps']\n")
    assert (at, said.split(";")[0]) == ("3:6", "`b` is not defined yet")


def test_a_variable_may_not_hide_a_namespace(refused: Refused) -> None:
    at, said = refused("scenario: x\nvars: {lab: b}\nsteps: ['docker ps']\n")
    assert (at, said.split(";")[0]) == ("2:13", "the variable `lab` hides a built-in name")


def test_a_secret_is_found_in_a_command_behind_a_variable(refused: Refused) -> None:
    at, said = refused(
        "scenario: x\nvars: {a: '${{ secret.pw }}', b: '${{ a }}'}\nsteps: ['docker ps ${{ b }}']\n"
    )
    assert (at, said.split(",")[0]) == ("3:20", "a secret in a command")


def test_files_that_are_no_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "big.yaml").write_bytes(b"a" * (1024 * 1024 + 1))
    os.mkfifo(tmp_path / "pipe.yaml")
    wanted = {
        "missing.yaml": "no such file",
        "link.yaml": "a link that leads nowhere",
        "loop.yaml": "Too many levels of symbolic links",
        "pipe.yaml": "a pipe",
        "big.yaml": "a file of more than 1 MiB",
        ".": "a folder",
        "\0": "embedded null byte",
    }
    for name, said in wanted.items():
        with pytest.raises(ScenarioError) as caught:
            load(tmp_path / name)
        assert (caught.value.mark.line, caught.value.mark.col, caught.value.problem) == (1, 1, said)


def test_a_scenario_is_known_by_its_key(tmp_path: Path) -> None:
    for name, source, claims in (
        ("a.yaml", "# a comment\nscenario: x\n", True),
        ("b.yml", "\ufeff'scenario': x\n", True),
        ("c.yaml", "services:\n  scenario: x\n", False),
        ("d.txt", "scenario: x\n", False),
    ):
        (tmp_path / name).write_text(source)
        assert is_scenario(tmp_path / name) is claims
    assert not is_scenario(tmp_path / "missing.yaml")
