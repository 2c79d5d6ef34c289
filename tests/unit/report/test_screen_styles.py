"""A screen's colours are classes of a closed set, whatever was printed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.report.bounds import prepare
from lifecycle.report.page import render_page
from lifecycle.report.screen_styles import classes, parts, rules
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import report
from tests.unit.report.test_page import Page, assert_inert

CLASS = re.compile(r"[fb]-([0-9]|1[0-5]|[0-9a-f]{6}|fore|back)|bold|italic|underline|strike")


def step(screen: str, *styles: tuple[int, int, int, str]) -> dict[str, Any]:
    return StepResult("s", 1, ran=True, screen=screen, styles=styles).to_json()


@pytest.mark.parametrize(
    ("style", "named"),
    [
        ("bold fg:1", "f-1 bold"),
        ("fg:15 bg:a1b2c3", "f-15 b-a1b2c3"),
        ("italic underline strike", "italic underline strike"),
        ("reverse", "f-back b-fore"),
        ("reverse fg:2 bg:3", "f-3 b-2"),
        ("reverse fg:2", "f-back b-2"),
        ('fg:16 bg:red blink fg:0000ff0 "onclick', ""),
    ],
)
def test_a_style_has_classes_that_the_page_knows(style: str, named: str) -> None:
    assert " ".join(classes(style)) == named


def test_every_class_of_the_sixteen_colours_has_a_rule() -> None:
    page = render_page(report())
    for number in range(16):
        assert f".f-{number} " in page
        assert f".b-{number} " in page


def test_a_screen_is_cut_where_its_style_changes() -> None:
    seen = parts(step("plain red\nnext", (0, 6, 9, "fg:1"), (1, 0, 4, "bold")))
    assert [part for part in seen if part[0]] == [
        ("plain ", ""),
        ("red", "f-1"),
        ("\n", ""),
        ("next", "bold"),
    ]


def test_a_coloured_bar_is_as_long_as_it_was() -> None:
    assert [p for p in parts(step("top", (0, 0, 6, "reverse"))) if p[0]] == [
        ("top   ", "f-back b-fore")
    ]


@given(
    st.text(st.characters(exclude_categories=())),
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9), st.text()), max_size=9
    ),
)
def test_whatever_the_styles_the_text_is_the_screen_s(
    screen: str, styles: list[tuple[int, int, int, str]]
) -> None:
    in_order = [s for s in sorted(styles) if s[1] < s[2]]
    shown = "".join(text for text, _ in parts(step(screen, *in_order[:1])))
    assert [line.rstrip(" ") for line in shown.split("\n")] == [
        line.rstrip(" ") for line in screen.split("\n")
    ]


def test_only_colours_that_were_seen_have_rules_and_each_is_hexadecimal() -> None:
    seen = [step("x", (0, 0, 1, "fg:0a1b2c bg:3")), step("y", (0, 0, 1, "bg:} body { x"))]
    assert rules(seen) == ".f-0a1b2c { color: #0a1b2c; }\n.b-0a1b2c { background: #0a1b2c; }\n"


@pytest.mark.parametrize("text", ["</pre><script>x</script>", "<b>\x1b[31m&amp;", '"><img src=x>'])
def test_hostile_output_in_colour_stays_text(text: str) -> None:
    styles = [(0, n, n + 1, "bold fg:00ff00 reverse") for n in range(len(text))]
    page = render_page(prepare(report(StepResult("s", 1, ran=True, screen=text, styles=styles))))
    seen = Page(page)
    assert_inert(seen)
    painted = [a["class"] for tag, a in seen.elements if tag == "span" and "f-" in a["class"]]
    assert all(CLASS.fullmatch(word) for names in painted for word in names.split())
