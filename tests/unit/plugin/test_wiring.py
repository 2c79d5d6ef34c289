"""Where the layers meet: options from pytest, what diagnosis may look up, what is said."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.plugin import wiring
from lifecycle.plugin.wiring import make_run, options_of
from lifecycle.run.session.options import Options
from lifecycle.scenario.load import loads

GIVEN = {
    "lifecycle_gpu": "require",
    "lifecycle_strict": True,
    "lifecycle_as_written": True,
    "lifecycle_user": ["kim", "lee"],
    "lifecycle_context": "there",
    "lifecycle_lab": "lab.toml",
    "lifecycle_set": ["lab.a=b=c", "lab.d=e"],
    "lifecycle_allow_foreign": ["x", "y"],
    "lifecycle_keep": "on-failure",
    "lifecycle_remove_pulled": True,
    "lifecycle_publish": True,
    "lifecycle_lang": "ko",
}
PLAIN = {
    **dict.fromkeys(GIVEN, False),
    **{key: [] for key in ("lifecycle_user", "lifecycle_set", "lifecycle_allow_foreign")},
    **dict.fromkeys(("lifecycle_context", "lifecycle_lab", "lifecycle_keep"), ""),
    "lifecycle_gpu": "auto",
    "lifecycle_lang": "",
}


class Manager:
    """Pytest's plugins: at most one that captures what is printed."""

    def __init__(self, capture: Any = None) -> None:
        self.capture = capture

    def getplugin(self, name: str) -> Any:
        return self.capture if name == "capturemanager" else None


def config(capture: Any = None, **given: Any) -> Any:
    option = SimpleNamespace(**{**PLAIN, **given})
    return SimpleNamespace(
        option=option,
        pluginmanager=Manager(capture),
        stash=pytest.Stash(),
        add_cleanup=lambda _close: None,
    )


def test_every_option_of_pytest_s_is_one_of_the_run_s() -> None:
    assert options_of(config(**GIVEN)) == Options(
        gpu="require",
        strict=True,
        as_written=True,
        user="kim",
        context="there",
        lab="lab.toml",
        sets=(("lab.a", "b=c"), ("lab.d", "e")),
        allow_foreign=frozenset({"x", "y"}),
        keep_on_failure=True,
        remove_pulled=True,
        publish=True,
        lang="ko",
    )


def test_without_options_they_are_the_usual_ones() -> None:
    assert options_of(config()) == Options()


def test_of_several_people_the_one_that_is_meant_is_taken() -> None:
    assert options_of(config(**GIVEN), "lee").user == "lee"


def test_what_a_run_says_meanwhile_is_made_inert_and_heard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    heard: list[str] = []

    @contextmanager
    def disabled() -> Any:
        heard.append("on")
        yield
        heard.append("off")

    capture = SimpleNamespace(global_and_fixture_disabled=disabled)
    scenario = loads("scenario: s\nsteps: [docker ps]", "a")
    make_run(scenario, config(capture))._say("waiting\x1b[31m for it")
    assert capsys.readouterr().err == "waiting for it\n"
    assert heard == ["on", "off"]
    make_run(scenario, config())._say("again")
    assert capsys.readouterr().err == "again\n"


def test_a_terminal_that_is_gone_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise OSError(5, "gone")

    live = make_run(loads("scenario: s\nsteps: [docker ps]", "a"), config())
    monkeypatch.setattr(wiring.sys.stderr, "write", fail)  # type: ignore[attr-defined]
    live._say("x")
