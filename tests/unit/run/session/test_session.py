"""What one run holds open, as each of its people has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lifecycle.command.name_map import Unnamed
from tests.fakes.world import BASE, SECRET, FakeWorld

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"


@pytest.fixture
def opened(world: FakeWorld) -> FakeWorld:
    world.steps(BOX + "  - {write: a, mode: '0600', content: '${{ secret.PASSWORD }}'}\n")
    return world


def test_a_text_for_people_has_written_names_no_secrets_and_no_gate(opened: FakeWorld) -> None:
    session = opened.session
    text = f"{opened.real('box')} {SECRET} {opened.cli.address}"
    assert session.shown(text) == "box [redacted] unix:///run/docker.sock"
    assert session.printed(text) == "box [redacted] unix:///run/docker.sock"
    cut = f"it is {SECRET[:-2]}"
    assert session.printed(cut) == "it is [redacted]"
    assert session.shown(cut) == cut


def test_a_thing_has_the_name_that_the_engine_knows(opened: FakeWorld) -> None:
    session = opened.session
    assert session.real("container", "box") == opened.real("box")
    assert session.real("container", "theirs") == "theirs"
    assert session.real("container", Unnamed(3)) == session.plan.names.unnamed(3)
    assert session.run == opened.live.id


def test_each_person_sees_the_run_with_their_own_eyes(opened: FakeWorld) -> None:
    session = opened.session
    kim = replace(session.person, subject=replace(session.person.subject, name="kim"))
    both = replace(session, people={"kim": kim})
    seen = both.seen_by("kim")
    assert (seen.person, seen.world.subject.name) == (kim, "kim")
    assert seen.terminals is both.terminals
    assert both.seen_by("nobody") is both


def test_a_session_shows_no_passwords_to_a_debugger(opened: FakeWorld) -> None:
    opened.session.terminals.remember_secret("box", SECRET)
    assert SECRET not in repr(opened.session)
