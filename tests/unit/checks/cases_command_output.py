"""The rows of what commands wrote and printed, and of builds; see cases.py for their form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lifecycle.command.line import Ref
from lifecycle.command.promise import Expected
from lifecycle.command.values.logs import LogsOptions
from lifecycle.facts.model import Facts, LogFacts
from tests.unit.checks.cases import Case, config
from tests.unit.checks.cases_other import IMAGE, image
from tests.unit.checks.samples import (
    CONTAINER_ID,
    IMAGE_ID,
    SEEN,
    UNSEEN,
    executed,
    having,
    inspected,
    said,
    step,
)

DAY = 1_700_000_000.0  # 2023-11-14T22:13:20Z
FIRST, SECOND, THIRD = (
    f"2023-11-14T22:{minute}:20.000000000Z {text}"
    for minute, text in (("11", "one"), ("12", "two"), ("13", "three"))
)
LOG = LogFacts((FIRST, SECOND, THIRD), DAY + 5, DAY + 6)
"""A log of three lines, a minute apart, all of before the command that printed it."""
UNASKED = "it went to a terminal, or the engine gave no log"


def logged(output: str, log: LogFacts | None = LOG) -> Facts:
    """What `docker logs` printed, beside the engine's log."""
    return having(inspected(), more={"output": output, "log": log})


def of_log(name: str, wanted: LogsOptions, kept: str, broken: str) -> Case:
    promise = said(f"logs {name}", "container.log.printed", wanted)
    return Case(promise, logged(kept), logged(broken), logged(kept, None), UNASKED)


def of_flag(flag: str, field: str, value: Expected, kept: str, broken: str) -> Case:
    promise = said(flag, f"container.log.{field}", value)
    return Case(promise, logged(kept), logged(broken))


WHOLE = LogsOptions(None)
LOGS = [
    of_log("all", WHOLE, "one\ntwo\nthree\n", "one\nthree\n"),
    of_log("of a terminal", WHOLE, "one\r\ntwo\r\nthree\r\n", "one\r\ntwo\r\nthree\r\nfour\r\n"),
    of_log("both streams", WHOLE, "two\none\nthree\n", "two\none\ntwo\n"),
    of_log("its end", LogsOptions(2), "two\nthree\n", "one\ntwo\n"),
    of_log("nothing", LogsOptions(0), "", "three\n"),
    of_log("times", LogsOptions(1, timestamps=True), f"{THIRD}\n", "three\n"),
    of_log("details", LogsOptions(1, details=True), "a=b three\n", "a=b two\n"),
    of_log(
        "details and times",
        LogsOptions(1, details=True, timestamps=True),
        THIRD.replace(" ", " a=b "),
        THIRD,
    ),
    of_log("since", LogsOptions(None, since="2023-11-14T22:12:00Z"), "two\nthree\n", "three\n"),
    of_log("a minute ago", LogsOptions(None, since="50s"), "three\n", "two\nthree\n"),
    of_log("until", LogsOptions(None, until="1699999999"), "one\ntwo\n", "one\ntwo\nthree\n"),
    of_flag("--tail", "tail", 2, "one\n", "one\ntwo\nthree\n"),
    of_flag("-t", "timestamps", True, f"{FIRST}\n{THIRD}\n", f"{FIRST}\nthree\n"),
    of_flag("--since", "since", "2023-11-14T22:12:00Z", "two\nthree\n", "one\n"),
    of_flag("--since, with times", "since", "50s", f"{THIRD}\n", f"{SECOND}\n{THIRD}\n"),
    of_flag("--until", "until", "1699999999", "one\ntwo\n", "three\n"),
    Case(
        said("-t, nothing", "container.log.timestamps", True),
        logged(f"{FIRST}\n"),
        logged("one\n"),
        logged(""),
        "it printed nothing",
    ),
    Case(
        said("--since, nothing", "container.log.since", "50s"),
        logged("three\n"),
        logged("one\n"),
        logged(""),
        "it printed no line whose time is known",
    ),
]

MINE = {"A": "mine", "OTHER": "x"}
NOT_KNOWN = "what the caller's environment held then is not known"


def called(facts: Facts, environ: dict[str, str] | None = None) -> Facts:
    """The same of a command that had this environment."""
    return replace(facts, environ=MINE if environ is None else environ)


def inside(**env: str) -> Facts:
    return having(inspected(), replace(SEEN, env=env))


