"""Every promise, kept and broken, on one real container: `lifecycle hold` tells them apart."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lifecycle.cli import main
from tests.engine.harness import Place, docker

pytestmark = pytest.mark.engine

MADE = """
docker run -dti --rm --name MINE-h --hostname a-host --label team=vision --shm-size 96m
 -e MODE=train -u 1234:1235 -w /srv --entrypoint sleep --network MINE-n
 -v FOLDER/open:/open -v FOLDER/fixed:/fixed:ro -v MINE-v:/named --tmpfs /scratch
 -p 8080 IMAGE 600
"""
# What is true of it, what is not, and what the check that says so is about.
LINES = [
    ("-v FOLDER/open:/open", "-v FOLDER/other:/open", "/open"),
    ("-v FOLDER/open:/open", "-v FOLDER/open:/elsewhere", "/elsewhere"),
    ("-v FOLDER/open:/open", "-v FOLDER/open:/open:ro", "/open"),
    ("-v FOLDER/fixed:/fixed:ro", "-v FOLDER/fixed:/fixed", "/fixed"),
    ("-v MINE-v:/named", "-v MINE-w:/named", "/named"),
    (
        "--mount type=bind,source=FOLDER/open,target=/open",
        "--mount type=bind,source=FOLDER/open,target=/open,readonly",
        "/open",
    ),
    ("-p PORT:8080", "-p 1:8080", "8080"),
    ("-p PORT:8080", "-p PORT:8081", "8081"),
    ("-e MODE=train", "-e MODE=test", "MODE"),
    ("-e MODE=train", "-e OTHER=train", "OTHER"),
    ("-u 1234:1235", "-u 1234:1", "-u"),
    ("-u 1234:1235", "-u root", "-u"),
    ("-u 1234:1235", "-u 1235", "-u"),
    ("-w /srv", "-w /tmp", "-w"),
    ("--entrypoint sleep", "--entrypoint bash", "--entrypoint"),
    ("--label team=vision", "--label team=audio", "team"),
    ("--hostname a-host", "--hostname b-host", "--hostname"),
    ("--shm-size 96m", "--shm-size 64m", "--shm-size"),
    ("--network MINE-n", "--network bridge", "--network"),
]
# What the container has; the other one was made without.
SWITCHES = ["-t", "-i", "--rm"]


@dataclass
class Held:
    """Two containers, and how their lines are written."""

    place: Place
    image: str
    port: str

    def words(self, flags: str, args: str = "") -> list[str]:
        """A line's words."""
        named = {"FOLDER": str(self.place.folder), "MINE": self.place.word, "PORT": self.port}
        for word, value in named.items():
            flags = flags.replace(word, value)
        return ["docker", "run", *shlex.split(flags), self.image, *shlex.split(args)]

    def state(self) -> Any:
        """All that the daemon says of the container, and what is in its folders."""
        seen = json.loads(docker("inspect", f"{self.place.word}-h"))[0]
        seen.pop("ExecIDs")
        seen["Mounts"].sort(key=str)  # the daemon tells them in any order
        files = sorted(str(p) for p in self.place.folder.rglob("*"))
        return seen, files, sorted(docker("diff", f"{self.place.word}-h").splitlines())


@pytest.fixture(scope="module")
def held(shared_place: Place, base_image: str) -> Iterator[Held]:
    """Make them once; `hold` only looks."""
    place = shared_place
    for name in ("open", "fixed", "other"):
        (place.folder / name).mkdir()
        (place.folder / name).chmod(0o777)
    docker("network", "create", f"{place.word}-n")
    words = MADE.replace("MINE", place.word).replace("FOLDER", str(place.folder))
    docker(*words.replace("IMAGE", base_image).split()[1:])
    docker("run", "-d", f"--name={place.word}-plain", base_image, "sleep", "600")
    port = docker("port", f"{place.word}-h", "8080").splitlines()[0].rpartition(":")[2]
    yield Held(place, base_image, port)
    docker("rm", "-f", f"{place.word}-h", f"{place.word}-plain")
    docker("volume", "rm", f"{place.word}-v")
    docker("network", "rm", f"{place.word}-n")


@pytest.fixture
def ask(held: Held, capsys: pytest.CaptureFixture[str]) -> Any:
    """Hold one of them to a line: the exit code, and the checks by status."""

    def ask(flags: str, args: str = "", on: str = "h") -> tuple[int, dict[str, list[str]]]:
        name = f"{held.place.word}-{on}"
        code = main(["hold", name, "--inside", "--json", "--", *held.words(flags, args)])
        told: dict[str, list[str]] = {"kept": [], "broken": [], "unverified": []}
        for check in json.loads(capsys.readouterr().out)["checks"]:
            told[check["status"]].append(check["about"])
        return code, told

    return ask


