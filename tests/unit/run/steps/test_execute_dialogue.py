"""A dialogue answers the prompts of real programs on a real terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from lifecycle.machine.subject import current_subject, environment
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.session import Session
from lifecycle.run.steps.dialogue import answer
from lifecycle.scenario.model import Dialogue
from lifecycle.terminal.errors import TerminalEnded, TerminalTimeout
from lifecycle.terminal.terminal import Terminal

LIMIT = 20.0
Ask = Callable[..., Terminal]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Ask]:
    """Runs a script and answers its prompts."""
    me = current_subject()
    session = cast("Session", SimpleNamespace(secrets=Secrets({}), passwords={}))
    terminals: list[Terminal] = []

    def asked(script: str, *dialogue: Dialogue, limit: float = LIMIT) -> Terminal:
        env = {**environment(me, os.environ), "LC_ALL": "C.UTF-8"}
        terminal = Terminal(["bash", "-c", script], name="t", subject=me, env=env, cwd=tmp_path)
        terminals.append(terminal)
        answer(session, "c", dialogue, terminal, time.monotonic() + limit)
        return terminal

    yield asked
    for terminal in terminals:
        terminal.close()


def ended(terminal: Terminal) -> str:
    """What it has printed, once it is over."""
    assert terminal.wait_end(LIMIT) == 0
    return terminal.text()


def test_prompts_are_answered_in_order(asked: Ask) -> None:
    script = "read -p 'name: ' a; read -p 'colour: ' b; echo \"<$a $b>\""
    one, two = Dialogue(expect="name: $", send="kim"), Dialogue(expect="colour: $", send="red")
    assert "<kim red>" in ended(asked(script, one, two))


def test_two_prompts_that_read_the_same_are_two_prompts(asked: Ask) -> None:
    script = "read -p 'password (a good password): ' a; read -p 'password: ' b; echo \"<$a $b>\""
    same = (Dialogue(expect="password", send=n) for n in ("one", "two"))
    assert "<one two>" in ended(asked(script, *same))


def test_texts_that_come_at_once_are_waited_for_one_by_one(asked: Ask) -> None:
    script = "printf 'first\\nsecond\\n> '; read a; echo \"<$a>\""
    waits = Dialogue(expect="first"), Dialogue(expect="second"), Dialogue(expect="> $", send="x")
    assert "<x>" in ended(asked(script, *waits))


def test_a_text_before_the_one_waited_for_last_does_not_count_again(asked: Ask) -> None:
    with pytest.raises(TerminalTimeout, match="'first' did not come"):
        asked("echo first; cat", Dialogue(expect="first"), Dialogue(expect="first"), limit=0.3)


def test_an_optional_prompt_that_comes_is_answered(asked: Ask) -> None:
    script = "read -p 'sure? ' a; read -p 'name: ' b; echo \"<$a $b>\""
    maybe = Dialogue(expect="sure", send="yes", optional=True)
    assert "<yes kim>" in ended(asked(script, maybe, Dialogue(expect="name", send="kim")))


@pytest.mark.parametrize("pattern", ["sure", "(?i)SURE", "(?is)SURE.*", r"(s)ure\1"])
def test_an_optional_prompt_that_does_not_come_is_passed_over(asked: Ask, pattern: str) -> None:
    maybe = Dialogue(expect=pattern, send="yes", optional=True)
    script = "read -p 'name: ' b; echo \"<$b>\""
    assert "<kim>" in ended(asked(script, maybe, Dialogue(expect="(?i)NAME", send="kim")))


def test_optional_prompts_at_the_end_may_not_come(asked: Ask) -> None:
    maybe = Dialogue(expect="sure", send="yes", optional=True)
    assert ended(asked("echo done", maybe, maybe)) == "done\n"


def test_a_prompt_that_must_come_is_missed_also_behind_optional_ones(asked: Ask) -> None:
    maybe = Dialogue(expect="sure", send="yes", optional=True)
    with pytest.raises(TerminalEnded, match="before 'sure' or 'name' came"):
        asked("echo done", maybe, Dialogue(expect="name", send="kim"))


def test_a_korean_prompt_is_answered(asked: Ask) -> None:
    script = "read -p '새 암호: ' a; echo \"<$a>\""
    assert "<비밀>" in ended(asked(script, Dialogue(expect="새.*암호: $", send="비밀")))


def test_a_wait_in_vain_shows_the_screen_as_it_stood(asked: Ask) -> None:
    with pytest.raises(TerminalTimeout) as caught:
        asked("printf '현재 암호: '; read a", Dialogue(expect="새 암호:", send="x"), limit=0.3)
    assert caught.value.reason == "'새 암호:' did not come on t within 0.3 s"
    assert caught.value.screen == "현재 암호:"
