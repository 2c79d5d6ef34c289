"""An engine that is away: asked once, or waited for within a limit."""

from __future__ import annotations

import itertools
import time

import pytest

from lifecycle.engine.errors import EngineAway, EngineError
from lifecycle.engine.retry import Patience


class Coming:
    """An engine that is away for its first questions."""

    def __init__(self, *, away: int) -> None:
        self.away, self.asked, self.said = away, 0, 0

    def question(self) -> str:
        self.asked += 1
        if self.away > 0:
            raise EngineAway("Connection refused")
        return "answer"

    def answers(self) -> bool:
        self.away -= 1
        return self.away <= 0

    def say(self) -> None:
        self.said += 1


def test_without_waiting_nothing_is_asked_twice() -> None:
    engine = Coming(away=1)
    with pytest.raises(EngineAway):
        Patience(engine.answers).ask(engine.question)
    assert engine.asked == 1


def test_an_engine_that_comes_back_is_asked_again() -> None:
    engine = Coming(away=3)
    patience = Patience(engine.answers)
    with patience.waiting(60, engine.say):
        assert patience.ask(engine.question) == "answer"
    assert engine.said == 1


def test_one_that_goes_in_the_middle_is_waited_for_too() -> None:
    engine = Coming(away=0)
    patience = Patience(engine.answers)
    with patience.waiting(60, engine.say):
        engine.away = 3
        assert patience.ask(engine.question) == "answer"


def test_one_that_stays_away_is_not_asked_again_once_the_time_is_up() -> None:
    engine = Coming(away=10**9)
    patience, begun = Patience(engine.answers), time.monotonic()
    with patience.waiting(0.3, engine.say):
        for _ in range(3):
            with pytest.raises(EngineAway, match="has not answered for"):
                patience.ask(engine.question)
    assert (engine.asked, engine.said) == (0, 1)
    assert time.monotonic() - begun < 5


def test_one_that_answers_and_is_away_again_and_again_does_not_take_for_ever() -> None:
    def question() -> None:
        raise EngineAway("reset")

    count = itertools.count()
    patience = Patience(lambda: next(count) >= 0)
    with patience.waiting(0.3, lambda: None), pytest.raises(EngineAway):
        patience.ask(question)


def test_a_refusal_is_no_absence() -> None:
    asked: list[int] = []

    def question() -> None:
        asked.append(1)
        raise EngineError("no such image")

    patience = Patience(lambda: True)
    with patience.waiting(60, lambda: None), pytest.raises(EngineError):
        patience.ask(question)
    assert asked == [1]


def test_afterwards_it_is_asked_as_before() -> None:
    engine = Coming(away=10**9)
    patience = Patience(engine.answers)
    with patience.waiting(0, engine.say):
        pass
    engine.away = 0
    assert patience.ask(engine.question) == "answer"
