"""A scenario's people: who plays them, and what their steps see."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.machine.subject import current_subject
from lifecycle.run.plan.build import plan
from lifecycle.run.plan.steps import Plan
from lifecycle.run.plan.variables import RunValues
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.options import Options
from lifecycle.run.session.people import settle_all
from lifecycle.run.session.person import Person, places
from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.lab import Lab
from lifecycle.scenario.load import load
from tests.unit.checks.samples import ME

Planned = Callable[[str], Plan]
HEAD = "scenario: s\npeople: [minji, junho]\nvars: {image: '${{ me.name }}/test'}\nsteps:\n"


def person(name: str, folder: str) -> Person:
    subject = dataclasses.replace(ME, name=name, uid=ME.uid + len(name))
    return Person(subject, {}, Path(folder), Lab(nas_home=f"/nas/{name}"))


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """The plan of a scenario with two people besides kim."""

    def make(steps: str) -> Plan:
        file = tmp_path / "a.yaml"
        file.write_text(HEAD + steps)
        people = {name: person(name, f"/srv/{name}") for name in ("minji", "junho")}
        values = RunValues("r1", "/srv/kim", "/srv/shared")
        seen = places(person("kim", "/srv/kim"), people, values, Secrets({}))
        return plan(load(file), seen, "r1", as_written=False)

    return make


def test_in_a_persons_step_me_is_that_person(planned: Planned) -> None:
    mine, hers = planned(
        "- echo ${{ me.name }} ${{ lab.nas_home }} $(pwd) ${{ run.folder }}\n"
        "- {as: minji, command: 'echo ${{ me.name }} ${{ lab.nas_home }} $(pwd) ${{ run.folder }}'}"
    ).steps
    assert mine.words[1:] == ("kim", "/nas/kim", "/srv/kim", "/srv/kim")
    assert hers.words[1:] == ("minji", "/nas/minji", "/srv/minji", "/srv/minji")


def test_the_scenarios_variables_are_each_persons_own(planned: Planned) -> None:
    mine, hers = planned("- echo ${{ image }}\n- {as: minji, command: 'echo ${{ image }}'}").steps
    assert (mine.words[1], hers.words[1]) == ("kim/test", "minji/test")


def test_everybody_can_speak_of_the_others(planned: Planned) -> None:
    (step,) = planned(
        "- {as: junho, command: 'echo ${{ people.minji.uid }} ${{ people.minji.folder }} "
        "${{ people.minji.nas_home }} ${{ run.shared }}'}"
    ).steps
    assert step.words[1:] == (str(ME.uid + 5), "/srv/minji", "/nas/minji", "/srv/shared")


def test_who_is_not_among_the_people_does_nothing(planned: Planned) -> None:
    with pytest.raises(ScenarioError) as caught:
        planned("- {as: minjy, command: id}")
    assert "done as `minjy`" in str(caught.value)
    assert "write: as: minji" in str(caught.value)


def test_only_root_can_act_as_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1500)
    me = person("kim", str(tmp_path))
    people = settle_all(("minji",), me, tmp_path, Options(), {}, "unix:///s")
    assert "only root can act as other people" in people["minji"].missing
    assert list(tmp_path.iterdir()) == []


def test_on_a_real_engine_the_lab_says_who_plays_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *_: None)
    here = current_subject()
    lab = Lab.model_validate({"people": [here.name], "nas_home": "/nas"})
    me = dataclasses.replace(person("kim", str(tmp_path)), lab=lab)
    environ = {"LIFECYCLE_LAB": str(tmp_path / "lab.toml")}
    (tmp_path / "lab.toml").write_text('nas_home = "/nas/${{ me.name }}"\n')
    people = settle_all(("minji", "junho"), me, tmp_path, Options(), environ, "unix:///s")
    assert (people["minji"].subject.uid, people["minji"].missing) == (here.uid, "")
    assert people["minji"].lab.nas_home == f"/nas/{here.name}"
    assert "lab.people names 1, and this scenario needs 2" in people["junho"].missing
