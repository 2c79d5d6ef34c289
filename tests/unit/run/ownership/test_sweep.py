"""Dead runs are finished by their ledgers, and nobody else's things are touched."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.machine.procfs import start_time
from lifecycle.machine.this_machine import machine
from lifecycle.run.ownership.ledger import Ledger, unfinished_name
from lifecycle.run.ownership.ledger_reader import read
from lifecycle.run.ownership.sweep import OUT_OF_SIGHT, SETTLED, Swept, sweep
from tests.fakes.daemon import FakeDaemon

DEAD = 2**30


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the sweep waited between its looks."""
    waited: list[float] = []
    monkeypatch.setattr("lifecycle.run.ownership.sweep._settle", waited.append)
    return waited


@pytest.fixture
def engine() -> FakeDaemon:
    return FakeDaemon(networks=())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledgers"


@pytest.fixture
def dead(folder: Path, engine: FakeDaemon) -> Callable[..., Path]:
    """The ledger of a run whose process is gone."""

    def died(*entries: tuple[str, str, str], run: str = "r00000001", **header: Any) -> Path:
        ledger = Ledger(folder, run, engine.info["ID"], engine.address)
        for kind, name, identity in entries:
            ledger.intend(kind, name)  # type: ignore[arg-type]
            if identity:
                ledger.made(kind, name, identity)  # type: ignore[arg-type]
        os.close(ledger._file)
        first, *rest = ledger.path.read_text().splitlines()
        changed = {**json.loads(first), "pid": DEAD, **header}
        ledger.path.write_text("\n".join([json.dumps(changed), *rest]) + "\n")
        return ledger.path

    return died


def swept(folder: Path, engine: FakeDaemon, *, dry_run: bool = False) -> list[Swept]:
    locks = folder.parent / "locks"
    return sweep(folder, lambda _address: engine, dry_run=dry_run, locks=locks)


def test_all_that_a_dead_run_made_is_removed_and_nothing_else(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon, tmp_path: Path
) -> None:
    file, work = tmp_path / ".lifecycle-r00000001-in", tmp_path / "lifecycle-r00000001"
    file.touch()
    (work / "deep").mkdir(parents=True)
    entries = [
        ("folder", str(work), ""),
        ("file", str(file), ""),
        *(
            (k, "x-r00000001", engine.add(k, "x-r00000001"))
            for k in ("network", "volume", "image", "container")
        ),
    ]
    theirs = {kind: engine.add(kind, "theirs") for kind in engine.things}
    path = dead(*entries)
    (outcome,) = swept(folder, engine)
    assert outcome.clean
    assert outcome.run == "r00000001"
    assert engine.removed == ["x-r00000001"] * 4
    assert {kind: list(things) for kind, things in engine.things.items()} == {
        kind: [identity] for kind, identity in theirs.items()
    }
    assert not file.exists()
    assert not work.exists()
    assert not path.exists()
    assert swept(folder, engine) == []


