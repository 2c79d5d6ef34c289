"""Whatever the image: a line is kept, a wrong one is broken, and what can't be seen says why."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lifecycle.cli import main
from tests.engine.harness import Place, Ran, broken, docker, wait_until

pytestmark = pytest.mark.engine

# In `box` there is nothing but busybox, in `bare` one program and no shell; `deaf` passes over its
# arguments and `says` prints them.
IMAGES = r"""
FROM {base} AS made
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends busybox-static >/dev/null
RUN mkdir -p /bare/etc /bare/srv /box/bin && cp /bin/busybox /bare/sleep \
 && cp /bin/busybox /bare/httpd && echo 'kim:x:1234:1235::/srv:/none' > /bare/etc/passwd \
 && cp -r /bare/etc /bare/srv /box && cp /bin/busybox /box/bin/ && cd /box/bin \
 && for tool in sh id stat tail rm sleep; do ln -s busybox $tool; done
FROM scratch AS bare
COPY --from=made /bare /
FROM scratch AS box
COPY --from=made /box /
FROM {base} AS deaf
ENTRYPOINT ["sh", "-c", "exec sleep 600"]
FROM {base} AS says
ENTRYPOINT ["echo"]
FROM {base} AS bash
"""
MADE = (
    "-v FOLDER/data:/data -u 1234:1235 -e MODE=train -w /srv --read-only --tmpfs /scratch"
    " --cap-drop CHOWN --memory 64m --pids-limit 50 --hostname box --add-host near:192.0.2.7"
)
NO_SHELL = "there is no shell in the image to ask with"
PAUSED = "it is paused, so that nothing in it answers"


@dataclass(frozen=True)
class Kind:
    """An image, the words after it, and why nobody inside can be asked; empty where one can."""

    image: str
    words: str = "sleep 600"
    deaf_to_us: str = ""


KINDS = {
    "bash": Kind("bash"),
    "box": Kind("box"),
    "bare": Kind("bare", "/sleep 600", NO_SHELL),
    "deaf": Kind("deaf", "bash -l"),
    "paused": Kind("bash", deaf_to_us=PAUSED),
}
ASKED = [name for name, kind in KINDS.items() if not kind.deaf_to_us]
LOOKED_AT = [name for name, kind in KINDS.items() if kind.deaf_to_us]
UNTRUE = [
    "-v FOLDER/data:/elsewhere",
    "-v FOLDER/data:/data:ro",
    "-u 1234:1",
    "-u 1235",
    "-e MODE=test",
    "-e OTHER=train",
    "-w /elsewhere",
    "--tmpfs /elsewhere",
    "--cap-drop MKNOD",
    "--cap-add NET_ADMIN",
    "--memory 32m",
    "--pids-limit 51",
    "--hostname another",
    "--add-host near:192.0.2.8",
]


@pytest.fixture(scope="module")
def images(shared_place: Place, base_image: str) -> Iterator[Callable[[str], str]]:
    """Build them once; gives an image's name."""
    place = shared_place
    kinds = ("made", "bare", "box", "deaf", "says", "bash")
    names = {kind: f"{place.word}/{kind}" for kind in kinds}
    place.write("Dockerfile", IMAGES.format(base=base_image))
    for kind, name in names.items():
        docker("build", "-q", "--target", kind, "-t", name, str(place.folder))
    yield names.__getitem__
    docker("rmi", *names.values())


@pytest.fixture(scope="module")
def held(shared_place: Place, images: Callable[[str], str]) -> Iterator[Place]:
    """A container of each kind, by the CLI; `hold` only looks."""
    (shared_place.folder / "data").mkdir()
    (shared_place.folder / "data").chmod(0o777)
    for name, kind in KINDS.items():
        words = shlex.split(MADE.replace("FOLDER", str(shared_place.folder)))
        named = ("-d", f"--name={shared_place.word}-{name}")
        docker("run", *named, *words, images(kind.image), *kind.words.split())
    docker("pause", f"{shared_place.word}-paused")
    yield shared_place
    docker("rm", "-f", *(f"{shared_place.word}-{name}" for name in KINDS))


