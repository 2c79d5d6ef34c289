from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.command.dockerfile import built_stage, recorded_stages
from lifecycle.command.promise import UnclearError


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
    assert built_stage(text).user() == user


def test_the_lines_build_arguments_win_over_the_defaults() -> None:
    assert built_stage("FROM x\nARG U=a\nUSER $U\n", build_args={"U": "me"}).user() == "me"


@pytest.mark.parametrize("target", ["ONE", "0"])
def test_a_target_chooses_the_stage(target: str) -> None:
    text = "FROM x AS one\nUSER a\nFROM y AS two\nUSER b\n"
    assert built_stage(text, target=target).user() == "a"


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
        built_stage(text).user()


def test_an_argument_from_the_callers_environment_is_unclear() -> None:
    with pytest.raises(UnclearError):
        built_stage("FROM x\nARG U=a\nUSER $U\n", build_args={"U": None}).user()


def test_an_unknown_target_is_unclear() -> None:
    with pytest.raises(UnclearError, match="no stage three"):
        built_stage("FROM x\n", target="three").user()


STAGES = """
FROM x AS one
ARG A
RUN make  \\
  all
FROM one AS two
ENV B=1
USER kim
RUN --mount=type=cache,target=/c test
FROM x
COPY --from=one /a /a
RUN <<EOF
id
EOF
RUN ["id"]
"""


@pytest.mark.parametrize(
    ("target", "steps"),
    [
        ("one", ("ARG", "RUN make all")),
        ("two", ("ENV", "USER kim", "RUN test")),
        ("", ("COPY", "RUN", "RUN")),
    ],
)
def test_a_stage_has_the_steps_that_are_its_own(target: str, steps: tuple[str, ...]) -> None:
    stage = built_stage(STAGES, target=target)
    assert (stage.steps, stage.unlike) == (steps, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM x AS a\nFROM y\nRUN id\n", "no step of its own"),
        ("FROM x AS a\nRUN id\nFROM y\nRUN id\n", "another stage has the same steps"),
        ("FROM x AS a\nENV A=1\nFROM y\nENV B=1\n", "another stage has the same steps"),
    ],
)
def test_a_stage_that_the_image_can_not_show_says_why(text: str, reason: str) -> None:
    assert reason in built_stage(text, target="a").unlike


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM x\nARG A\nRUN id\n", ""),
        ("FROM x AS a\nARG A\nRUN id\nFROM a\n", ""),
        ("FROM x\nARG A=1 B\nARG C\nRUN id\n", ""),
        ("FROM x\nRUN id\n", "declares no ARG A"),
        ("ARG A\nFROM $A\nRUN id\n", "declares no ARG A"),
        ("FROM x AS a\nARG A\nRUN id\nFROM y\nRUN id\n", "declares no ARG A"),
        ("FROM x AS a\nARG A\nFROM a\nRUN id\n", "no RUN follows ARG A"),
        ("FROM x\nRUN id\nARG A\n", "no RUN follows ARG A"),
        ("FROM x\nARG A\nENV A=1\nRUN id\n", "no RUN follows ARG A"),
        ("FROM x\nENV B=0 A=1\nARG A\nRUN id\n", "no RUN follows ARG A"),
        ("FROM x\nENV A 1\nARG A\nRUN id\n", "no RUN follows ARG A"),
    ],
)
def test_an_argument_shows_in_the_image_where_a_run_follows_it(text: str, reason: str) -> None:
    told = built_stage(text).traceless("A")
    assert reason in told
    assert bool(reason) == bool(told)


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
        built_stage(text, build_args={"U": "a"}, target="x" if len(text) % 2 else "").user()


def test_a_stage_is_told_as_far_as_the_engine_records_it_as_it_is_written() -> None:
    text = """\
ARG base=debian
FROM $base AS one
RUN unknown base
FROM debian
# a comment
RUN a; \\
    # another
    echo $b
LABEL d="e f"
ENV A=$b
RUN after
FROM debian:12
COPY x /y
RUN after
"""
    stages = [tuple(" ".join(step.split()) for step in s) for s in recorded_stages(text)]
    assert stages == [("$base",), ("debian", "a; echo $b", 'LABEL d="e f"'), ("debian:12",)]


def test_a_comment_is_no_step_of_a_stage() -> None:
    assert built_stage("FROM x\n# why\nRUN a\n").steps == ("RUN a",)
