"""Variables are filled in, typed, bounded, and never undefined."""

from __future__ import annotations

import time
from collections import UserDict
from typing import Any

import pytest

from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.load import loads
from lifecycle.scenario.render import Context, render, render_words, split, truth, with_vars

STEPS = "scenario: x\nsteps:\n"
AT = Mark("a.yaml", 3, 5)


def test_text_that_is_one_hole_keeps_its_type(context: Context) -> None:
    value: Any = {"a": "${{ me.uid }}", "b": ["x${{ me.uid }}", "${{ me.groups }}"], "c": 1}
    assert render(value, context) == {"a": 1500, "b": ["x1500", "kim", "docker"], "c": 1}


def test_truth_values_are_written_as_yaml_writes_them(context: Context) -> None:
    assert render("a=${{ 1 == 1 }}", context) == "a=true"


def test_an_expectation_is_typed_again_when_it_is_rendered(context: Context) -> None:
    step = loads(
        f"{STEPS}  - check:\n      inside:\n        uid: ${{{{ me.uid }}}}\n"
        "        groups: ${{ me.groups }}\n"
        "        files: {'${{ me.home }}': {owner: '${{ me.uid }}', writable: '${{ 1 == 1 }}'}}\n",
        "a.yaml",
    ).steps[0]
    assert step.check is not None
    inside = render(step.check, context).inside
    assert inside is not None
    assert (inside.uid, inside.groups) == (1500, ("kim", "docker"))
    assert inside.files is not None
    assert inside.files["/home/kim"].owner == "1500"
    assert inside.files["/home/kim"].writable is True


def test_a_rendered_value_of_the_wrong_kind_names_its_place(context: Context) -> None:
    step = loads(f"{STEPS}  - check:\n      inside:\n        uid: ${{{{ me.name }}}}\n", "a.yaml")
    with pytest.raises(ScenarioError) as caught:
        render(step.steps[0], context)
    assert str(caught.value).startswith("a.yaml:5:14: `uid`: found `kim`; expected a whole number")


def test_a_rendered_step_keeps_its_place(context: Context) -> None:
    step = loads(f"{STEPS}  - {{name: 'of ${{{{ me.name }}}}', command: docker ps}}\n", "a.yaml")
    rendered = render(step.steps[0], context)
    assert (rendered.name, rendered.mark) == ("of kim", AT)


def test_variables_see_those_before_them(context: Context) -> None:
    variables = {"a": "${{ me.name }}/x", "b": {"c": ["${{ a }}:1"]}}
    assert render("${{ b.c[0] }}", with_vars(variables, context)) == "kim/x:1"


def test_a_mapping_may_make_its_values_when_they_are_asked_for(context: Context) -> None:
    class Secrets(UserDict[str, str]):
        def __contains__(self, name: object) -> bool:
            return isinstance(name, str)

        def __missing__(self, name: str) -> str:
            return f"made-{name}"

    lazy = Context({"secret": Secrets()}, context.cwd, context.me)
    assert render("${{ secret.password }}", lazy) == "made-password"


def test_docker_templates_pass_untouched(context: Context) -> None:
    assert render("{{.Id}} {% x %} {# y #}", context) == "{{.Id}} {% x %} {# y #}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("${{ lab.proxy.http }}", False),
        ("${{ lab.gpus }}", False),
        ("${{ lab.port > 80 }}", True),
        ("${{ me.name }}", True),
        ("true", True),
        ("false", False),
    ],
)
def test_when_is_true_or_false(text: str, wanted: bool, context: Context) -> None:  # noqa: FBT001
    assert truth(text, context) is wanted


REFUSED = {
    "nope": "`nope` is not defined",
    "lab.base_imge": "`lab.base_imge` is not defined",
    "me.nme ~ 'x'": "`me.nme` is not defined",
    "lab.gpus": "`lab.gpus` has no value here",
    "none": "`none` has no value here",
    "run.port": "`run.port`: a function, which must be called",
    "run.port('x')": "`run.port('x')`: ",
    "me.name + 1": "`me.name + 1`: ",
    "1 / 0": "`1 / 0`: division by zero",
    "me.groups[7]": "`me.groups[7]`",
    "'a' * 10**9": "",
    "'a' * 1000000000": "`'a' * 1000000000`: `*` between",
    "2 ** 100": "`2 ** 100`: `**` is not available",
    "9223372036854775807 + 1": "`9223372036854775807 + 1`: a number beyond",
    "[0] * 1000000000": "`[0] * 1000000000`: `*` between",
    "range(10**9)": "",
    "range(5)": "`range` is not defined",
    "'%1000000000d' % 1": "`'%1000000000d' % 1`: `%` between",
    "'{:1000000000d}'.format(1)": "",
    "'a'.ljust(1000000000)": "",
    "'a'.zfill(1000000000)": "",
    "'a' | center(1000000000)": "",
    "'a'.__class__": "`'a'.__class__`: `__class__` is private",
    "(lab | string).join(['a'])": "",
    "me.name.encode()": "",
    "1 | round(1000000000)": "",
    "['a', 'b'] | join(big)": "`['a', 'b'] | join(big)`: text of more",
    "'aaaa' | replace('a', big)": "`'aaaa' | replace('a', big)`: text of more",
    "big + big": "`big + big`: more than",
    "big ~ big": "`big ~ big`: more than",
    "big.upper().upper() ~ 'a' ~ big": "",
    "cycler": "`cycler` is not defined",
    "lipsum()": "`lipsum` is not defined",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_an_expression_that_can_not_be_used_is_one_quick_error(
    expression: str, context: Context
) -> None:
    context = with_vars({"big": "x" * 40_000}, context)
    started = time.monotonic()
    with pytest.raises(ScenarioError) as caught:
        render_words(split(f"a ${{{{ {expression} }}}}", AT), context)
    assert time.monotonic() - started < 1
    assert caught.value.mark == Mark("a.yaml", 3, 7)
    assert caught.value.problem.startswith(REFUSED[expression])


def test_a_list_inside_a_longer_word_is_refused(context: Context) -> None:
    with pytest.raises(ScenarioError, match=r"a\.yaml:3:9: .*a list where text is needed"):
        render_words(split("a x=${{ me.groups }}", AT), context)


def test_variables_can_not_grow_without_bound(context: Context) -> None:
    variables = {"a": "x" * 60_000} | {f"b{n}": "${{ a }}" * 20 for n in range(50)}
    with pytest.raises(ScenarioError, match="more than 4 MiB"):
        with_vars(variables, context)
