"""What diagnosis may look up for a run, and in whose language it answers."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.diagnosis import match
from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.machine_facts import MachineFacts
from lifecycle.engine.daemon import EngineError
from lifecycle.run.session.options import Options
from lifecycle.run.steps.findings import _facts, without_a_run
from tests.fakes.world import BASE, FakeWorld

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"


@pytest.mark.parametrize(("lang", "asked"), [("ko", "ko"), ("en", "en"), ("", "en")])
def test_diagnosis_speaks_the_person_s_language(
    monkeypatch: pytest.MonkeyPatch, lang: str, asked: str
) -> None:
    calls: list[tuple[str, str]] = []

    def diagnose(symptom: Symptom, _: Any, *, lang: str) -> list[Any]:
        calls.append((symptom.output, lang))
        return []

    monkeypatch.setattr(match, "diagnose", diagnose)
    assert without_a_run(Symptom("x"), Options(lang=lang)) == []
    assert calls == [("x", asked)]


def listed(facts: MachineFacts) -> Any:
    """The engine's containers, as diagnosis asks for them."""
    assert facts._list is not None
    return facts._list()


def test_a_run_s_containers_are_known_by_both_their_names(world: FakeWorld) -> None:
    world.daemon.create(BASE, "theirs")
    world.steps(BOX)
    facts = _facts(world.session)
    found = listed(facts)
    assert found is not None
    assert [one["Names"] for one in found] == [
        [f"/{world.real('box')}", "/box"],
        ["/theirs"],
    ]


def test_one_container_is_looked_up_by_its_name_and_known_to_be_ours(world: FakeWorld) -> None:
    theirs = world.daemon.create(BASE, "theirs")
    world.steps(BOX)
    facts = _facts(world.session)
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
    facts = _facts(world.session)
    assert (listed(facts), facts._inspect("box")) == (None, None)


def test_it_looks_with_the_person_s_eyes_from_their_folder(world: FakeWorld) -> None:
    world.steps("  - docker ps\n")
    facts, session = _facts(world.session), world.session
    assert (facts.person, facts._eyes) == (session.world.subject, session.world.subject)
    assert (facts.environ, facts.cwd) == (session.env, session.folder)
