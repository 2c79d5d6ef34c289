"""A template makes a file of its scenario's variables, and reaches nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.load import loads
from lifecycle.scenario.render import Context, render_template, with_vars

if TYPE_CHECKING:
    from pathlib import Path


def make(folder: Path, source: str, context: Context, name: str = "a.j2") -> str:
    (folder / "a.j2").write_text(source)
    return render_template(name, context, folder)


def test_a_template_sees_the_scenarios_variables(tmp_path: Path, context: Context) -> None:
    seen = with_vars({"image": "x"}, context)
    text = make(tmp_path, "FROM {{ lab.base_image }}\n{{ me.uid }} {{ image }}\n", seen)
    assert text == "FROM debian:bookworm\n1500 x\n"


def test_a_template_may_include_what_lies_beside_it(tmp_path: Path, context: Context) -> None:
    (tmp_path / "b.j2").write_text("b {{ me.name }}")
    assert make(tmp_path, "a {% include 'b.j2' %}", context) == "a b kim"


def test_nothing_outside_the_folder_is_reached(tmp_path: Path, context: Context) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "out.j2").write_text("out")
    (folder / "link.j2").symlink_to(tmp_path / "out.j2")
    (folder / "up").symlink_to(tmp_path)
    for name in ("../out.j2", str(tmp_path / "out.j2"), "link.j2", "up/out.j2", "in/../../out.j2"):
        with pytest.raises(ScenarioError, match=r"is missing|is outside the folder"):
            make(folder, "a", context, name)
        with pytest.raises(ScenarioError, match="is missing"):
            make(folder, f"{{% include '{name}' %}}", context)


BROKEN = {
    "a\n{{ lab.base_imge }}": (2, "`lab.base_imge` is not defined"),
    "a\n{% if %}": (2, "Expected an expression"),
    "{% for x in me.groups %}\n\n{{ nope }}{% endfor %}": (3, "`nope` is not defined"),
    "a\n{% include 'no.j2' %}": (2, "the template `no.j2` is missing"),
    "{% include 'a.j2' %}": (1, ""),
    "x{% include 'a.j2' %}{% include 'a.j2' %}": (1, ""),
    "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}": (1, "a macro in a template"),
    "{% set x %}a{% endset %}": (1, "a set block in a template"),
    "{% set x = 'a' ~ 'b' %}": (1, "`~` (write +) in a template"),
    "{% import 'a.j2' as a %}": (1, "an import in a template"),
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}": (1, "a recursive loop"),
    "\n{{ ''.__class__.__mro__ }}": (1, "`__mro__` is private"),
    "\n{{ 'a' * 1000000000 }}": (2, "`*` between"),
    "{% for x in range(1000000000) %}{% endfor %}": (1, "`range` is not defined"),
    "{% for x in me.name | list %}" * 12 + "x" * 99 + "{% endfor %}" * 12: (1, "more than 1 MiB"),
}


@pytest.mark.parametrize("source", BROKEN)
def test_a_broken_template_is_one_quick_error_with_its_line(
    source: str, tmp_path: Path, context: Context
) -> None:
    started = time.monotonic()
    with pytest.raises(ScenarioError) as caught:
        make(tmp_path, source, context)
    assert time.monotonic() - started < 3
    line, found = BROKEN[source]
    assert caught.value.mark.file == str(tmp_path / "a.j2")
    assert (caught.value.mark.line, caught.value.problem[: len(found)]) == (line, found)


def test_a_template_is_read_before_anything_is_started(tmp_path: Path) -> None:
    source = "scenario: x\nsteps:\n  - {write: d, template: a.j2}\n"
    for template, found in (
        ("FROM {{ lab.base_imge }}", "`lab.base_imge` is not defined"),
        ("FROM {% if %}", "Expected an expression"),
        ("{{ secret.password }}", "a secret in a file that others may read"),
    ):
        (tmp_path / "a.j2").write_text(template)
        with pytest.raises(ScenarioError) as caught:
            loads(source, str(tmp_path / "a.yaml"))
        assert caught.value.problem.startswith(found)


def test_a_misspelled_template_names_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("x")
    source = "scenario: x\nsteps:\n  - {write: d, template: mein.j2}\n"
    with pytest.raises(ScenarioError, match=r"3:26: .*write: template: mine\.j2"):
        loads(source, str(tmp_path / "a.yaml"))


def test_the_librarys_dockerfile_is_for_one_person(tmp_path: Path, context: Context) -> None:
    text = render_template("user.Dockerfile.j2", context, tmp_path)
    assert "FROM debian:bookworm\n" in text
    assert "name='kim'; uid=1500; gid=1600;" in text
    assert "for group in 'lab' " in text
    assert text.endswith("\nUSER kim\n")
    assert "\n\n" not in text


def test_the_librarys_dockerfile_has_the_mirror_and_not_the_proxy(
    tmp_path: Path, context: Context
) -> None:
    lab = {
        "base_image": "b",
        "proxy": {"http": "http://p:3128", "https": "", "no_proxy": ""},
        "pip_index": "",
        "apt_mirror": "http://m",
    }
    behind = Context({**context.values, "lab": lab}, context.cwd, context.me)
    text = render_template("user.Dockerfile.j2", behind, tmp_path)
    assert "#http://m#" in text
    assert "http://p" not in text
