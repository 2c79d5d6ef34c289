"""What a command wrote and printed, and what the engine has to hold beside it."""

from __future__ import annotations

import time
from typing import Any

import pytest  # noqa: TC002 - light, and read by people

from lifecycle.engine.daemon import EngineError
from tests.fakes.cli import Said
from tests.fakes.world import BASE, FakeWorld
from tests.unit.run.observing.conftest import Observed

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"
WITH_ID = f"  - docker run -d --name=box --cidfile=box.id {BASE} sleep 9\n"
BUILD = '  - {write: Dockerfile, content: "FROM debian:bookworm\\nARG A\\nRUN true\\n"}\n'


def logs(world: FakeWorld, line: str = "docker logs box", said: str = "") -> Any:
    live = world.run(f"{BOX}  - {line}\n")
    live.step(0)
    world.daemon.say(world.real("box"), "one")
    world.daemon.say(world.real("box"), "two")
    if said:
        world.cli.fails["logs"] = Said(said)
    return live.step(1)


def test_a_file_of_an_id_is_read_as_it_was_written(observed: Observed) -> None:
    facts = observed.of(WITH_ID)
    assert facts.texts == {"box.id": observed.world.container("box")["Id"]}


def test_of_a_long_file_the_beginning_is_read(observed: Observed) -> None:
    world = observed.world
    world.cli.fails["run"] = Said()
    world.cli.does = lambda _: write(world, "x" * 10_000)
    assert observed.of(WITH_ID).texts == {"box.id": "x" * 4096}


def write(world: FakeWorld, text: str) -> None:
    (world.session.folder / "box.id").write_text(text)


def test_a_file_that_is_no_text_is_read_all_the_same(observed: Observed) -> None:
    world = observed.world
    world.cli.fails["run"] = Said()

    def write_bytes(_: list[str]) -> None:
        (world.session.folder / "box.id").write_bytes(b"a\xff")

    world.cli.does = write_bytes
    assert observed.of(WITH_ID).texts == {"box.id": "a\N{REPLACEMENT CHARACTER}"}


def test_a_file_that_was_never_written_is_not_there(observed: Observed) -> None:
    observed.world.cli.fails["run"] = Said()
    assert observed.of(WITH_ID).texts == {}


def test_the_history_of_an_image_is_asked_where_a_line_promises_of_it(observed: Observed) -> None:
    world = observed.world
    asked: list[str] = []
    history = world.daemon.history

    def ask(name: str) -> tuple[str, ...]:
        asked.append(name)
        return (*history(name), "RUN true")

    world.daemon.history = ask  # type: ignore[method-assign]
    facts = observed.of(BUILD + "  - docker build -t me/x --build-arg A=b .\n")
    assert asked == [world.session.real("image", "me/x:latest")]
    assert facts.histories == {"me/x:latest": ("RUN true",)}


def test_a_history_that_the_engine_does_not_tell_is_not_there(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> None:
        raise EngineError("no")

    monkeypatch.setattr(observed.world.daemon, "history", refuse)
    assert observed.of(BUILD + "  - docker build -t me/x --build-arg A=b .\n").histories == {}


def test_nothing_is_read_that_nobody_promised(observed: Observed) -> None:
    facts = observed.of(BOX)
    assert (facts.texts, facts.histories, facts.log) == ({}, {}, None)


def test_a_log_that_was_printed_is_held_against_the_engine_s(observed: Observed) -> None:
    begun = time.time()
    result = logs(observed.world)
    log = observed.facts[-1].log
    assert result.status == "passed"
    assert log is not None
    assert [line.split()[1] for line in log.lines] == ["one", "two"]
    assert begun <= log.begun <= log.ended <= time.time()
    assert log.clock == "it said more meanwhile, and the engine's clock is another's"


def test_the_clock_of_an_engine_on_this_machine_is_ours(observed: Observed) -> None:
    observed.world.share_the_machine()
    logs(observed.world)
    log = observed.facts[-1].log
    assert log is not None
    assert log.clock == ""


def test_a_line_that_is_in_no_log_is_found_out(observed: Observed) -> None:
    result = logs(observed.world, said="one\nthree\n")
    assert result.status == "failed"


def test_a_log_is_read_to_where_the_line_said(observed: Observed) -> None:
    logs(observed.world, "docker logs --until 1h box", said="")
    log = observed.facts[-1].log
    assert log is not None
    assert log.lines == ()


def test_a_log_on_a_terminal_is_not_compared(observed: Observed) -> None:
    line = "{command: docker logs -f box, opens: follow}"
    logs(observed.world, line, said="x")
    assert observed.facts[-1].log is None


def test_a_log_that_the_engine_does_not_tell_is_not_there(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise EngineError("configured logging driver does not support reading")

    monkeypatch.setattr(observed.world.daemon, "log", refuse)
    logs(observed.world)
    assert observed.facts[-1].log is None