def test_what_was_meant_but_is_not_there_is_no_fault(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    path = dead(
        ("container", "x-r00000001", ""), ("file", "/nonexistent/.lifecycle-r00000001-in", "")
    )
    assert swept(folder, engine)[0].clean
    assert not path.exists()


def test_what_a_late_command_still_made_is_found_by_the_second_look(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    path = dead(("container", "x-r00000001", ""))
    first = engine.remove_container

    def late(name: str) -> None:
        first(name)
        if not engine.removed:
            engine.add("container", "x-r00000001")

    engine.remove_container = late  # type: ignore[method-assign,assignment]
    assert swept(folder, engine)[0].clean
    assert engine.things["container"] == {}
    assert not path.exists()


def test_a_look_without_hands_removes_nothing(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    path = dead(("container", "x-r00000001", engine.add("container", "x-r00000001")))
    (outcome,) = swept(folder, engine, dry_run=True)
    assert [(c.about, c.actual) for c in outcome.checks] == [
        ("container x-r00000001", "would be removed")
    ]
    assert engine.removed == []
    assert path.exists()


def test_what_can_not_be_removed_is_told_and_stays_on_the_ledger(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    path = dead(
        ("image", "x-r00000001", engine.add("image", "x-r00000001")),
        ("volume", "v-r00000001", engine.add("volume", "v-r00000001")),
    )
    engine.refuses["x-r00000001"] = "conflict"
    (outcome,) = swept(folder, engine)
    assert not outcome.clean
    assert [(c.about, c.status) for c in outcome.checks] == [
        ("image x-r00000001", "broken"),
        ("volume v-r00000001", "kept"),
    ]
    assert engine.removed == ["v-r00000001"]
    record = read(path)
    assert "x-r00000001" in {e.name for e in record.entries()}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"machine": "another"}, "it belongs to another machine"),
        ({"engine": "OTHER"}, "unix:///run/docker.sock is another engine now"),
    ],
    ids=["elsewhere", "another engine"],
)
def test_a_run_that_is_not_ours_to_finish_is_left_alone(
    dead: Callable[..., Path],
    folder: Path,
    engine: FakeDaemon,
    header: dict[str, Any],
    reason: str,
) -> None:
    path = dead(("container", "x-r00000001", engine.add("container", "x-r00000001")), **header)
    (outcome,) = swept(folder, engine)
    assert (outcome.left_alone, outcome.clean) == (reason, False)
    assert engine.removed == []
    assert path.exists()


