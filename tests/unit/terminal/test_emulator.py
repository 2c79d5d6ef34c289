"""What a terminal's bytes mean."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.terminal.emulator import Emulator
from lifecycle.terminal.plain_text import Stripper, strip

DRAWN = b"\x1b[1;31mred\x1b[0m \xec\x83\x88 \xec\x95\x94\xed\x98\xb8:\r\n\x1b]0;title\x07next\r\n"


def seen(data: bytes, rows: int = 5, cols: int = 20) -> str:
    screen = Emulator(rows, cols)
    screen.feed(data)
    return screen.text()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (DRAWN, "red 새 암호:\nnext\n"),
        (b"\x1b[?2004hprompt$ \x1b[K", "prompt$ "),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bP+q436f\x1b\\after", "after"),
        (b"\x1b(B\x1b=\x1b>plain\x1b[>4;2m", "plain"),
        (b"10%\r50%\r100%\r\n", "10%\n50%\n100%\n"),
        (b"a\x00\x07\x08\x7fb", "ab"),
        (b"bad \xff utf-8", "bad \N{REPLACEMENT CHARACTER} utf-8"),
        (b"cut \x1b[3", "cut "),
    ],
)
def test_plain_text_has_no_escape_sequences(data: bytes, text: str) -> None:
    assert strip(data) == text


@settings(deadline=None, database=None)
@given(st.lists(st.integers(0, len(DRAWN)), max_size=8))
def test_text_is_the_same_however_it_is_cut_into_pieces(cuts: list[int]) -> None:
    stripper = Stripper()
    edges = [0, *sorted(cuts), len(DRAWN)]
    pieces = [stripper.feed(DRAWN[a:b]) for a, b in pairwise(edges)]
    assert "".join(pieces) + stripper.feed(b"", final=True) == strip(DRAWN)


def test_a_sequence_without_an_end_does_not_swallow_the_text_after_it() -> None:
    stripper = Stripper()
    text = stripper.feed(b"\x1b]" + b"x" * 10_000) + stripper.feed(b"found")
    assert "found" in text


@settings(deadline=None, database=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_screen_or_the_text(data: bytes) -> None:
    screen = Emulator(5, 20)
    screen.feed(data)
    screen.feed(b"\x18\x1b\\\x1bc\x1b[mstill here")
    assert "still here" in screen.text().replace("\n", "")
    assert "\x1b" not in strip(data)


@settings(deadline=None, database=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "?", ">", "="]), st.integers(0, 99), st.characters()),
        max_size=20,
    )
)
def test_no_sequence_breaks_the_screen(sequences: list[tuple[str, int, str]]) -> None:
    screen = Emulator(5, 20)
    for private, number, final in sequences:
        screen.feed(f"\x1b[{private}{number};{number}{final}x".encode("utf-8", "replace"))
        screen.text()
    screen.resize(3, 10)
    screen.feed(b"\x1bcdone")
    assert screen.text().endswith("done")


def test_a_wide_character_takes_two_cells_and_one_place_in_the_text() -> None:
    assert seen("한국어|\x1b[1;7H!".encode()) == "한국어!"


def test_an_emoji_with_a_selector_does_not_lose_the_rest_of_the_line() -> None:
    assert seen("✔️ done\u200b!".encode()) == "✔ done!"


def test_the_alternate_screen_gives_the_main_one_back() -> None:
    before = b"$ top\r\n"
    assert seen(before + b"\x1b[?1049h\x1b[HLOAD 1.0") == "LOAD 1.0"
    assert seen(before + b"\x1b[?1049h\x1b[HLOAD 1.0\x1b[?1049l$ ") == "$ top\n$"


def test_the_alternate_screen_is_all_that_is_seen_while_it_is_there() -> None:
    lines = b"".join(b"%d\r\n" % n for n in range(9))
    assert seen(lines + b"\x1b[?1049h\x1b[Hvi") == "vi"
    assert seen(lines + b"\x1b[?1049h\x1b[Hvi\x1b[?1049l$").startswith("0\n1\n")


def test_what_scrolls_in_the_alternate_screen_is_no_history() -> None:
    lines = b"".join(b"%d\r\n" % n for n in range(50))
    assert seen(b"before\r\n\x1b[?1049h" + lines + b"\x1b[?1049lafter") == "before\nafter"


def test_history_is_above_the_screen() -> None:
    assert seen(b"".join(b"%d\r\n" % n for n in range(8))).split("\n") == [*"01234567"]


def test_a_smaller_screen_keeps_its_last_lines_and_goes_on() -> None:
    screen = Emulator(5, 20)
    screen.feed(b"1\r\n2\r\n3\r\n4\r\n5")
    screen.resize(3, 10)
    screen.feed(b"!")
    assert screen.text().endswith("3\n4\n5!")


def test_a_larger_screen_has_room() -> None:
    screen = Emulator(2, 5)
    screen.resize(4, 10)
    screen.feed(b"0123456789\r\nb\r\nc\r\nd")
    assert screen.text() == "0123456789\nb\nc\nd"
