"""Where the layers meet: options from pytest, what diagnosis may look up, what is said."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.engine.daemon import EngineError
from lifecycle.plugin import wiring
from lifecycle.plugin.wiring import machine_facts, make_run, options_of
from lifecycle.run.session.options import Options
from lifecycle.scenario.load import loads
from tests.fakes.world import BASE, FakeWorld

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"
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
    return SimpleNamespace(option=option, pluginmanager=Manager(capture))


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


@pytest.mark.parametrize(("lang", "asked"), [("ko", "ko"), ("en", "en"), ("", "en")])
def test_diagnosis_speaks_the_person_s_language(
    monkeypatch: pytest.MonkeyPatch, lang: str, asked: str
) -> None:
    seen: list[tuple[str, str]] = []

    def diagnose(symptom: Symptom, _: Any, *, lang: str) -> list[Any]:
        seen.append((symptom.output, lang))
        return []

    monkeypatch.setattr(wiring, "diagnose", diagnose)
    live = make_run(loads("scenario: s\nsteps: [docker ps]", "a"), config(lifecycle_lang=lang))
    assert live._diagnose(Symptom("x"), None) == []
    assert seen == [("x", asked)]


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


# -- what diagnosis may look up ------------------------------------------------------------------


def test_without_a_run_it_is_this_machine_only() -> None:
    facts = machine_facts(None)
    assert (facts._list, facts._inspect("box"), facts.made("x")) == (None, None, False)


def listed(facts: MachineFacts) -> Any:
    """The engine's containers, as diagnosis asks for them."""
    assert facts._list is not None
    return facts._list()


def test_a_run_s_containers_are_known_by_both_their_names(world: FakeWorld) -> None:
    world.daemon.create(BASE, "theirs")
    world.steps(BOX)
    facts = machine_facts(world.session)
    found = listed(facts)
    assert found is not None
    assert [one["Names"] for one in found] == [
        [f"/{world.real('box')}", "/box"],
        ["/theirs"],
    ]


def test_one_container_is_looked_up_by_its_name_and_known_to_be_ours(world: FakeWorld) -> None:
    theirs = world.daemon.create(BASE, "theirs")
    world.steps(BOX)
    facts = machine_facts(world.session)
    box = world.container("box")
    seen = facts._inspect(world.real("box"))
    assert seen is not None
    assert seen["Id"] == box["Id"]
    assert facts.made(box["Id"])
    assert not facts.made(theirs)


def test_an_engine_that_refuses_leaves_both_unknown(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.steps(BOX)

    def refuse(*_: Any) -> None:
        raise EngineError("no")

    monkeypatch.setattr(world.daemon, "containers", refuse)
    monkeypatch.setattr(world.daemon, "container", refuse)
    facts = machine_facts(world.session)
    assert (listed(facts), facts._inspect("box")) == (None, None)


def test_it_looks_with_the_person_s_eyes_from_their_folder(world: FakeWorld) -> None:
    world.steps("  - docker ps\n")
    facts, session = machine_facts(world.session), world.session
    assert (facts.person, facts._eyes) == (session.world.subject, session.world.subject)
    assert (facts.environ, facts.cwd) == (session.env, session.folder)
