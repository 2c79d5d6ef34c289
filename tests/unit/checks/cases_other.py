"""The rows of exec, images, files, volumes and networks; see cases.py for their form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lifecycle.command.line import Ref
from lifecycle.facts.model import Facts
from tests.unit.checks.cases import Case
from tests.unit.checks.samples import (
    IMAGE_ID,
    SEEN,
    STARTED,
    UNSEEN,
    executed,
    having,
    inspected,
    said,
    step,
)

IMAGE, VOLUME, NETWORK = Ref("image", "me/test:latest"), Ref("volume", "v"), Ref("network", "n")
DIGEST = "sha256:" + "ab" * 32
NO_EXEC = having(inspected())
NONE = "the engine reported no exec"
OVER = "it had ended, or not begun, when it was read"
PRIVATE = "only root or the same user may read that process"


def image(**found: Any) -> Facts:
    """The image is there, with these fields."""
    return step(images={IMAGE.name: {"Id": IMAGE_ID, "Config": {"User": "kim"}, **found}})


def images(**ids: str) -> Facts:
    """Images by the names ``a:latest`` and so on."""
    return step(images={f"{name}:latest": {"Id": i} if i else None for name, i in ids.items()})


EXEC = [
    Case(said("exec", "exec.new_process", True), executed(), NO_EXEC),
    Case(
        said("exec, as process 1", "exec.new_process", True),
        executed(),
        executed(inspect={"Pid": 7506}),
    ),
    Case(
        said("exec, not started", "exec.new_process", True),
        executed(),
        executed(inspect={"Pid": 0}),
    ),
    Case(
        said("-t", "exec.tty", True),
        executed(config={"tty": True}),
        executed(),
        NO_EXEC,
        NONE,
    ),
    Case(
        said("-i", "exec.stdin", True),
        executed(inspect={"OpenStdin": True}),
        executed(),
        NO_EXEC,
        NONE,
    ),
    Case(
        said("exec", "exec.command", ("sleep", "30")),
        executed(),
        executed(config={"arguments": None}),
        NO_EXEC,
        NONE,
    ),
    Case(said("-u", "exec.user", "0"), executed(config={"user": "0"}), executed(), NO_EXEC, NONE),
    Case(
        said("-u 0", "exec.user", "0", "host"),
        executed(uid=0),
        executed(uid=1500),
        executed(inside=UNSEEN, unseen=OVER),
        "it ended before it could be asked",
    ),
    Case(
        said("-u NAME", "exec.user", "kim", "host"),
        executed(uid=1500),
        executed(uid=0, inside=replace(SEEN, user_name="root")),
        replace(executed(uid=1500), containers={}),
        "the container was not looked at",
    ),
    Case(
        said("-w", "exec.workdir", "/w/", "host"),
        executed(cwd="/w"),
        executed(cwd="/"),
        executed(unseen=PRIVATE),
        PRIVATE,
    ),
    Case(
        said("-e", "exec.env.A", "1", "host"),
        executed(env={"A": "1"}),
        executed(env={}),
        executed(unseen=OVER),
        OVER,
    ),
]

OTHER = [
    Case(
        said("build", "image.exists", True, about=IMAGE),
        image(),
        step(images={IMAGE.name: None}),
        step(),
        "the image was not looked at",
    ),
    Case(
        said("rmi", "image.exists", False, about=IMAGE),
        step(images={IMAGE.name: None}),
        image(),
        step(),
        "the image was not looked at",
    ),
    Case(
        said("tag", "image.same_as", "a:latest", about=Ref("image", "b:latest")),
        images(a=IMAGE_ID, b=IMAGE_ID),
        images(a=IMAGE_ID, b="sha256:00"),
        images(a="", b=IMAGE_ID),
        "a:latest was not found",
    ),
    Case(
        said("tag, not made", "image.same_as", "a:latest", about=Ref("image", "b:latest")),
        images(a=IMAGE_ID, b=IMAGE_ID),
        images(a=IMAGE_ID, b=""),
    ),
    Case(
        said("pull", "image.digest", DIGEST, about=IMAGE),
        image(RepoDigests=[f"me/test@{DIGEST}"]),
        image(RepoDigests=["me/test@sha256:00"]),
    ),
    Case(
        said("build", "image.user", "kim", about=IMAGE),
        image(),
        image(Config={"User": "root"}),
        step(images={IMAGE.name: None}),
        "the image was not made",
    ),
    Case(
        said("push", "image.pushed", True, "host", about=IMAGE),
        step(pushed={IMAGE.name: DIGEST}),
        step(pushed={IMAGE.name: ""}),
        step(),
        "the registry was not asked",
    ),
    Case(
        said("save -o", "file.exists", "a.tar", "host"),
        step(files={"a.tar": True}),
        step(files={"a.tar": False}),
        step(),
        "the file was not looked at",
    ),
    Case(
        said("volume create", "volume.exists", True, about=VOLUME),
        step(volumes={"v": {"Name": "v", "CreatedAt": STARTED}}),
        step(volumes={"v": None}),
        step(),
        "the volume was not looked at",
    ),
    Case(
        said("network rm", "network.exists", False, about=NETWORK),
        step(networks={"n": None}),
        step(networks={"n": {"Name": "n", "Id": "52f2d7"}}),
        step(),
        "the network was not looked at",
    ),
]