def test_after_a_reboot_nothing_of_that_machine_still_runs(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    dead(boot="an earlier boot", pid=os.getpid(), started=start_time(os.getpid()))
    assert swept(folder, engine)[0].clean


def test_an_engine_that_does_not_answer_leaves_the_ledger(
    dead: Callable[..., Path], folder: Path
) -> None:
    class Silent:
        @property
        def info(self) -> None:
            raise EngineError("connection refused")

    path = dead(("container", "x-r00000001", ""))
    silent: Any = Silent()
    (outcome,) = sweep(folder, lambda _address: silent, dry_run=False)
    assert outcome.left_alone == "its engine does not answer: connection refused"
    assert path.exists()


def never(address: str) -> Daemon:
    raise AssertionError(address)


def test_a_sandbox_that_is_gone_took_its_things_with_it(
    dead: Callable[..., Path], folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / ".lifecycle-r00000001-in"
    file.touch()
    path = dead(
        ("container", "x-r00000001", ""),
        ("file", str(file), ""),
        address="unix:///run/lifecycle-sandbox/x/docker.sock",
    )
    (outcome,) = sweep(folder, never, dry_run=False)
    assert [c.about for c in outcome.checks] == [f"file {file}"]
    assert not file.exists()
    assert not path.exists()


@pytest.mark.parametrize(
    "address",
    [
        "tcp://lifecycle.lab:2375",
        "ssh://kim@lifecycle/",
        "unix:///home/kim/lifecycle-lab/docker.sock",
        "unix:///run/lifecycle-sandbox-of-mine/docker.sock",
        "unix:///run/lifecycle-sandbox/../user/docker.sock",
    ],
)
def test_an_engine_far_away_or_of_a_person_is_no_sandbox_that_is_gone(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon, address: str
) -> None:
    dead(("container", "x-r00000001", engine.add("container", "x-r00000001")), address=address)
    assert swept(folder, engine)[0].clean
    assert engine.removed == ["x-r00000001"]


def test_the_sweep_of_a_living_run_touches_nothing(folder: Path, engine: FakeDaemon) -> None:
    ledger = Ledger(folder, "r00000001", engine.info["ID"], engine.address)
    ledger.made("container", "x-r00000001", engine.add("container", "x-r00000001"))
    (outcome,) = swept(folder, engine)
    assert outcome.left_alone == f"it is still running (pid {os.getpid()})"
    assert (engine.removed, ledger.path.exists()) == ([], True)


def test_a_ledger_that_is_not_believed_is_named_and_the_others_are_finished(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    bad = dead(("container", "x-r00000001", engine.add("container", "x-r00000001")))
    with bad.open("a") as file:
        file.write('{"is": "cli", "pid": null}\n')
    os.mkfifo(folder / "r00000000.jsonl")
    dead(("container", "x-r00000002", engine.add("container", "x-r00000002")), run="r00000002")
    pipe, first, second = swept(folder, engine)
    assert (pipe.run, pipe.refused, first.run, first.refused) == (
        *("r00000000", True),
        *("r00000001", True),
    )
    assert "its line 4 is none that a run writes: pid is no process id" in first.left_alone
    assert str(bad) in first.left_alone
    assert second.clean
    assert engine.removed == ["x-r00000002"]
    assert bad.exists()


@pytest.mark.parametrize(("age", "stays"), [(0.0, True), (2 * OUT_OF_SIGHT, False)])
def test_what_ran_in_another_container_is_removed_and_looked_for_again_for_a_day(
    dead: Callable[..., Path],
    folder: Path,
    engine: FakeDaemon,
    age: float,
    stays: bool,  # noqa: FBT001
) -> None:
    entry = ("container", "x-r00000001", engine.add("container", "x-r00000001"))
    path = dead(entry, pids="pid:[1]")
    with path.open("a") as file:
        file.write('{"is": "cli", "pid": 77, "started": 1}\n')
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))
    (outcome,) = swept(folder, engine)
    assert engine.removed == ["x-r00000001"]
    assert path.exists() is stays
    assert [c.status for c in outcome.checks] == ["kept", "unverified"][: 1 + stays]


def test_one_run_that_can_not_be_finished_does_not_stop_the_next(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    dead(run="r00000001", machine="another")
    dead(("container", "x-r00000002", engine.add("container", "x-r00000002")), run="r00000002")
    assert [o.clean for o in swept(folder, engine)] == [False, True]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield child
    child.kill()
    child.wait()


def test_a_command_that_outlived_its_run_is_ended_first(
    dead: Callable[..., Path],
    folder: Path,
    engine: FakeDaemon,
    sleeper: subprocess.Popen[bytes],
) -> None:
    path = dead()
    line = {"is": "cli", "pid": sleeper.pid, "started": start_time(sleeper.pid)}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert swept(folder, engine)[0].clean
    assert sleeper.wait(10) < 0


def test_a_process_that_has_the_number_of_a_dead_command_is_left_alone(
    dead: Callable[..., Path],
    folder: Path,
    engine: FakeDaemon,
    sleeper: subprocess.Popen[bytes],
) -> None:
    path = dead()
    with path.open("a") as file:
        file.write(json.dumps({"is": "cli", "pid": sleeper.pid, "started": 1}) + "\n")
    assert swept(folder, engine)[0].clean
    assert sleeper.poll() is None


@pytest.mark.parametrize(("age", "waited"), [(0.0, [SETTLED]), (3600.0, [])])
def test_a_run_that_has_just_died_may_have_something_under_way(  # noqa: PLR0913, PLR0917 - two are data
    dead: Callable[..., Path],
    folder: Path,
    engine: FakeDaemon,
    pauses: list[float],
    age: float,
    waited: list[float],
) -> None:
    path = dead(("container", "x-r00000001", ""))
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))
    assert swept(folder, engine)[0].clean
    assert pauses == waited


def test_a_layer_that_the_builder_made_last_is_found_by_its_container(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    container, image = "1" * 64, "sha256:" + "a" * 64
    dead(("container", container[:12], container[:12]))
    engine.add("image", "<none>", image, RepoTags=[], Container=container)
    engine.add("image", "theirs", RepoTags=[], Container="2" * 64)
    (outcome,) = swept(folder, engine)
    assert (outcome.clean, engine.removed) == (True, [image])
    assert engine.alone == {image: True}


def test_the_litter_of_killed_runs_is_removed(
    dead: Callable[..., Path], folder: Path, engine: FakeDaemon
) -> None:
    lock = folder.parent / "locks" / "0123456789ab-port-1"
    lock.parent.mkdir()
    lock.touch()
    dead()
    (unnamed,) = [folder / unfinished_name("r00000002", machine())]
    unnamed.touch()
    swept(folder, engine, dry_run=True)
    assert lock.exists()
    assert unnamed.exists()
    swept(folder, engine)
    assert not lock.exists()
    assert list(folder.iterdir()) == []
