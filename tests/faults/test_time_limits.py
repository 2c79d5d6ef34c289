"""A command whose time is up ends, with all that it started inside a container."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.engine.end_exec import end_exec
from tests.engine.harness import Place, Ran, docker, wait_until

pytestmark = pytest.mark.engine

STEPS = """
scenario: late
steps:
  - docker run -d --name=MINE-c ${{ lab.base_image }} sleep 300
  - docker exec -d MINE-c sleep 777
  - {name: The late one, %s}
finally:
  - {name: Processes, command: docker top MINE-c}
"""


def late(place: Place, step: str) -> Ran:
    ran = place.run(str(place.write("a.yaml", STEPS % step)))
    assert ran.statuses()["The late one"] == "failed", ran.said
    assert place.left() == []
    return ran


def why(ran: Ran) -> str:
    checks = ran.step("The late one")["checks"]
    return next(str(c["actual"]) for c in checks if c["about"] == "it gets done")


@pytest.mark.parametrize(
    "command",
    [
        "docker exec MINE-c sleep 1001",
        "docker exec MINE-c sh -c 'sleep 1001 & sleep 1001'",
        "docker exec MINE-c sh -c 'trap true TERM HUP INT; while true; do sleep 1001; done'",
    ],
    ids=["one", "with a job", "deaf"],
)
def test_an_exec_whose_time_is_up_ends_inside_too(place: Place, command: str) -> None:
    ran = late(place, f'command: "{command}", timeout: 2s')
    assert why(ran) == "it did not end within 2 s; it was ended inside"
    assert "sleep 1001" not in ran.step("Processes")["screen"]


def test_other_execs_of_the_container_go_on(place: Place) -> None:
    ran = late(place, "command: docker exec MINE-c sleep 1001, timeout: 2s")
    assert "sleep 777" in ran.step("Processes")["screen"]


def test_a_dialogue_that_never_ends_leaves_its_screen_and_no_process(place: Place) -> None:
    step = (
        """command: "docker exec -ti MINE-c sh -c 'echo Name: ; cat; sleep 1001'", timeout: 2s, """
        "dialogue: [{expect: 'Name:', send: somebody}, {expect: never, send: x}]"
    )
    ran = late(place, step)
    assert why(ran).startswith("'never' did not come on ")
    assert "somebody" in ran.step("The late one")["screen"]
    assert "sleep 1001" not in ran.step("Processes")["screen"]
    assert " cat" not in ran.step("Processes")["screen"]


def test_a_run_whose_time_is_up_is_stopped_by_the_clean_up(place: Place) -> None:
    command = "docker run --name=MINE-d ${{ lab.base_image }} sleep 1001"
    ran = late(place, f'command: "{command}", timeout: 2s')
    assert ran.step("Clean-up")["status"] == "passed"


def test_a_build_whose_time_is_up_leaves_no_container(place: Place) -> None:
    text = """
scenario: late
steps:
  - {write: dockerfile, content: "FROM ${{ lab.base_image }}\\nRUN echo MINE && sleep 300\\n"}
  - {name: The late one, command: docker build -t MINE/i . -f dockerfile, timeout: 5s}
"""
    ran = place.run(str(place.write("a.yaml", text)))
    assert why(ran) == "it did not end within 5 s"
    told = docker("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Command}}").splitlines()
    assert [line for line in told if place.word in line] == []


@contextmanager
def running(place: Place, daemon: Daemon, image: str, user: str) -> Iterator[str]:
    """An exec of somebody that runs in a container; gives its id."""
    name = f"{place.word}-c"
    docker("run", "-d", "--name", name, image, "sleep", "300")
    try:
        exec_id = daemon.start_inside(name, ["sh", "-c", "sleep 1001 & sleep 1001"], user=user)
        wait_until(lambda: (daemon.exec(exec_id) or {}).get("Pid"))
        yield exec_id
    finally:
        docker("rm", "-f", name)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    made = Daemon(os.environ["DOCKER_HOST"], os.environ)
    yield made
    made.close()


def test_who_may_not_end_it_from_the_host_ends_it_from_inside_as_its_user(
    place: Place, daemon: Daemon, base_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecycle.engine.end_exec.kill_session", lambda *_: False)
    with running(place, daemon, base_image, "1234") as exec_id:
        assert end_exec(daemon, exec_id) == ""
        assert "sleep 1001" not in docker("top", f"{place.word}-c")


def test_on_another_machine_it_is_said_that_it_goes_on(
    place: Place, daemon: Daemon, base_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Daemon, "shares_machine", property(lambda _: False))
    with running(place, daemon, base_image, "") as exec_id:
        assert "another machine" in end_exec(daemon, exec_id)
        assert "sleep 1001" in docker("top", f"{place.word}-c")


def test_an_exec_that_is_over_takes_no_time_to_end(
    place: Place, daemon: Daemon, base_image: str
) -> None:
    with running(place, daemon, base_image, "") as exec_id:
        end_exec(daemon, exec_id)
        begun = time.monotonic()
        assert end_exec(daemon, exec_id) == ""
        assert time.monotonic() - begun < 1
