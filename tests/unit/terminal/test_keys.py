"""Keys have names, and a terminal gets bytes."""

from __future__ import annotations

import pytest

from lifecycle.scenario.load import loads
from lifecycle.terminal.keys import KEYS, key_bytes, known_key

STEPS = "scenario: x\nsteps:\n"


@pytest.mark.parametrize("name", [*KEYS, "x", "G", "한", ":"])
def test_what_a_step_may_press_is_what_a_terminal_gets(name: str) -> None:
    quoted = name.replace("\\", "\\\\")
    step = loads(f'{STEPS}  - {{press: ["{quoted}"]}}\n', "a.yaml").steps[0]
    assert step.press == (name,)
    assert key_bytes(step.press) == KEYS.get(name, name.encode())


@pytest.mark.parametrize("name", ["ctrl-pq", "ctrl-1", "", "esc", "\n", "\x1b"])
def test_these_are_no_keys(name: str) -> None:
    assert not known_key(name)


def test_ctrl_keys_are_the_control_characters() -> None:
    names = ("ctrl-@", "ctrl-c", "ctrl-p", "ctrl-q", "ctrl-[", "ctrl-\\", "ctrl-_")
    assert key_bytes(names) == b"\x00\x03\x10\x11\x1b\x1c\x1f"


def test_the_name_of_a_key_is_read_in_any_case_but_a_letter_is_itself() -> None:
    step = loads(f"{STEPS}  - {{press: [Ctrl-C, G]}}\n", "a.yaml").steps[0]
    assert step.press == ("ctrl-c", "G")


def test_arrows_have_other_bytes_where_a_program_asked_for_them() -> None:
    assert key_bytes(["up", "end", "x"]) == b"\x1b[A\x1b[Fx"
    assert key_bytes(["up", "end", "x"], application=True) == b"\x1bOA\x1bOFx"
