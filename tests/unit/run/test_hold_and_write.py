"""A container of somebody else's is looked at and never written to; a file is written whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lifecycle.checks.check import Check
from lifecycle.command.parse import parse
from lifecycle.engine.daemon import ExecOutcome
from lifecycle.facts.model import World
from lifecycle.hold.hold import HoldError, hold
from lifecycle.hold.line_from_inspect import line_of
from lifecycle.machine.subject import current_subject
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.plan.variables import RunValues, variables
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.session import Session
from lifecycle.run.steps.write_step import write_file
from lifecycle.text.json_object import Json
from tests.fakes.daemon import FakeDaemon
from tests.unit.checks.samples import EXITED, IMAGE_ID, NO_GPUS, inspected, world

LINE = "docker run -ti -v ./nas:/workspace -p 8080:80 -u 1500 me/test bash"


class Watched(FakeDaemon):
    """Counts the looks inside, and keeps the scripts."""

    def __init__(self, seen: Json) -> None:
        super().__init__()
        self.things["container"][seen["Id"]] = {**seen, "Name": "/theirs"}
        self.files[seen["Id"]] = {}
        self.make_image("me/test", identity=IMAGE_ID)
        self.inside = lambda *_: ExecOutcome(1, "")

    @property
    def scripts(self) -> list[str]:
        """What was asked of the inside."""
        return [words[-1] for words in self.asked]


def seen(**state: Any) -> Json:
    mount = {"Type": "bind", "Source": f"{Path.cwd()}/nas", "Destination": "/workspace", "RW": True}
    return inspected(
        Config={"User": "1500", "Tty": True, "OpenStdin": True, "Cmd": ["bash"]},
        Mounts=[mount],
        NetworkSettings={"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}},
        State=state,
    )


def held(engine: Watched, text: str = LINE, *, inside: bool = False) -> list[Check]:
    return hold(engine, "theirs", parse(text.split()), world(), inside=inside)


def test_what_a_line_declares_is_compared_without_a_word_to_the_inside() -> None:
    engine = Watched(seen())
    checks = held(engine)
    assert {c.status for c in checks} == {"kept", "unverified"}
    assert "inspect .Mounts" in {c.source for c in checks if c.status == "kept"}
    assert "the inside was not asked; --inside asks it" in {c.source for c in checks}
    assert engine.scripts == []


def test_a_line_that_does_not_hold_is_broken() -> None:
    (broken,) = [
        c for c in held(Watched(seen()), LINE.replace("1500", "0")) if c.status == "broken"
    ]
    assert (broken.expected, broken.actual) == ("0", "1500")


def test_a_look_inside_writes_nothing() -> None:
    engine = Watched(seen())
    held(engine, inside=True)
    (script,) = engine.scripts
    assert ": >" not in script
    assert "rm -f" not in script


def test_a_container_that_is_over_is_not_entered() -> None:
    engine = Watched(seen(**EXITED))
    assert "the container is not running" in {c.source for c in held(engine, inside=True)}
    assert engine.scripts == []


def test_how_it_was_started_is_not_asked_of_an_old_container() -> None:
    labels = [c.about for c in held(Watched(seen(**EXITED)))]
    assert not any("was started" in label or "is there" in label for label in labels)


def test_a_container_that_is_not_there_is_told() -> None:
    with pytest.raises(HoldError, match="no container is named theirs"):
        hold(FakeDaemon(), "theirs", parse(LINE.split()), world(), inside=False)


# -- writing ----------------------------------------------------------------------------------

Writer = Callable[..., tuple[Check, Path]]


@pytest.fixture
def write(tmp_path: Path, first: Callable[..., PlannedStep]) -> Writer:
    """Writes a file in a work folder as the person who runs the tests."""

    def do(name: str, content: str = "x", mode: str = "") -> tuple[Check, Path]:
        work = tmp_path / "folder"
        work.mkdir(exist_ok=True)
        step = first("- {write: a, content: x}\n")
        changed = {"write": name, "mode": mode or None}
        planned = replace(step, step=step.step.model_copy(update=changed), content=content)
        around = World(current_subject(), NO_GPUS, shares_machine=True)
        session = cast("Session", SimpleNamespace(folder=work, world=around))
        (check,) = write_file(session, planned)
        return check, work / name

    return do


@pytest.mark.parametrize(("mode", "wanted"), [("", 0o644), ("0600", 0o600), ("0755", 0o755)])
def test_a_file_is_written_with_its_mode_for_its_person(
    write: Writer, mode: str, wanted: int
) -> None:
    check, path = write("sub/deep/file", "한글\n", mode)
    assert check.status == "kept"
    assert path.read_text("utf-8") == "한글\n"
    assert path.stat().st_mode & 0o7777 == wanted
    assert path.stat().st_uid == os.geteuid()


def test_a_file_is_written_anew(write: Writer) -> None:
    write("file", "long content")
    assert write("file", "short")[1].read_text() == "short"


@pytest.mark.parametrize("name", ["../out", "/etc/lifecycle-out", "a/../../out"])
def test_nothing_is_written_outside_the_work_folder(write: Writer, name: str) -> None:
    check, path = write(name)
    assert check.status == "broken"
    assert not path.exists()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The work folder, with what an earlier step may have put in the way."""
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "victim").write_text("victim")
    (folder / "link").symlink_to(outside / "victim")
    (folder / "dangling").symlink_to(outside / "new")
    (folder / "up").symlink_to(outside)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "hard").hardlink_to(outside / "victim")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("link", "link is a link, which a write does not follow"),
        ("dangling", "dangling is a link, which a write does not follow"),
        ("up/new", "up is a link, which a write does not follow"),
        ("up/victim", "up is a link, which a write does not follow"),
        ("loop/new", "loop is a link, which a write does not follow"),
        ("hard", "the file has another name, perhaps outside the work folder"),
        ("pipe", "pipe is there, and no regular file"),
        ("pipe/new", "pipe is there, and no regular file"),
    ],
)
def test_what_an_earlier_step_put_in_the_way_leads_nowhere(
    write: Writer, work: Path, name: str, said: str
) -> None:
    check, _ = write(name, "new")
    assert (check.status, check.actual) == ("broken", said)
    outside = work.parent / "outside"
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"victim": "victim"}