@pytest.mark.parametrize(("true", "untrue", "about"), LINES)
def test_a_true_line_is_kept_and_an_untrue_one_broken(
    ask: Any, true: str, untrue: str, about: str
) -> None:
    code, told = ask(true)
    assert (code, told["broken"]) == (0, [])
    flag = true.split(maxsplit=1)[0]
    assert any(text.startswith(flag) for text in told["kept"]), told
    code, told = ask(untrue)
    assert code == 1
    assert told["broken"]
    assert all(about in text for text in told["broken"]), told


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_is_kept_where_it_was_given_and_broken_where_not(ask: Any, switch: str) -> None:
    code, told = ask(switch)
    assert (code, told["broken"]) == (0, [])
    code, told = ask(switch, on="plain")
    assert code == 1
    assert all(text.startswith(switch) for text in told["broken"])


def test_the_whole_line_that_made_it_holds_and_each_thing_is_seen(ask: Any) -> None:
    flags = " ".join(MADE.split()[2:-2]).replace("-p 8080", "-p PORT:8080")
    code, told = ask(flags, "600")
    assert (code, told["broken"]) == (0, [])
    assert len(told["kept"]) > len(told["unverified"])
    assert {t.split(":")[0] for t in told["kept"]} >= {"-v", "-p", "-e", "-u", "-w", "--hostname"}


def test_the_command_and_the_image_are_held_too(ask: Any, held: Held) -> None:
    assert ask("--entrypoint sleep", "600")[0] == 0
    code, told = ask("--entrypoint sleep", "601")
    assert (code, len(told["broken"])) == (1, 1)
    other = Held(held.place, f"{held.place.word}/other:1", held.port)
    docker("commit", f"{held.place.word}-plain", other.image)
    assert main(["hold", f"{held.place.word}-h", "--", *other.words("-e MODE=train")]) == 1
    docker("rmi", other.image)


def test_the_name_in_the_line_is_not_the_question(ask: Any) -> None:
    code, told = ask("--name somebody-elses -e MODE=train")
    assert (code, told["broken"]) == (0, [])


def test_an_absent_flag_promises_nothing(ask: Any) -> None:
    code, told = ask("-e MODE=train")
    assert code == 0
    assert len(told["kept"]) == 3, told


def test_a_line_of_which_nothing_can_be_seen_is_not_kept(ask: Any) -> None:
    code, _ = ask("--gpus all")
    assert code == 1


def test_hold_never_writes(held: Held, ask: Any) -> None:
    before = held.state()
    ask("-v FOLDER/open:/open -v FOLDER/fixed:/fixed:ro -v MINE-v:/named -u 1234 -p PORT:8080")
    assert held.state() == before


def test_a_missing_source_is_not_made(held: Held, ask: Any) -> None:
    assert ask("-v FOLDER/missing:/open")[0] == 1
    assert not (held.place.folder / "missing").exists()


def test_the_inside_is_asked_only_when_wanted(
    held: Held, capsys: pytest.CaptureFixture[str]
) -> None:
    words = held.words("-v FOLDER/open:/open")
    assert main(["hold", f"{held.place.word}-h", "--", *words]) == 0
    assert "the inside was not asked; --inside asks it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["no-such-container", "--", "docker", "run", "x"], "no container is named"),
        (["NAME", "--", "docker", "rm", "x"], "takes a docker run or create line"),
        (["NAME", "--", "docker", "run", "--no-such-flag", "x"], "--no-such-flag"),
    ],
)
def test_what_cannot_be_held_is_a_usage_error(
    held: Held, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    named = [f"{held.place.word}-h" if w == "NAME" else w for w in words]
    assert main(["hold", *named]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert says in told.err


def test_a_stopped_container_is_held_to_what_can_still_be_seen(
    place: Place, base_image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="lifecycle-test-"))
    name = f"{place.word}-s"
    docker("create", f"--name={name}", "-v", f"{folder}:/w", base_image)
    words = ["docker", "run", "-v", f"{folder}:/w", base_image]
    assert main(["hold", name, "--inside", "--", *words]) == 0
    assert "the container is not running" in capsys.readouterr().out
    docker("rm", name)
    shutil.rmtree(folder)