CALLERS = [
    Case(
        said("-e A", "container.env.A", None),
        called(config(Env=["A=mine"])),
        called(config(Env=["A=other"])),
        config(Env=["A=mine"]),
        NOT_KNOWN,
    ),
    Case(
        said("-e, inside", "container.env.A", None, "inside"),
        called(inside(A="mine")),
        called(inside()),
        called(having(inspected(), UNSEEN)),
        UNSEEN.unseen,
    ),
    Case(
        said("-e, which the caller has not", "container.env.B", None),
        called(config(Env=["A=1", "B"])),
        called(config(Env=["B=1"])),
    ),
    Case(
        said("--env-file", "container.env.A", None),
        called(config(Env=["A=mine"])),
        called(config(Env=["A=1"])),
        called(config(Env=[]), {}),
        "A is not set here, so the client passes over it in a file",
    ),
    Case(
        said("-e HOME", "container.env.HOME", None, "inside"),
        called(inside(HOME="/h"), {"HOME": "/h"}),
        called(inside(HOME="/i"), {"HOME": "/h"}),
        called(inside(HOME="/root"), {}),
        "where nobody sets HOME the runtime does",
    ),
    Case(
        said("exec -e", "exec.env.A", None, "host"),
        called(executed(env={"A": "mine"})),
        called(executed(env={})),
        executed(env={"A": "mine"}),
        NOT_KNOWN,
    ),
]

CLASSIC = ("/bin/sh -c #(nop) ADD file:1 in / ", "/bin/sh -c #(nop)  ARG K", "|1 K=v /bin/sh -c id")
BUILDKIT = ("ADD x / # buildkit", "ARG K=v", "RUN |1 K=v /bin/sh -c id # buildkit")


def made_by(*history: str, **found: Any) -> Facts:
    return replace(image(**found), histories={IMAGE.name: history})


def of_build(flag: str, field: str, expected: Expected, kept: Facts, broken: Facts) -> Case:
    promise = said(flag, f"image.{field}", expected, about=IMAGE)
    return Case(promise, kept, broken, step(), "the image was not made")


NOT_MADE = "the image was not made"
ARG = "build_arg.K"
BUILT = [
    of_build("--build-arg", ARG, "v", made_by(*CLASSIC), made_by("|1 K=w /bin/sh -c id")),
    of_build("--build-arg, buildkit", ARG, "v", made_by(*BUILDKIT), made_by("RUN id # buildkit")),
    of_build("--build-arg 2", ARG, "a b", made_by("|2 J=1 K=a b sh -c x"), made_by("|1 K=a sh x")),
    Case(
        said("--build-arg, hidden", "image.build_arg.K", "v", about=IMAGE),
        made_by(*CLASSIC),
        made_by("/bin/sh -c id"),
        made_by("/bin/sh -c id", Config={"Env": ["K=1"]}),
        "an ENV K hides the argument from the image's history",
    ),
    Case(
        said("--build-arg of the caller", "image.build_arg.K", None, about=IMAGE),
        called(made_by(*CLASSIC), {"K": "v"}),
        called(made_by(*CLASSIC), {"K": "w"}),
        called(made_by(*CLASSIC), {}),
        "K is not set here, so it says nothing",
    ),
    of_build("--target", "stage", ("ARG", "RUN id"), made_by(*CLASSIC), made_by(*CLASSIC[:2])),
    of_build(
        "--target, buildkit", "stage", ("ARG", "RUN id"), made_by(*BUILDKIT), made_by(BUILDKIT[2])
    ),
    of_build(
        "--target and --label",
        "stage",
        ("USER kim",),
        made_by("/bin/sh -c #(nop)  USER kim", "/bin/sh -c #(nop)  LABEL a=b"),
        made_by("/bin/sh -c #(nop)  USER lee", "/bin/sh -c #(nop)  LABEL a=b"),
    ),
    of_build("--target, another", "stage", ("RUN id",), made_by("sh -c id"), made_by("sh -c id2")),
    Case(
        said("--iidfile", "image.id_file", "id", "host", about=IMAGE),
        replace(image(), texts={"id": IMAGE_ID}),
        replace(image(), texts={"id": "sha256:00"}),
        image(),
        "the file was not read",
    ),
    Case(
        said("--iidfile, no image", "image.id_file", "id", "host", about=Ref("image", "x")),
        replace(step(images={"x": {"Id": IMAGE_ID}}), texts={"id": f"{IMAGE_ID}\n"}),
        replace(step(images={"x": {"Id": IMAGE_ID}}), texts={"id": ""}),
        step(),
        NOT_MADE,
    ),
    Case(
        said("--cidfile", "container.id_file", "id", "host"),
        having(inspected(), more={"texts": {"id": CONTAINER_ID}}),
        having(inspected(), more={"texts": {"id": CONTAINER_ID[:12]}}),
        having(inspected()),
        "the file was not read",
    ),
]
