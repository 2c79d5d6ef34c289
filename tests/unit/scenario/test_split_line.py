"""A command is cut into words as a shell would, without a shell."""

from __future__ import annotations

import shlex
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.load import loads
from lifecycle.scenario.render import Context, render_words, split

AT = Mark("a.yaml", 3, 5)
STEPS = "scenario: x\nsteps:\n"


def words(text: str, context: Context) -> list[str]:
    return render_words(split(text, AT), context)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("docker  ps\t-a ", ["docker", "ps", "-a"]),
        ("a 'b c' \"d e\" f'g'\"h\"", ["a", "b c", "d e", "fgh"]),
        ("a '' \"\" b", ["a", "", "", "b"]),
        (r"a b\ c \" \$X \#", ["a", "b c", '"', "$X", "#"]),
        (r'a "b\"c\$d\e"', ["a", r'b"c$d\e']),
        ("a '$X `b` | > *'", ["a", "$X `b` | > *"]),
        ('a "| > ; * ~"', ["a", "| > ; * ~"]),
        ("docker \\\n ps \\\n", ["docker", "ps"]),
        ("docker inspect -f {{.Id}} x", ["docker", "inspect", "-f", "{{.Id}}", "x"]),
        ("docker inspect -f '{{json .Mounts}}' x", None),
        ("a b#c d$ $", ["a", "b#c", "d$", "$"]),
        ("apt install \u2013y sudo", ["apt", "install", "\u2013y", "sudo"]),
    ],
)
def test_words_are_cut_at_blanks_and_joined_by_quotes(
    text: str, wanted: list[str] | None, context: Context
) -> None:
    assert words(text, context) == (wanted or shlex.split(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a -v $(pwd):/w", ["a", "-v", "/work folder:/w"]),
        ('a "$PWD/x" ${PWD}', ["a", "/work folder/x", "/work folder"]),
        ("a -u $(id -u):$(id -g)", ["a", "-u", "1500:1600"]),
        ("a $(id -un)/test $USER ${USER}x", ["a", "kim/test", "kim", "kimx"]),
        ("a ~/data ~ $HOME --x=~/y b~", [*("a", "/home/kim/data", "/home/kim", "/home/kim")]),
        ("a '$HOME' \\$HOME", ["a", "$HOME", "$HOME"]),
    ],
)
def test_pasted_shell_words_are_values(text: str, wanted: list[str], context: Context) -> None:
    assert words(text, context)[: len(wanted)] == wanted


def test_a_tilde_counts_only_at_the_beginning_of_a_word(context: Context) -> None:
    assert words("a --x=~/y b~ '~'", context) == ["a", "--x=~/y", "b~", "~"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a ${{ me.name }}/test", ["a", "kim/test"]),
        ("a ${{ 'x y' }} ${{ \"}}\" }}", ["a", "x y", "}}"]),
        ("a ${{ {'b': {'c': 1}}['b']['c'] }}", ["a", "1"]),
        ("a ${{ me.groups }} '${{ me.groups }}'", ["a", "kim", "docker", "kim", "docker"]),
        ("a bash -c 'echo ${{ me.name }}'", ["a", "bash", "-c", "echo kim"]),
        ("a -p ${{ run.port(8080) }}:8080", ["a", "-p", "8081:8080"]),
        ("a ${{ image('me/x') }}", ["a", "me/x-ab12"]),
        ("a ${{ [] }} b", ["a", "b"]),
    ],
)
def test_a_hole_is_one_atom_wherever_it_stands(
    text: str, wanted: list[str], context: Context
) -> None:
    assert words(text, context) == wanted


