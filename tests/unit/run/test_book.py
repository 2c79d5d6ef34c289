"""The ledger is told before and after a command, and what is somebody else's is left alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lifecycle.engine.subject import current_subject
from lifecycle.engine.terminal import Terminal
from lifecycle.run import book
from lifecycle.run.act import Acted
from lifecycle.run.inventory import take
from lifecycle.run.layers import layers_of
from lifecycle.run.ledger import Ledger
from lifecycle.run.options import Options
from lifecycle.run.planned import Plan, PlannedStep
from lifecycle.run.session import OpenTerminal, Session
from lifecycle.run.witness import Witness
from tests.unit.run.conftest import RUN, Planner
from tests.unit.run.samples import Engine

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
ID = "1efe890c7cb4" + "0" * 52
DIGEST = "sha256:" + "d" * 64


class Registry(Engine):
    """An engine whose registry has a new image for every tag."""

    def registry_digest(self, _name: str) -> str:
        return DIGEST


@pytest.fixture
def engine() -> Registry:
    return Registry()


Opener = Callable[..., tuple[Session, PlannedStep]]


@pytest.fixture
def opened(planned: Planner, engine: Registry, tmp_path: Path) -> Opener:
    """A session of a one-line scenario, and its step."""

    def make(command: str, **options: Any) -> tuple[Session, PlannedStep]:
        chosen = Options(**options)
        plan: Plan = planned(f"- {command}\n", as_written=chosen.as_written)

        ledger = Ledger(tmp_path / "ledgers", RUN, "ENGINE", engine.address)
        session = SimpleNamespace(
            plan=plan,
            options=chosen,
            daemon=engine.daemon,
            ledger=ledger,
            witness=Witness(engine.daemon, ledger, RUN),
            before=take(engine.daemon),
            targets=set(),
            folder=tmp_path,
            world=SimpleNamespace(subject=current_subject()),
        )
        session.real = partial(Session.real, cast("Session", session))
        return cast("Session", session), plan.steps[0]

    return make


def entries(session: Session) -> list[tuple[str, str, str]]:
    return [(e.kind, e.name, e.id) for e in session.ledger.entries()]


DONE = Acted(0, "", "")


def test_a_line_runs_with_the_names_of_this_run(opened: Opener) -> None:
    session, step = opened("docker run -d --name box debian:bookworm")
    words = book.words_to_run(session, step)
    assert words.argv == ("docker", "run", "-d", "--name", f"box-{RUN}", "debian:bookworm")
    assert words.changed
    assert not words.refusal
    assert not words.skip


@pytest.mark.parametrize("name", ["theirs", ID, ID[:12]])
def test_a_container_of_others_is_refused_by_whatever_name(
    opened: Opener, engine: Registry, name: str
) -> None:
    engine.add("container", "theirs", ID)
    session, step = opened(f"docker stop {name}")
    assert book.words_to_run(session, step).refusal.startswith(f"container {name} was not made")
    assert session.targets == set()


def test_a_container_of_ours_is_a_target(opened: Opener, engine: Registry) -> None:
    session, step = opened("docker stop mine")
    identity = engine.add("container", "mine")
    session.ledger.made("container", "mine", identity)
    assert book.words_to_run(session, step).argv == ("docker", "stop", "mine")
    assert session.targets == {("container", identity)}


def test_an_image_that_was_there_is_not_removed(opened: Opener, engine: Registry) -> None:
    engine.add("image", "debian:bookworm")
    session, step = opened("docker rmi debian:bookworm")
    assert "was there before this run" in book.words_to_run(session, step).skip


def test_a_tag_that_was_there_is_not_moved_even_as_written(
    opened: Opener, engine: Registry
) -> None:
    engine.add("image", "me/test:latest")
    session, step = opened("docker build -t me/test .", as_written=True)
    assert "would move its tag" in book.words_to_run(session, step).refusal


def test_a_pulled_tag_that_has_moved_stays_and_its_new_image_comes_by_digest(
    opened: Opener, engine: Registry
) -> None:
    engine.add("image", "debian:bookworm", RepoDigests=["debian@sha256:old"])
    session, step = opened("docker pull debian:bookworm")
    words = book.words_to_run(session, step)
    assert words.argv == ("docker", "pull", f"debian@{DIGEST}")
    assert [c.status for c in words.checks] == ["unverified"]


@pytest.mark.parametrize("arrived", [True, False])
def test_an_image_that_came_by_digest_is_kept_on_purpose_when_it_came(
    opened: Opener, engine: Registry, arrived: object
) -> None:
    engine.add("image", "debian:bookworm", RepoDigests=["debian@sha256:old"])
    session, step = opened("docker pull debian:bookworm")
    book.words_to_run(session, step)
    name = f"debian@{DIGEST}"
    assert entries(session) == [("image", name, "")], "meant before it is pulled"
    if arrived:
        engine.add("image", name)
    book.settle(session, step, DONE)
    assert [(e.name, bool(e.kept)) for e in session.ledger.entries()] == (
        [(name, True)] if arrived else []
    )


def test_a_pulled_tag_that_has_not_moved_is_pulled_as_it_is(
    opened: Opener, engine: Registry
) -> None:
    engine.add("image", "debian:bookworm", RepoDigests=[f"debian@{DIGEST}"])
    session, step = opened("docker pull debian:bookworm")
    assert book.words_to_run(session, step).argv == ("docker", "pull", "debian:bookworm")


def test_all_that_a_line_makes_is_meant_before_it_runs(opened: Opener) -> None:
    session, step = opened("docker run -d --name box -v data:/data debian:bookworm")
    book.intend(session, step)
    assert entries(session) == [("container", f"box-{RUN}", ""), ("volume", f"data-{RUN}", "")]


@pytest.mark.parametrize("verb", ["run -d", "create"])
def test_a_container_of_others_that_has_the_literal_name_is_not_claimed(
    opened: Opener, engine: Registry, verb: str
) -> None:
    engine.add("container", "theirs")
    session, step = opened(f"docker {verb} --name theirs debian:bookworm", as_written=True)
    book.intend(session, step)
    book.settle(session, step, Acted(125, "the container name is already in use", ""))
    assert entries(session) == []


def test_a_container_of_ours_that_has_the_literal_name_is_known_though_its_event_is_late(
    opened: Opener, engine: Registry
) -> None:
    session, step = opened("docker create --name mine debian:bookworm", as_written=True)
    book.intend(session, step)
    identity = engine.add("container", "mine")
    book.settle(session, step, DONE)
    assert entries(session) == [("container", "mine", identity)]
    assert session.ledger.holds("container", "mine")


def test_a_literal_name_that_somebody_took_while_ours_failed_is_not_claimed(
    opened: Opener, engine: Registry
) -> None:
    session, step = opened("docker create --name taken debian:bookworm", as_written=True)
    book.intend(session, step)
    engine.add("container", "taken")
    book.settle(session, step, Acted(1, "the container name is already in use", ""))
    assert entries(session) == [("container", "taken", "")]
    assert not session.ledger.holds("container", "taken")


def test_even_a_thing_that_was_claimed_is_not_ours_when_it_was_there_before(
    opened: Opener, engine: Registry
) -> None:
    engine.add("container", "theirs")
    session, step = opened("docker create --name theirs debian:bookworm", as_written=True)
    session.ledger.intend("container", "theirs")
    book.settle(session, step, DONE)
    assert entries(session) == [("container", "theirs", "")]


def test_a_container_without_a_name_is_meant_by_the_one_it_gets(opened: Opener) -> None:
    session, step = opened("docker run -d debian:bookworm")
    book.intend(session, step)
    assert entries(session) == [("container", f"{RUN}-unnamed-1", "")]


def test_what_is_there_already_is_not_claimed(opened: Opener, engine: Registry) -> None:
    engine.add("image", "debian:bookworm")
    session, step = opened("docker pull debian:bookworm")
    book.intend(session, step)
    assert entries(session) == []


def test_what_was_made_is_known_by_its_id_and_what_is_gone_is_dropped(
    opened: Opener, engine: Registry
) -> None:
    session, step = opened("docker network create net")
    book.intend(session, step)
    identity = engine.add("network", f"net-{RUN}")
    book.settle(session, step, DONE)
    assert entries(session) == [("network", f"net-{RUN}", identity)]


def test_a_removed_container_is_off_the_ledger(opened: Opener, engine: Registry) -> None:
    session, step = opened("docker rm box")
    session.ledger.made("container", "box", "id")
    book.settle(session, step, DONE)
    assert entries(session) == []
    assert engine.removed == []


@pytest.mark.parametrize(("remove", "kept"), [(False, True), (True, False)])
def test_a_pulled_image_is_kept_on_purpose_unless_asked(
    opened: Opener, engine: Registry, remove: object, kept: object
) -> None:
    session, step = opened("docker pull debian:bookworm", remove_pulled=remove)
    book.intend(session, step)
    identity = engine.add("image", "debian:bookworm")
    book.settle(session, step, DONE)
    (entry,) = session.ledger.entries()
    assert (entry.id, bool(entry.kept)) == (identity, kept)


@pytest.mark.parametrize(
    ("tags", "owned"), [([], True), (["lee/x:latest"], False)], ids=["nameless", "shared"]
)
def test_an_image_that_lost_its_tag_to_a_rebuild_is_ours_unless_it_has_a_name(
    opened: Opener, engine: Registry, tags: list[str], owned: object
) -> None:
    session, step = opened("docker build -t me/test .")
    tag = f"me/test-{RUN}:latest"
    book.intend(session, step)
    session.ledger.made("image", tag, OLD)
    engine.add("image", "old", OLD, RepoTags=tags)
    engine.add("image", tag, NEW)
    book.settle(session, step, DONE)
    assert (("image", OLD, OLD) in entries(session)) is owned
    assert ("image", tag, NEW) in entries(session)


def test_what_a_failed_build_left_is_on_the_ledger(opened: Opener, engine: Registry) -> None:
    session, step = opened("docker build -t me/test .")
    container = engine.add("container", "left", "c" * 64)
    layer = engine.add("image", "layer", OLD.removeprefix("sha256:"), RepoTags=[])
    read = layers_of(session, step)
    assert read
    read(
        f"Step 1/2 : COPY x /\n ---> {layer[:12]}\n"
        f"Step 2/2 : RUN false\n ---> Running in {container[:12]}\n".encode()
    )
    book.settle(session, step, Acted(1, "", ""))
    assert entries(session) == [
        ("container", container[:12], container[:12]),
        ("image", layer, layer),
    ]


def test_what_a_build_made_on_the_way_to_its_image_goes_with_that(
    opened: Opener, engine: Registry
) -> None:
    session, step = opened("docker build -t me/test .")
    tag = session.real("image", "me/test:latest")
    engine.add("image", tag, OLD, RepoTags=[tag])
    book.intend(session, step)
    read = layers_of(session, step)
    assert read
    read(f"Step 1/1 : COPY x /\n ---> {OLD.removeprefix('sha256:')[:12]}\n".encode())
    book.settle(session, step, DONE)
    assert [name for _, name, _ in entries(session)] == []


def test_a_layer_that_was_there_before_is_not_claimed(opened: Opener, engine: Registry) -> None:
    layer = engine.add("image", "layer", OLD.removeprefix("sha256:"), RepoTags=[])
    session, step = opened("docker build -t me/test .")
    read = layers_of(session, step)
    assert read
    read(f"Step 1/1 : COPY x /\n ---> {layer[:12]}\n".encode())
    book.settle(session, step, Acted(1, "", ""))
    assert entries(session) == []


def test_the_promises_of_the_line_that_made_it_are_held_to_again(opened: Opener) -> None:
    session, step = opened("docker run -d --rm --name box -e A=1 debian:bookworm")
    session.promised = {}
    book.remember(session, step)
    fields = {p.field for p in session.promised["box"]}
    assert "container.env.A" in fields
    assert not fields & {"container.started", "container.exists", "container.removed_on_exit"}


@pytest.mark.parametrize(
    ("opening", "usual", "step", "detaches"),
    [
        ("docker attach mine", "", "press: [ctrl-p, ctrl-q]", True),
        ("docker attach mine", "", "press: [ctrl-p]", False),
        ("docker attach mine", "", "{type: ls, press: [ctrl-p, ctrl-q]}", True),
        ("docker attach --detach-keys ctrl-a mine", "", "press: [ctrl-a]", True),
        ("docker attach --detach-keys ctrl-a mine", "", "press: [ctrl-p, ctrl-q]", False),
        ("docker run -ti --detach-keys x,y --name box debian", "", "type: xy", True),
        ("docker exec -ti --detach-keys ctrl-@ mine sh", "", "press: [ctrl-@]", True),
        ("docker start -ai --detach-keys ctrl-p,ctrl-x mine", "", "press: [ctrl-p, ctrl-x]", True),
        ("docker attach mine", "ctrl-q", "press: [ctrl-q]", True),
        ("docker attach mine", "ctrl-p,ctrl-q", "press: [ctrl-q]", False),
        ("docker attach --detach-keys ctrl-a mine", "ctrl-q", "press: [ctrl-q]", False),
    ],
)
def test_the_keys_that_detach_are_those_of_the_line_or_the_person_s_own(
    planned: Planner,
    opening: str,
    usual: str,
    step: str,
    detaches: bool,  # noqa: FBT001
) -> None:
    first, second = planned(f"- {opening}\n- {step}\n").steps
    opened = OpenTerminal(cast("Terminal", None), first.container, first, usual_keys=usual)
    assert book.detaches(second, opened) is detaches
