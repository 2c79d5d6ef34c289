"""The engine in memory that unit tests use is like a real one, as far as it promises to be.

The same lines are done on both. Whatever the fake tells of a thing, the real one tells as well:
under the same key, of the same kind, and with the same value unless that is each engine's own.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lifecycle.engine.daemon import DEFAULT_ADDRESS, Daemon, EngineAway, EngineError
from lifecycle.engine.events import Event, EventLog
from lifecycle.text.json_object import Json
from tests.engine.harness import Place, docker, wait_until
from tests.fakes.cli import read_words, request_body
from tests.fakes.daemon import FakeDaemon

pytestmark = pytest.mark.engine
OWN = re.compile(
    r"(^|\.)(Id|ID|Image|ImageID|Created|CreatedAt|StartedAt|FinishedAt|Pid|Hostname|IPAddress"
    r"|Driver|Mountpoint|ContainerID|Size|Layers|Architecture|mtime|CgroupnsMode|Status|Parent"
    r"|Subnet|Config\.Image|Mounts\.Source|Command|ShmSize|PATH|Runtime|DriverOpts|EnableIPv4)(\.|$)"
)
"""Values that are each engine's own, or its version's; their kinds are compared all the same."""


@dataclass
class Both:
    """Two engines to which the same is done; what they are asked is compared."""

    real: Daemon
    fake: FakeDaemon
    place: Place
    image: str

    def name(self, name: str) -> str:
        return f"{name}-{self.place.word}"

    def create(self, name: str, flags: str = "", command: str = "sleep 60") -> None:
        """``docker create`` on both."""
        words = [*shlex.split(flags), f"--name={self.name(name)}", self.image, *command.split()]
        docker("create", *words)
        body = request_body(read_words(words, Path(), build=False))
        self.fake.create(body.pop("Image"), self.name(name), **body)

    def start(self, name: str) -> None:
        docker("start", self.name(name))
        self.fake.start(self.name(name))

    def run(self, name: str, flags: str = "", command: str = "sleep 60") -> None:
        self.create(name, flags, command)
        self.start(name)

    def kill(self, name: str) -> None:
        docker("kill", self.name(name))
        self.fake.end(self.name(name), 137, signal=9)

    def alike(self, kind: str, name: str) -> tuple[Json, Json]:
        """What both tell of a thing, which is alike."""
        real, fake = (getattr(d, kind)(name) for d in (self.real, self.fake))
        assert real is not None
        assert fake is not None
        assert "\n".join(unlike(fake, real, kind)) == ""
        return real, fake


def unlike(fake: Any, real: Any, at: str) -> Iterator[str]:
    """Where what the fake tells is not what the real one tells."""
    if isinstance(fake, dict) and isinstance(real, dict):
        for key, value in fake.items():
            if key in real:
                yield from unlike(value, real[key], f"{at}.{key}")
            elif value not in ("", False, 0, [], {}, None):
                yield f"{at}.{key} is told by the fake only: {value!r}"
    elif isinstance(fake, list) and isinstance(real, list):
        for item in fake:
            found = [list(unlike(item, other, at)) for other in real]
            yield from [] if [] in found else [f"{at}: {item!r} is not in {real!r}"]
    elif type(fake) is not type(real) and not (fake in ([], {}, "", 0) and not real):
        yield f"{at}: {fake!r} is of another kind than {real!r}"
    elif fake != real and not OWN.search(at):
        yield f"{at}: {fake!r} is not {real!r}"


@pytest.fixture
def both(place: Place, base_image: str) -> Iterator[Both]:
    real = Daemon(os.environ.get("DOCKER_HOST") or DEFAULT_ADDRESS, os.environ)
    fake = FakeDaemon(str(real.info["ID"]), real.address)
    seen = real.image(base_image)
    assert seen is not None
    config = {"Env": [], **{k: v for k, v in seen["Config"].items() if k in {"Env", "Cmd"}}}
    fake.make_image(base_image, identity=seen["Id"], Config=config)
    made = Both(real, fake, place, base_image)
    try:
        yield made
    finally:
        for one in real.containers():
            if place.word in str(one["Names"]):
                real.remove_container(one["Id"])
        for tag in (t for i in real.images() for t in i.get("RepoTags", []) if place.word in t):
            real.remove_image(tag)
        real.remove_volume(made.name("data"))
        real.remove_network(made.name("lan"))
        real.close()


FLAGS = [
    "",
    "-e A=b -e C=",
    "-t -i",
    "-u 1000 -w /tmp",
    "--restart=on-failure:3",
    "--restart always",
    "--network none",
    "--network host",
]


@pytest.mark.parametrize("flags", FLAGS)
def test_a_container_is_told_of_alike_when_it_is_new(both: Both, flags: str) -> None:
    both.create("box", flags)
    real, fake = both.alike("container", both.name("box"))
    assert fake["State"]["Status"] == real["State"]["Status"] == "created"
    # Of a real one about one container in twelve has them in another order than they were typed.
    assert sorted(fake["Config"].get("Env") or ()) == sorted(real["Config"].get("Env") or ())


def test_a_mount_is_told_of_alike(both: Both, tmp_path: Path) -> None:
    both.create("box", f"-v {both.name('data')}:/data -v {tmp_path}:/here:ro")
    real, fake = both.alike("container", both.name("box"))
    places = [{m["Destination"]: m["RW"] for m in one["Mounts"]} for one in (real, fake)]
    assert places[0] == places[1] == {"/data": True, "/here": False}
    bound = [{m["Source"] for m in one["Mounts"] if m["Type"] == "bind"} for one in (real, fake)]
    assert bound[0] == bound[1] == {str(tmp_path)}
    both.alike("volume", both.name("data"))


@pytest.mark.parametrize("flags", ["", "-p 127.0.0.1:0:80"])
def test_one_that_runs_is_told_of_alike(both: Both, flags: str) -> None:
    both.run("box", flags.replace(":0:", ":48391:").replace("127.0.0.1:", ""))
    real, fake = both.alike("container", both.name("box"))
    assert (real["State"]["Running"], fake["State"]["Running"]) == (True, True)
    assert min(real["State"]["Pid"], fake["State"]["Pid"]) > 0


def test_one_that_was_killed_is_told_of_alike(both: Both) -> None:
    both.run("box")
    both.kill("box")
    wait_until(lambda: not (both.real.container(both.name("box")) or {})["State"]["Running"])
    real, fake = both.alike("container", both.name("box"))
    assert real["State"]["ExitCode"] == fake["State"]["ExitCode"] == 137
    assert real["State"]["Status"] == fake["State"]["Status"] == "exited"


def test_one_that_is_paused_is_told_of_alike(both: Both) -> None:
    both.run("box")
    docker("pause", both.name("box"))
    both.fake.pause(both.name("box"))
    real, fake = both.alike("container", both.name("box"))
    assert real["State"]["Status"] == fake["State"]["Status"] == "paused"
    for daemon in (both.real, both.fake):
        with pytest.raises(EngineError, match="is paused"):
            daemon.run_inside(both.name("box"), ["true"])


def test_containers_are_listed_alike(both: Both) -> None:
    both.run("box")
    listed = []
    for daemon in (both.real, both.fake):
        (one,) = [c for c in daemon.containers() if both.place.word in str(c["Names"])]
        listed.append(one)
    assert list(unlike(listed[1], listed[0], "listed")) == []
    assert listed[0]["Names"] == listed[1]["Names"]
    assert listed[0]["State"] == listed[1]["State"] == "running"


@pytest.mark.parametrize("kind", ["container", "image", "volume", "network", "exec"])
def test_what_is_not_there_is_none(both: Both, kind: str) -> None:
    name = both.name("nothing")
    assert [getattr(d, kind)(name) for d in (both.real, both.fake)] == [None, None]


def test_a_container_is_found_by_its_name_its_id_and_how_that_begins(both: Both) -> None:
    both.create("box")
    for daemon in (both.real, both.fake):
        seen = daemon.container(both.name("box"))
        assert seen is not None
        for known in (seen["Id"], seen["Id"][:12], both.name("box")):
            found = daemon.container(known)
            assert found is not None
            assert found["Id"] == seen["Id"]
        with pytest.raises(EngineError, match="redirection"):
            daemon.container(seen["Name"])


def test_a_name_is_given_once(both: Both) -> None:
    both.create("box")
    with pytest.raises(AssertionError, match="is already in use"):
        docker("create", f"--name={both.name('box')}", both.image)
    with pytest.raises(EngineError, match="is already in use"):
        both.fake.create(both.image, both.name("box"))


def test_an_image_is_told_of_alike_under_all_its_names(both: Both) -> None:
    both.alike("image", both.image)
    tag = f"{both.name('x')}:1"
    docker("tag", both.image, tag)
    seen = both.real.image(both.image)
    assert seen is not None
    both.fake.make_image(tag, identity=seen["Id"])
    for daemon in (both.real, both.fake):
        one = daemon.image(tag)
        assert one is not None
        assert tag in one["RepoTags"]
        for known in (seen["Id"], seen["Id"].removeprefix("sha256:")[:12]):
            found = daemon.image(known)
            assert found is not None
            assert found["Id"] == seen["Id"]
        assert any(tag in i.get("RepoTags", []) for i in daemon.images())
        daemon.remove_image(tag)
        assert daemon.image(tag) is None
        assert daemon.image(both.image) is not None, "another name keeps it"


def test_an_image_in_use_stays(both: Both) -> None:
    tag = f"{both.name('x')}:1"
    docker("tag", both.image, tag)
    docker("run", "-d", f"--name={both.name('box')}", tag, "sleep", "60")
    identity = both.fake.make_image(tag)
    both.fake.start(both.fake.create(tag, both.name("box")))
    for daemon, known in ((both.fake, identity), (both.fake, tag)):
        with pytest.raises(EngineError, match=r"^conflict: unable to "):
            daemon.remove_image(known)
    seen = both.real.image(tag)
    assert seen is not None
    with pytest.raises(EngineError, match=r"^conflict: unable to "):
        both.real.remove_image(seen["Id"])


def test_a_history_is_what_made_each_layer(both: Both) -> None:
    told = both.real.history(both.image)
    seen = both.fake.image(both.image)
    assert seen is not None
    both.fake.histories[seen["Id"]] = told
    assert both.fake.history(both.image) == told
    for daemon in (both.real, both.fake):
        with pytest.raises(EngineError, match="No such image"):
            daemon.history(both.name("nothing"))


def test_volumes_and_networks_are_told_of_alike(both: Both) -> None:
    volume, network = both.name("data"), both.name("lan")
    docker("volume", "create", volume)
    docker("network", "create", network)
    both.fake.make_volume(volume)
    both.fake.make_network(network)
    both.alike("volume", volume)
    real, fake = both.alike("network", network)
    for daemon, seen in ((both.real, real), (both.fake, fake)):
        assert volume in {v["Name"] for v in daemon.volumes()}
        assert network in {n["Name"] for n in daemon.networks()}
        assert {"bridge", "host", "none"} <= {n["Name"] for n in daemon.networks()}
        daemon.remove_network(seen["Id"])
        daemon.remove_volume(volume)
        assert daemon.network(network) is None
        assert daemon.volume(volume) is None


def test_what_is_not_there_is_removed_without_a_word(both: Both) -> None:
    for daemon in (both.real, both.fake):
        daemon.remove_container(both.name("nothing"))
        daemon.remove_image(both.name("nothing"))
        daemon.remove_volume(both.name("nothing"))
        daemon.remove_network(both.name("nothing"))


def test_a_container_is_removed_though_it_runs(both: Both) -> None:
    both.run("box")
    for daemon in (both.real, both.fake):
        daemon.remove_container(both.name("box"))
        assert daemon.container(both.name("box")) is None


def test_an_exec_is_told_of_alike(both: Both) -> None:
    both.run("box")
    made = [d.start_inside(both.name("box"), ["sleep", "30"]) for d in (both.real, both.fake)]
    assert [d.is_own_exec(m) for d, m in zip((both.real, both.fake), made, strict=True)] == [
        True
    ] * 2
    assert [d.is_own_exec("another") for d in (both.real, both.fake)] == [False] * 2
    wait_until(lambda: (both.real.exec(made[0]) or {}).get("Pid"))
    real, fake = both.real.exec(made[0]), both.fake.exec(made[1])
    assert real is not None
    assert fake is not None
    assert list(unlike(fake, real, "exec")) == []
    assert real["Running"] == fake["Running"] is True


def test_nobody_enters_what_does_not_run(both: Both) -> None:
    both.create("box")
    for daemon in (both.real, both.fake):
        with pytest.raises(EngineError, match="is not running"):
            daemon.run_inside(both.name("box"), ["true"])


def test_nobody_enters_what_somebody_objects_to(both: Both) -> None:
    both.run("box")
    for daemon in (both.real, both.fake):
        daemon.objection_to_entering = lambda name: f"{name} is not ours"
        for enter in (daemon.stat, daemon.read_file, daemon.owner, daemon.run_inside):
            with pytest.raises(EngineError, match="is not ours"):
                enter(both.name("box"), "/etc")


def test_files_are_told_of_alike(both: Both) -> None:
    both.create("box")
    seen = both.fake.container(both.name("box"))
    assert seen is not None
    text = both.real.read_file(both.name("box"), "/etc/debian_version")
    assert text is not None
    both.fake.files[seen["Id"]]["/etc/debian_version"] = text
    for path in ("/etc", "/etc/debian_version"):
        real, fake = (d.stat(both.name("box"), path) for d in (both.real, both.fake))
        assert real is not None
        assert fake is not None
        kinds = [one["mode"] >> 31 for one in (real, fake)]
        assert kinds[0] == kinds[1]
        assert set(fake) == set(real)
        assert both.real.owner(both.name("box"), path) == both.fake.owner(both.name("box"), path)
    for daemon in (both.real, both.fake):
        assert daemon.stat(both.name("box"), "/nothing") is None
        assert daemon.read_file(both.name("box"), "/nothing") is None
        assert daemon.owner(both.name("box"), "/nothing") is None
        assert daemon.read_file(both.name("box"), "/etc/debian_version") == text


def test_a_log_has_its_lines_with_their_times(both: Both) -> None:
    both.run("box", "", "sh -c echo${IFS}one;echo${IFS}two")
    docker("wait", both.name("box"))
    both.fake.say(both.name("box"), "one")
    both.fake.say(both.name("box"), "two")
    for daemon in (both.real, both.fake):
        lines = daemon.log(both.name("box"), lines=10, until=None).splitlines()
        assert [line.partition(" ")[2] for line in lines] == ["one", "two"]
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ", line) for line in lines)
        (last,) = daemon.log(both.name("box"), lines=1, until=None).splitlines()
        assert last.endswith(" two")
        assert daemon.log(both.name("box"), lines=10, until=1.0) == ""


def test_events_tell_the_same_story(both: Both) -> None:
    logs = [EventLog(daemon) for daemon in (both.real, both.fake)]
    both.run("box")
    docker("exec", both.name("box"), "true")
    made = both.fake.make_exec(both.name("box"), ["true"])
    both.fake.start_exec(made)
    both.fake.end_exec(made)
    both.kill("box")
    wait_until(lambda: not (both.real.container(both.name("box")) or {})["State"]["Running"])
    for daemon in (both.real, both.fake):
        daemon.remove_container(both.name("box"))
    name, stories = both.name("box"), []
    for log in logs:
        assert log.wait(lambda e: e.is_a("destroy", name), since=0, timeout=20)
        told = [e for e in log.since() if e.name == name and e.kind == "container"]
        stories.append([(e.action, *attributes(e)) for e in told])
        log.close()
    assert stories[0] == stories[1]


def attributes(event: Event) -> list[str]:
    """What tells more of an event, without ids."""
    known = event.attributes
    shown = [f"{k}={known[k]}" for k in ("signal", "exitCode") if k in known]
    return [*shown, *(["execID"] if "execID" in known else [])]


def test_one_with_rm_is_gone_when_it_ends(both: Both) -> None:
    both.run("box", "--rm")
    both.kill("box")
    wait_until(lambda: both.real.container(both.name("box")) is None)
    assert both.fake.container(both.name("box")) is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the SDK's own
def test_an_engine_that_is_away_says_so(both: Both, tmp_path: Path) -> None:
    gone = Daemon(f"unix://{tmp_path}/gone.sock", {})
    both.fake.go()
    for daemon in (gone, both.fake):
        assert isinstance(daemon.away(), EngineAway)
        assert not daemon.answers()
        with pytest.raises(EngineAway):
            daemon.container("x")
        with pytest.raises(EngineAway):
            daemon.events(0.0)
    assert both.real.away() is None


def test_the_engine_says_the_same_of_itself(both: Both) -> None:
    assert set(both.fake.info) <= set(both.real.info)
    assert set(both.fake.version) <= set(both.real.version)
