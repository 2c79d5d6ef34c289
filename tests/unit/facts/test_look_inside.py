"""Asking the inside and the host, with an engine that answers as told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from lifecycle.checks.what_to_read import probe_for
from lifecycle.command.values.gpus import GpuRequest
from lifecycle.command.values.limits import Ulimit
from lifecycle.command.values.mounts import BindEnds, MountAccess
from lifecycle.engine.daemon import Daemon, EngineError, ExecOutcome
from lifecycle.facts import exec_process
from lifecycle.facts.exec_process import exec_facts
from lifecycle.facts.inside import FileFact, Inside, Probe
from lifecycle.facts.look_inside import look_inside
from lifecycle.facts.model import RoundTrip, World
from lifecycle.facts.round_trips import RoundTrips
from lifecycle.machine.subject import current_subject
from tests.unit.checks.samples import EXITED, NO_GPUS, inspected, said, world

ME = World(current_subject(), NO_GPUS, shares_machine=True)


class Engine:
    """Answers what it is told to; ``asked`` is what it was asked to run inside."""

    shares_machine = False
    remaps_users = ""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[Sequence[str]] = []

    def _answer(self, name: str) -> Any:
        answer = self.answers.get(name)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def container(self, _name: str) -> Any:
        return self._answer("container")

    def run_inside(self, _container: str, argv: Sequence[str], *, user: str) -> Any:
        self.asked.append((user, *argv))
        return self._answer("run_inside")

    def start_inside(self, _container: str, argv: Sequence[str], *, user: str) -> Any:
        self.asked.append((user, *argv))
        return self._answer("start_inside")

    def talk_inside(self, *_: Any, **given: Any) -> Any:
        self.asked.append((given["user"],))
        return self._answer("talk_inside")

    def exec(self, _id: str) -> Any:
        return self._answer("exec")

    def stat(self, _container: str, _path: str) -> Any:
        return self._answer("stat")

    def read_file(self, _container: str, _path: str) -> Any:
        return self._answer("read_file")


def daemon(**answers: Any) -> Daemon:
    return cast("Daemon", Engine(**answers))


# -- one look ---------------------------------------------------------------------------------


def test_an_engine_that_refuses_the_look_says_why() -> None:
    engine = daemon(run_inside=EngineError("Container 0c59 is not running"))
    assert look_inside(engine, "c", Probe()).unseen == "it ended before it could be asked"


def test_a_look_that_failed_is_taken_from_outside() -> None:
    engine = daemon(run_inside=ExecOutcome(127, "no such file or directory"), container=inspected())
    seen = look_inside(engine, "c", Probe(files=("/nope",)))
    assert (seen.files["/nope"].exists, seen.hides("/nope")) == (False, "")
    assert "no shell" in seen.unseen


def test_an_engine_that_is_at_a_loss_over_an_ended_container_is_understood() -> None:
    lost = EngineError("no such file or directory: state.json")
    engine = daemon(run_inside=lost, container=inspected(State=EXITED))
    assert look_inside(engine, "c", Probe()).unseen == "it ended before it could be asked"


def test_the_look_is_as_the_user_that_is_asked_about() -> None:
    engine = Engine(run_inside=ExecOutcome(127, "no such file or directory"))
    seen = look_inside(cast("Daemon", engine), "c", Probe(), "0")
    assert seen.unseen == "there is no shell in the image to ask with"
    assert engine.asked[0][:2] == ("0", "/bin/sh")


MOUNTS = [
    said("-v", "container.mount.access", MountAccess("/a", readonly=False), "inside"),
    said("-v", "container.mount.round_trip", BindEnds("/s", "/a"), "host"),
    said("-v", "container.mount.access", MountAccess("/b", readonly=True), "inside"),
]


def test_a_folder_that_both_sides_look_at_is_left_to_the_host() -> None:
    probe = probe_for(MOUNTS, write=True)
    assert (probe.write_in, probe.keep_in, probe.gpus) == (("/b",), ("/a",), False)
    assert probe.token != probe_for(MOUNTS, write=True).token


def test_a_look_that_may_not_write_has_no_token() -> None:
    assert probe_for(MOUNTS, write=False).token == ""


def test_gpus_are_asked_for_where_they_are_promised() -> None:
    gpus = said("--gpus", "container.gpus.visible", GpuRequest(-1, (), ()), "inside")
    assert probe_for([gpus], write=True).gpus


def test_only_what_is_promised_inside_is_read_of_the_kernel() -> None:
    wanted = [
        said("--memory", "container.memory", 1),
        said("--pids-limit", "container.pids_limit", 1, "inside"),
        said("--ulimit", "container.ulimit.core", Ulimit(0, 0), "inside"),
        said("--sysctl", "container.sysctl.net.ipv4.conf.eth0/1.forwarding", "1", "inside"),
        said("--uts", "container.uts.namespace", "host", "inside"),
        said("--device", "container.device.node", "/dev/fuse", "inside"),
    ]
    probe = probe_for(wanted, write=False)
    assert probe.proc == (
        "/sys/fs/cgroup/pids/pids.max",
        "/sys/fs/cgroup/pids.max",
        "/proc/1/limits",
        "/proc/self/limits",
        "/proc/sys/net/ipv4/conf/eth0.1/forwarding",
    )
    assert (probe.namespaces, probe.files) == (("uts",), ("/dev/fuse",))


# -- both sides of a mount --------------------------------------------------------------------


@pytest.fixture
def trip(tmp_path: Path) -> Callable[..., tuple[RoundTrip, list[str]]]:
    """Sends files through a folder; ``writes`` is what the inside met."""

    def send(inside: Inside, source: Path = tmp_path) -> tuple[RoundTrip, list[str]]:
        noted: list[str] = []
        gone: list[str] = []
        probe = Probe(token="tok")
        trips = RoundTrips({"/w/": str(source)}, ME, probe, noted.append, gone.append)
        trips.make_outside()
        (name,) = trips.extend().files or ("",)
        files = {name: FileFact(exists=True, owner=os.geteuid())} if name else {}
        if inside.writes.get("/w/") == "":
            (source / ".lifecycle-tok-in").touch()
        found = trips.finish(replace(inside, files=files))["/w/"]
        assert set(gone) == set(noted)
        return found, noted

    return send


def test_what_is_written_on_each_side_is_seen_on_the_other(
    trip: Callable[..., tuple[RoundTrip, list[str]]], tmp_path: Path
) -> None:
    me = os.geteuid()
    found, noted = trip(Inside(uid=me, writes={"/w/": ""}))
    assert found == RoundTrip(me, me, me)
    assert noted == [str(tmp_path / f".lifecycle-tok-{side}") for side in ("out", "in")]
    assert list(tmp_path.iterdir()) == []


def test_a_refused_write_inside_is_the_error(
    trip: Callable[..., tuple[RoundTrip, list[str]]], tmp_path: Path
) -> None:
    found, _ = trip(Inside(uid=0, writes={"/w/": "Permission denied"}))
    assert found.error == "uid 0 can't write inside: Permission denied"
    assert found.inside_file_uid is None
    assert list(tmp_path.iterdir()) == []


def test_a_single_file_is_not_written_into(
    trip: Callable[..., tuple[RoundTrip, list[str]]], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    found, noted = trip(Inside(uid=0), file)
    assert (found.untested, noted) == ("the source is no folder", [])


@pytest.mark.parametrize(
    ("probe", "around"),
    [
        (Probe(), ME),
        (Probe(token="t"), world(shares_machine=False)),
        (Probe(token="t"), world(remaps_users="rootless")),
    ],
)
def test_nothing_is_sent_where_nothing_can_be_told(
    probe: Probe, around: World, tmp_path: Path
) -> None:
    noted: list[str] = []
    trips = RoundTrips({"/w": str(tmp_path)}, around, probe, noted.append, noted.append)
    trips.make_outside()
    assert trips.extend() == probe
    assert trips.finish(Inside()) == {}
    assert noted == []
    assert list(tmp_path.iterdir()) == []


# -- an exec ----------------------------------------------------------------------------------


def test_an_exec_is_read_from_its_process(tmp_path: Path) -> None:
    # One of its own: the title that a test's worker gives itself stands where its environment was.
    words, env = ["sleep", "60"], {"PATH": os.environ["PATH"], "A": "1"}
    with subprocess.Popen(words, cwd=tmp_path, env=env) as child:
        try:
            inspect = {"Pid": child.pid, "Running": True}
            facts = exec_facts(daemon(exec=inspect), "e", 7, ME)
        finally:
            child.kill()
    assert facts is not None
    assert (facts.uid, facts.cwd, facts.unseen) == (os.getuid(), str(tmp_path), "")
    assert facts.env == env


@pytest.mark.parametrize(
    ("found", "around", "reason"),
    [
        ({"Pid": 0, "Running": False}, ME, "it had ended, or not begun, when it was read"),
        ({"Pid": 2**30, "Running": True}, ME, "it had ended, or not begun, when it was read"),
        (
            {"Pid": os.getpid(), "Running": True},
            world(shares_machine=False),
            "the engine is not on this machine",
        ),
    ],
)
def test_an_exec_that_can_not_be_read_says_why(
    found: dict[str, Any], around: World, reason: str
) -> None:
    facts = exec_facts(daemon(exec=found), "e", 7, around)
    assert facts is not None
    assert (facts.uid, facts.unseen) == (None, reason)


def test_an_exec_that_the_engine_forgot_is_none() -> None:
    assert exec_facts(daemon(exec=None), "e", 7, ME) is None


def test_an_exec_is_read_when_its_starter_has_become_the_program() -> None:
    become = 'echo "runc:[2:INIT]" >/proc/$$/comm; echo; sleep 0.2; exec sleep 30'
    with subprocess.Popen(["bash", "-c", become], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert exec_process._status(process.pid).startswith("Name:\tsleep")
        process.kill()