@pytest.mark.parametrize(
    ("name", "mode", "said"), [(".", "", "Is a directory"), ("a", "rwx", "invalid literal")]
)
def test_what_can_not_be_written_is_a_broken_check(
    write: Writer, name: str, mode: str, said: str
) -> None:
    check, _ = write(name, mode=mode)
    assert check.status == "broken"
    assert said in str(check.actual)


# -- variables --------------------------------------------------------------------------------


def test_the_namespaces_of_an_expression() -> None:
    run = RunValues("r1", "/srv", "/srv", kernel="6.1.0", choose_port=lambda port: port + 1)
    assert (run.port("8080"), run.kernel) == (8081, "6.1.0")
    secret = Secrets({})
    assert variables({"name": "kim"}, {}, run, secret) == {
        "me": {"name": "kim"},
        "people": {},
        "lab": {},
        "run": run,
        "secret": secret,
    }


def test_a_container_without_a_line_is_held_to_its_limits_and_rights() -> None:
    host = {
        "Memory": 2**26,
        "NanoCpus": 1_500_000_000,
        "PidsLimit": -1,
        "CapAdd": ["CAP_KILL", "CAP_OF_TOMORROW"],
        "SecurityOpt": ["no-new-privileges", "label=disable"],
        "Sysctls": {"net.a": "1", "kernel.panic": "1"},
        "Ulimits": [{"Name": "core", "Soft": 0, "Hard": -1}],
    }
    words = line_of(inspected(HostConfig=host))
    assert words[2:-1] == [
        *("--shm-size", "67108864"),
        *("--memory", "67108864", "--cpus", "1500000000/1000000000", "--ulimit", "core=0:-1"),
        *("--cap-add", "CAP_KILL", "--security-opt", "no-new-privileges", "--sysctl", "net.a=1"),
    ]
    parse(words)
