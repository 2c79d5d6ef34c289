from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.command.dockerfile import UnclearError, image_user


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("FROM x\nRUN id\n", None),
        ("FROM x\nUSER a\nRUN id\nUSER b\n", "b"),
        ("from x\nuser 1000:1000\n", "1000:1000"),
        ('FROM x\nUSER "me"\n', "me"),
        ("FROM x AS a\nUSER me\nFROM y\n", None),
        ("FROM x AS a\nUSER me\nFROM a\nRUN id\n", "me"),
        ("FROM x AS A\nUSER me\nFROM a AS b\nFROM b\n", "me"),
        ("ARG BASE=a\nFROM x AS a\nUSER me\nFROM ${BASE}\n", "me"),
        ("FROM --platform=linux/amd64 x AS a\nUSER me\nFROM a\nUSER you\n", "you"),
        ("FROM x\nENV U=me\nUSER $U\n", "me"),
        ("FROM x\nENV U me\nUSER ${U}\n", "me"),
        ("FROM x\nARG U=me\nUSER $U\n", "me"),
        ("FROM x\nARG A=1 B=2\nUSER $A:$B\n", "1:2"),
        ("ARG U=me\nFROM x\nARG U\nUSER $U\n", "me"),
        ("FROM x\nARG U=a\nENV U=b\nUSER $U\n", "b"),
        ("FROM x AS a\nENV U=me\nFROM a\nUSER $U\n", "me"),
        ("FROM x\nUSER ${U:-me}\n", "me"),
        ("FROM x\nRUN <<EOF\nUSER root\nEOF\nUSER me\n", "me"),
        ("FROM x\nUSER me\nRUN cat <<EOF\nUSER root\nFROM y\nEOF\n", "me"),
        ("FROM x\n# USER root\nUSER \\\n  me\n", "me"),
    ],
)
def test_the_user_is_the_last_one_of_the_last_stage(text: str, user: str | None) -> None:
    assert image_user(text) == user


def test_the_lines_build_arguments_win_over_the_defaults() -> None:
    assert image_user("FROM x\nARG U=a\nUSER $U\n", build_args={"U": "me"}) == "me"


@pytest.mark.parametrize("target", ["ONE", "0"])
def test_a_target_chooses_the_stage(target: str) -> None:
    text = "FROM x AS one\nUSER a\nFROM y AS two\nUSER b\n"
    assert image_user(text, target=target) == "a"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM x\nUSER $U\n", r"USER holds \$U, whose value the Dockerfile does not say"),
        ("FROM x\nARG U\nUSER $U\n", r"USER holds \$U"),
        ("FROM x\nENV U=$HOME\nUSER $U\n", r"USER holds \$U"),
        ("FROM x AS a\nUSER $U\nFROM a\n", r"USER holds \$U"),
        ("FROM x\nUSER ${U%x}\n", r"USER holds \$U"),
        ("RUN id\n", "no FROM"),
    ],
)
def test_what_the_dockerfile_does_not_say_is_unclear(text: str, reason: str) -> None:
    with pytest.raises(UnclearError, match=reason):
        image_user(text)


def test_an_argument_from_the_callers_environment_is_unclear() -> None:
    with pytest.raises(UnclearError):
        image_user("FROM x\nARG U=a\nUSER $U\n", build_args={"U": None})


def test_an_unknown_target_is_unclear() -> None:
    with pytest.raises(UnclearError, match="no stage three"):
        image_user("FROM x\n", target="three")


WORDS = [
    "FROM ",
    "USER ",
    "ARG ",
    "ENV ",
    "RUN <<E",
    "E",
    "\n",
    "\\\n",
    "$U",
    "${U",
    "}",
    "x=1",
    '"',
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=30).map("".join))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    with contextlib.suppress(UnclearError):
        image_user(text, build_args={"U": "a"}, target="x" if len(text) % 2 else "")
