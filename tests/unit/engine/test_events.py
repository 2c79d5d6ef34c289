"""The event stream survives an engine that goes away."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import cast

import pytest

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.events import Event, EventLog
from lifecycle.text.json_object import Json
from tests.engine.harness import wait_until


def raw(action: str, at: int) -> Json:
    actor = {"ID": "c" * 64, "Attributes": {"name": "box"}}
    return {"Type": "container", "Action": action, "Actor": actor, "timeNano": at * 10**9}


class Stream:
    """What the engine sends; None ends it."""

    def __init__(self) -> None:
        self.items: queue.Queue[Json | None] = queue.Queue()

    def __iter__(self) -> Iterator[Json]:
        yield from iter(self.items.get, None)

    def close(self) -> None:
        self.items.put(None)


class Engine:
    """Opens streams, unless it is away."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.since: list[float] = []
        self.here = True

    def answers(self) -> bool:
        return self.here

    def events(self, since: float) -> Stream:
        if not self.here:
            raise EngineError("Connection refused")
        self.since.append(since)
        self.streams.append(Stream())
        return self.streams[-1]


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def log(engine: Engine) -> Iterator[EventLog]:
    made = EventLog(cast("Daemon", engine))
    yield made
    made.close()


def actions(log: EventLog) -> list[str]:
    return [e.action for e in log.since()]


def broken(engine: Engine, log: EventLog) -> None:
    """Let the engine go away after an event."""
    engine.streams[-1].items.put(raw("start", 1000))
    wait_until(lambda: actions(log) == ["start"])
    engine.here = False
    engine.streams[-1].close()
    wait_until(lambda: log.absences)


def test_a_stream_that_breaks_is_opened_again_where_it_broke(engine: Engine, log: EventLog) -> None:
    broken(engine, log)
    engine.here = True
    wait_until(lambda: len(engine.streams) == 2)
    assert engine.since[-1] == 1000


def test_what_is_told_twice_is_kept_once(engine: Engine, log: EventLog) -> None:
    broken(engine, log)
    engine.here = True
    wait_until(lambda: len(engine.streams) == 2)
    for event in (raw("start", 1000), raw("die", 1001)):
        engine.streams[-1].items.put(event)
    wait_until(lambda: len(actions(log)) > 1)
    assert actions(log) == ["start", "die"]


def test_an_absence_has_no_end_before_the_engine_is_back(engine: Engine, log: EventLog) -> None:
    broken(engine, log)
    assert [a.until for a in log.absences] == [None]
    engine.here = True
    wait_until(lambda: log.absences[-1].until)
    assert len(log.absences) == 1


def test_who_waits_for_an_event_gets_it_after_the_absence(engine: Engine, log: EventLog) -> None:
    broken(engine, log)
    engine.here = True
    wait_until(lambda: len(engine.streams) == 2)
    engine.streams[-1].items.put(raw("die", 1002))

    def is_end(event: Event) -> bool:
        return event.action == "die"

    assert log.wait(is_end, since=0, timeout=10) is not None


def test_a_log_that_is_closed_is_not_opened_again(engine: Engine) -> None:
    log = EventLog(cast("Daemon", engine))
    log.close()
    assert (len(engine.streams), log.absences) == (1, [])