SYNTAX = {
    "docker ps | cat": (11, "a pipe", "bash -c"),
    "docker ps > x": (11, "a redirection", "expect: {output"),
    "docker ps < x": (11, "a redirection", "`stdin:`"),
    "docker ps && x": (11, "`&`", "one step for each"),
    "docker ps; x": (10, "`;`", "one step for each"),
    "docker rm *": (11, "`*`", "quotes"),
    "docker rm a?": (12, "`?`", "quotes"),
    "docker rm `x`": (11, "a backtick", "$(pwd)"),
    'docker rm "`x`"': (12, "a backtick inside double quotes", "single quotes"),
    "docker rm $X": (11, "`$X`", "${{ }}"),
    'docker rm "a$X"': (13, "`$X`", "${{ }}"),
    "docker rm ${X}": (11, "`${X}`", "${{ }}"),
    "docker rm $PWDX": (11, "`$PWDX`", "${{ }}"),
    "docker rm $(docker ps -q)": (11, "`$(docker ps -q)`", "bash -c '...' round the whole line"),
    "docker rm $?": (11, "`$?`", "${{ }}"),
    "docker rm (a)": (11, "`(`", "quotes"),
    "docker rm {a,b}": (11, "braces", "quotes"),
    "docker rm ~bob/x": (11, "`~` of another user", "~/"),
    "docker ps # x": (11, "`#`", r"\#"),
    "docker rm 'a": (11, "a ' that is never closed", "closed"),
    'docker rm a"b': (12, 'a " that is never closed', "closed"),
    "docker\u00a0ps": (7, "a blank that no shell knows (U+00A0)", "a plain space"),
    "docker ps\ndocker ps": (11, "a second line", "backslash"),
    "docker rm ${{ a": (11, "`${{` without its `}}`", "${{ expression }}"),
    "cd docker": (1, "`cd`", "work folder"),
    "vi dockerfile": (1, "`vi`", "{write: dockerfile, content: ...}"),
    "nano x": (1, "`nano`", "`write` step"),
    "export A=b": (1, "`export`", "`-e NAME=VALUE`"),
    "source x": (1, "`source`", "bash -c"),
    "A=b docker ps": (1, "`A=b`", "`-e NAME=VALUE`"),
    "sudo docker ps": (1, "`sudo docker`", "docker group"),
    " ": (1, "an empty command", "docker ps"),
}


@pytest.mark.parametrize("text", SYNTAX)
def test_shell_syntax_is_refused_where_it_stands_with_the_alternative(text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        split(text, AT)
    column, found, instead = SYNTAX[text]
    assert caught.value.mark == Mark("a.yaml", 3, 4 + column)
    assert caught.value.problem.startswith(found)
    assert instead in f"{caught.value.expected} {caught.value.corrected}"


@pytest.mark.parametrize(
    ("step", "line", "column"),
    [
        ("docker ps | cat", 3, 15),
        ("'docker ''x'' | cat'", 3, 19),
        ('"docker \\"x\\" | cat"', 3, 19),
        ("docker ps\n      | cat", 4, 7),
        ("command: >-\n      docker run\n      -v a:b |\n      cat", 5, 14),
        ("command: |\n      docker run \\\n        -v a:b |\n      cat", 5, 16),
        ("command: |\n      docker ps\n      docker ps", 5, 7),
        ("command: docker ps ${{ nope }}", 3, 24),
        ("command: >-\n      docker run\n      -v a:${{ nope }}", 5, 12),
    ],
)
def test_the_place_is_exact_in_every_style_of_yaml(step: str, line: int, column: int) -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(f"{STEPS}  - {step}\n", "a.yaml")
    assert caught.value.mark == Mark("a.yaml", line, column)


@pytest.mark.parametrize(
    "step",
    [
        "docker run -v a:b img",
        "docker run\n      -v a:b\n      img",
        "docker run \\\n      -v a:b \\\n      img",
        "command: >-\n      docker run\n      -v a:b\n      img",
        "command: >-\n      docker run\n        -v a:b\n        img",
        "command: >\n      docker run \\\n      -v a:b \\\n      img\n",
        "command: |\n      docker run \\\n        -v a:b \\\n        img\n",
        '"docker run \\\n      -v a:b \\\n      img"',
    ],
)
def test_a_line_may_be_broken_in_every_style_of_yaml(step: str, context: Context) -> None:
    command = loads(f"{STEPS}  - {step}\n", "a.yaml").steps[0].command
    assert command is not None
    assert words(command, context) == ["docker", "run", "-v", "a:b", "img"]


@given(st.text(st.characters(codec="utf-8")) | st.text("ab '\"\\${}()|~#\n*%.", max_size=40))
def test_any_text_is_words_or_one_error(text: str) -> None:
    with suppress(ScenarioError):
        assert split(text, AT)


@given(st.lists(st.text("ab '\"\\$|~#\n*é", max_size=8), min_size=1))
def test_what_the_shell_quotes_comes_back_as_it_was(arguments: list[str]) -> None:
    read = split(shlex.join(["docker", *arguments]), AT)
    assert [word.literal for word in read] == ["docker", *arguments]