@pytest.fixture
def ask(
    held: Place, images: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> Callable[[str, str], list[Any]]:
    """Hold a container to some flags: the checks that are not the engine's own word."""

    def ask(name: str, flags: str) -> list[Any]:
        words = shlex.split(flags.replace("FOLDER", str(held.folder)))
        line = ["docker", "run", *words, images(KINDS[name].image), *KINDS[name].words.split()]
        main(["hold", f"{held.word}-{name}", "--inside", "--json", "--", *line])
        checks = json.loads(capsys.readouterr().out)["checks"]
        return [c for c in checks if not c["source"].startswith("inspect")]

    return ask


@pytest.mark.parametrize("name", KINDS)
def test_a_line_that_made_a_container_holds_in_all_that_can_be_seen(ask: Any, name: str) -> None:
    checks = ask(name, MADE)
    statuses = {c["about"]: c["status"] for c in checks}
    assert "broken" not in statuses.values()
    unseen = {c["about"].split(":")[0] for c in checks if c["status"] == "unverified"}
    assert unseen <= {"-v"}  # `hold` never writes
    assert len([s for s in statuses.values() if s == "kept"]) >= 11, checks


@pytest.mark.parametrize("flags", UNTRUE)
@pytest.mark.parametrize("name", ["box", *LOOKED_AT])
def test_a_wrong_line_is_broken_by_more_than_the_engines_word(
    ask: Any, name: str, flags: str
) -> None:
    assert "broken" in {c["status"] for c in ask(name, flags)}


@pytest.mark.parametrize("name", LOOKED_AT)
def test_what_is_seen_from_outside_says_so(ask: Any, name: str) -> None:
    kept = [c for c in ask(name, MADE) if c["status"] == "kept"]
    assert all("(seen from outside)" in c["about"] for c in kept)
    places = {c["about"].split(":")[0]: c["source"] for c in kept}
    assert places["-e"] == "this machine's /proc/PID/environ"
    assert places["--memory"].startswith("its cgroup's memory")
    assert places["--add-host"] == "/etc/hosts by the archive API"


@pytest.mark.parametrize("name", ASKED)
def test_what_is_seen_inside_says_so(ask: Any, name: str) -> None:
    kept = [c for c in ask(name, MADE) if c["status"] == "kept"]
    assert all("(seen inside)" in c["about"] for c in kept)


@pytest.mark.parametrize("name", LOOKED_AT)
def test_what_needs_a_shell_says_why_it_was_not_seen(ask: Any, name: str) -> None:
    told = ask(name, "--sysctl net.core.somaxconn=77 --device /dev/null:/dev/twin")
    hidden = [c["source"] for c in told if c["status"] == "unverified"]
    assert len(hidden) == 2
    assert all(source.startswith(KINDS[name].deaf_to_us) for source in hidden)


# -- a scenario -------------------------------------------------------------------------------


def steps(image: str, *more: str, then: str = "") -> str:
    """A scenario that runs an image with a folder of its own; ``then`` is what it expects."""
    words = " ".join(more)
    flags = MADE.replace("FOLDER/data", "$PWD/data")
    return f"""
scenario: any
steps:
  - {{write: data/note, content: mine}}
  - chmod 0777 data
  - name: run
    command: docker run -d --name MINE-c {flags} {words.replace("IMAGE", image)}
{then}
  - docker rm -f MINE-c
"""


def told(ran: Ran, part: str) -> list[tuple[str, str]]:
    """Status and source of the checks of the step `run` that are about something."""
    return [(c["status"], c["source"]) for c in ran.step("run")["checks"] if part in c["about"]]


SEEN = """
    expect:
      inside: {uid: 1234, gid: 1235, user: kim, cwd: /srv, files: {/data/note: {text: mine}}}
"""


def test_busybox_alone_is_all_that_a_look_needs(place: Place, images: Callable[[str], str]) -> None:
    ran = place.run(str(place.write("s.yaml", steps(images("box"), "IMAGE sleep 600", then=SEEN))))
    assert ran.exit_code == 0, ran.said
    assert [c["about"] for c in ran.step("run")["checks"] if c["status"] == "unverified"] == []


def test_an_image_without_a_shell_is_seen_from_outside(
    place: Place, images: Callable[[str], str]
) -> None:
    words = ("-p ${{ run.port(8080) }}:8080", "IMAGE /httpd -f -p 8080")
    ran = place.run(str(place.write("s.yaml", steps(images("bare"), *words, then=SEEN))))
    assert ran.exit_code == 0, ran.said
    open_ = [c for c in ran.step("run")["checks"] if c["status"] == "unverified"]
    assert {c["source"] for c in open_} == {f"{NO_SHELL}, so no file was written in it"}
    assert len(open_) == 2
    ((status, how),) = told(ran, "8080/tcp answers")
    assert (status, how.partition(" ")[0]) == ("kept", "connected")


def test_a_wrong_expectation_of_an_image_without_a_shell_is_broken(
    place: Place, images: Callable[[str], str]
) -> None:
    wrong = SEEN.replace("user: kim", "user: lee").replace("text: mine", "text: yours")
    text = steps(images("bare"), "IMAGE /sleep 600", then=wrong)
    ran = place.run(str(place.write("s.yaml", text)))
    assert ran.exit_code == 1
    assert broken(ran.step("run")) == ["inside: user name", "inside: /data/note text"]


@pytest.mark.parametrize("flags", ["", "--rm "])
def test_a_container_that_ends_at_once_breaks_no_promise_of_its_line(
    place: Place, images: Callable[[str], str], flags: str
) -> None:
    text = steps(images("bash"), "IMAGE true").replace("run -d ", f"run {flags}")
    text = text if not flags else text.replace("  - docker rm -f MINE-c\n", "")
    ran = place.run(str(place.write("s.yaml", text)))
    assert ran.exit_code == 0, ran.said
    assert broken(ran.step("run")) == []


def test_a_container_that_is_long_in_going_has_ended(place: Place, base_image: str) -> None:
    text = f"""
scenario: long in going
steps:
  - docker run -d --rm --name=MINE-c {base_image} sleep 600
  - docker exec MINE-c bash -c "mkdir /many && cd /many && touch {{{{1..60000}}}}"
  - {{name: stop, command: docker stop -t 0 MINE-c}}
"""
    ran = place.run(str(place.write("s.yaml", text)))
    assert ran.exit_code == 0, ran.said
    (ended,) = (c for c in ran.step("stop")["checks"] if c["about"].endswith(": state"))
    assert (ended["status"], ended["source"]) == ("kept", "events"), "its end is waited for"


def test_files_of_a_container_that_has_ended_are_seen_in_its_archive(
    place: Place, images: Callable[[str], str]
) -> None:
    then = "    expect: {inside: {files: {/sleep: {owner: 0}, /bin/sh: {exists: false}}}}"
    text = steps(images("bare"), "IMAGE /sleep 0", then=then).replace("run -d ", "run ")
    ran = place.run(str(place.write("s.yaml", text)))
    assert ran.exit_code == 0, ran.said
    by_archive = "/sleep by the archive API"
    assert told(ran, "inside: /sleep owner") == [("kept", by_archive)]


def test_words_that_an_entrypoint_takes_are_no_command_of_ours(
    place: Place, images: Callable[[str], str]
) -> None:
    then = "    expect: {output: ^sleep 600$, container: {state: exited}}"
    text = steps(images("says"), "IMAGE sleep 600", then=then).replace("run -d ", "run ")
    ran = place.run(str(place.write("s.yaml", text)))
    assert ran.exit_code == 0, ran.said
    assert ("kept", "inspect .Config.Cmd") in told(ran, "runs the command")


def test_hold_looks_at_a_container_that_has_ended(
    place: Place, images: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{place.word}-e"
    docker("run", f"--name={name}", "-e", "A=1", images("bare"), "/sleep", "0")
    wait_until(lambda: docker("inspect", "-f", "{{.State.Status}}", name) == "exited")
    assert main(["hold", name, "--inside", "--", "docker", "run", "-e", "A=1", "x"]) == 0
    docker("rm", name)
    assert "the container is not running" in capsys.readouterr().out
