"""A screen keeps how it looked beside its text, and never instead of it."""

from __future__ import annotations

import json

import pytest

from lifecycle.terminal.emulator import HISTORY_LINES, Emulator
from lifecycle.terminal.styled_screen import MOST_STYLED, Styled, still_true

RED = (0, 0, 3, "fg:1")


def looks(data: bytes, rows: int = 5, cols: int = 20) -> tuple[str, tuple[Styled, ...]]:
    screen = Emulator(rows, cols)
    screen.feed(data)
    seen = screen.picture()
    assert seen.text == screen.text()
    return seen.text, seen.styles


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("31", "fg:1"),
        ("1;34", "bold fg:4"),
        ("97;100", "fg:15 bg:8"),
        ("95;105", "fg:13 bg:13"),
        ("38;5;208", "fg:ff8700"),
        ("48;2;1;2;255", "bg:0102ff"),
        ("3;4;9;7", "italic underline strike reverse"),
    ],
)
def test_colours_and_kinds_of_letters_are_kept(codes: str, style: str) -> None:
    assert looks(f"a \x1b[{codes}mbig\x1b[0m x".encode()) == ("a big x", ((0, 2, 5, style),))


def test_plain_text_has_no_style() -> None:
    assert looks(b"plain \x1b[31m\x1b[0m text\r\n") == ("plain  text", ())


def test_a_part_is_counted_in_characters_of_the_text_not_in_cells() -> None:
    text, styles = looks("한국 \x1b[32m초록\x1b[0m!".encode())
    [(line, start, end, style)] = styles
    assert (line, text[start:end], style) == (0, "초록", "fg:2")


def test_lines_that_scrolled_off_keep_their_colours() -> None:
    text, styles = looks(b"\x1b[31mred\x1b[0m\r\n" + b"x\r\n" * 9)
    assert text.startswith("red\nx")
    assert styles == (RED,)


def test_a_coloured_bar_goes_on_behind_its_text_and_coloured_letters_do_not() -> None:
    assert looks(b"\x1b[7mtop\x1b[K\x1b[0m\r\n") == ("top", ((0, 0, 20, "reverse"),))
    assert looks(b"\x1b[31mred   \x1b[0m\r\n") == ("red", (RED,))


def test_a_screen_full_of_colours_has_a_bounded_number_of_parts_those_at_its_end() -> None:
    cells = b"".join(b"\x1b[38;5;%dm*" % (16 + n % 200) for n in range(60 * 60))
    _, styles = looks(cells, rows=60, cols=60)
    assert len(styles) == MOST_STYLED
    assert styles[-1][0] == 59


def test_styles_cross_to_another_process_as_plain_json() -> None:
    _, styles = looks(b"\x1b[31mred\x1b[0m")
    assert json.loads(json.dumps(styles)) == [[*RED]]


def test_what_scrolled_out_of_the_history_is_counted() -> None:
    screen = Emulator(5, 20)
    screen.feed(b"1234\r\n" * (HISTORY_LINES + 14))
    assert screen.picture().lost == 10 * len("1234\n")
    screen.reset()
    assert screen.picture().lost == 0


def test_only_a_line_that_was_changed_loses_its_styles() -> None:
    styles = [[0, 0, 1, "bold"], [1, 0, 4, "fg:1"], [2, 0, 1, "bold"]]
    assert still_true(styles, "a\nword\nb", "a\n[redacted]\nb") == [styles[0], styles[2]]
    assert still_true(styles, "same", "same") == styles


def test_where_lines_came_or_went_no_style_fits_any_more() -> None:
    assert still_true([[0, 0, 1, "bold"]], "a\nwo\nrd", "a\n[redacted]") == []


def test_a_program_s_wish_for_other_arrow_keys_is_known() -> None:
    screen, seen = Emulator(5, 20), []
    for data in (b"$ ", b"\x1b[?1h", b"\x1b[?1l"):
        screen.feed(data)
        seen.append(screen.application_keys)
    assert seen == [False, True, False]
