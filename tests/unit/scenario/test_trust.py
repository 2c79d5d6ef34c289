"""A scenario is somebody else's text: its templates run no code, and it writes where it may."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.load import load
from lifecycle.scenario.render import Context, render, render_template

ESCAPES = (
    # to a class, and from there to every other
    "''.__class__.__mro__[1].__subclasses__()",
    "''['__class__']",
    "''['__cla' + 'ss__']",
    r"''['\x5f\x5fclass\x5f\x5f']",
    "().__class__.__base__",
    "[]['__class__']",
    "{}.__class__",
    "(1).__class__",
    "me.__class__",
    "me['__class__']",
    "me.items().__class__",
    "me.get('x', ''.__class__)",
    "''|attr('__class__')",
    "''|attr(['__cl', 'ass__']|join)",
    "[me]|map(attribute='__class__')|list",
    "[me]|selectattr('__class__')|list",
    "[me]|groupby('__class__')",
    "[me]|sum(attribute='__class__')",
    "['a']|sort(attribute='__class__')|first|attr('__class__')",
    "(['a']|unique(attribute='__class__')|list)[0].__class__",
    "['a', 'b']|max(attribute='__class__')",
    # to the globals of a function
    "image.__globals__",
    "image['__glo' + 'bals__']",
    "image.__code__.co_consts",
    "image.__closure__",
    "image.__wrapped__",
    "run.port.__globals__",
    "run.port.__self__",
    "run.port.__func__",
    "lipsum.__globals__.os.popen('id').read()",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "joiner.__init__.__globals__",
    "namespace.__init__.__globals__",
    "self.__init__.__globals__",
    "self._TemplateReference__context",
    "config.items()",
    "request.application.__globals__",
    "get_flashed_messages.__globals__",
    "url_for.__globals__",
    "''.upper.__self__.__class__",
    "''.join.__call__",
    "nope.__class__",
    "(nope|default(me)).__class__",
    "caller.__globals__",
    "varargs",
    # to a format string, which looks attributes up by itself (CVE-2016-10745, 2019-10906,
    # 2024-56326, 2025-27516)
    "'{0.__class__}'.format(1)",
    "'{0.__class__.__mro__}'.format(image)",
    "'{a.__class__}'.format_map({'a': 1})",
    "('{0.__class__}'|attr('format'))(1)",
    "'%s' % image",
    "'{0.__class__}'|format(1)",
    "me.name.format.__self__",
    "me.name['format'](1)",
    # to a frame
    "(['a']|unique).gi_frame.f_globals",
    "(['a']|unique)['gi_' + 'frame']",
    "(['a']|unique).gi_code",
    # to change what other steps see
    "me.update({'name': 'root'})",
    "me.setdefault('x', 1)",
    "me.pop('name')",
    "me.groups.append('root')",
    "me.groups.extend(['root'])",
    "me.groups.clear()",
    # to more than can be held
    "'a' * 10**10",
    "[1] * 10**10",
    "10 ** 10 ** 10",
    "'%999999999d' % 1",
    "'a'.ljust(10**10)",
    "'a'.center(10**10)|length",
    "'a'|center(10**10)|length",
    "range(10**10)|list",
    "('a' * 65000)|replace('a', 'a' * 65000)",
)
BLOCKS = (
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{% for x in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% for x in [1] %}{{ loop['_it' + 'erator'] }}{% endfor %}",
    "{% set f = '{0.__class__}'.format %}{{ f(1) }}",
    "{% with f = ''.__class__ %}{{ f }}{% endwith %}",
    "{% import 'os' as os %}{{ os }}",
    "{% from 'os' import system %}",
    "{% extends '/etc/passwd' %}",
    "{% extends '../secret' %}",
    "{% include '/etc/passwd' %}",
    "{% include '../secret' %}",
    "{% include ['nope', '../secret'] %}",
    "{% include '.' + './secret' %}",
    "{% include 'a/../../secret' %}",
    "{% include 'link' %}",
    "{% include 'up/secret' %}",
    "{% include 'pipe' %}",
    "{% include '/dev/zero' %}",
    "{% include 'loop' %}",
    "{% block b %}{{ super.__init__.__globals__ }}{% endblock %}",
    "{% block b %}x{% endblock %}{{ self.b.__globals__ }}",
    "{% debug %}",
    "{% do me.update({}) %}",
    "{% macro m() %}{{ varargs }}{% endmacro %}{{ m.__globals__ }}",
    "{% call image('x') %}{% endcall %}",
    "{% autoescape ''.__class__ %}{% endautoescape %}",
    "{% filter attr('__class__') %}x{% endfilter %}",
    "{% python %}import os{% endpython %}",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scenario's folder with ways out of it, where nothing may be started."""
    made = tmp_path / "in"
    made.mkdir()
    (tmp_path / "secret").write_text("the canary")
    (made / "link").symlink_to(tmp_path / "secret")
    (made / "up").symlink_to(tmp_path)
    (made / "loop").symlink_to(made / "loop")
    os.mkfifo(made / "pipe")

    def started(*_: Any, **__: Any) -> None:
        raise AssertionError("something was started")

    for module, name in ((os, "system"), (os, "popen"), (os, "execv"), (subprocess, "Popen")):
        monkeypatch.setattr(module, name, started)
    return made


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_expression_leads_out_of_the_sandbox(escape: str, context: Context) -> None:
    with pytest.raises(ScenarioError) as caught:
        render(f"${{{{ {escape} }}}}", context)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", [*(f"{{{{ {e} }}}}" for e in ESCAPES), *BLOCKS])
def test_no_template_leads_out_of_the_sandbox(source: str, context: Context, folder: Path) -> None:
    (folder / "a.j2").write_text(source)
    with pytest.raises(ScenarioError) as caught:
        render_template("a.j2", context, folder)
    assert "\n" not in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "link"])
def test_a_file_outside_is_not_read_where_a_missing_one_is_allowed(
    name: str, context: Context, folder: Path
) -> None:
    (folder / "a.j2").write_text(f"{{% include '{name}' ignore missing %}}")
    assert not render_template("a.j2", context, folder)


# -- writing ------------------------------------------------------------------------------------

OUTSIDE = ("../out", "/etc/out", "a/../../out", "a/..", "~/out", "..", "${{ me.name }}/../../out")


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_outside_the_work_folder_is_refused_before_anything_is_started(
    path: str, refused: Callable[[str], tuple[str, str]]
) -> None:
    place, said = refused(f'scenario: x\nsteps:\n  - {{write: "{path}", content: x}}\n')
    assert place == "3:13"
    assert "expected a path below the work folder; write: " in said


@pytest.mark.parametrize("path", ["out", "a/b/out", "${{ me.name }}/out", "a..b", "...", "a/~"])
def test_a_path_below_the_work_folder_is_read(path: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f'scenario: x\nsteps:\n  - {{write: "{path}", content: x}}\n')
    assert load(file).steps[0].write == path
