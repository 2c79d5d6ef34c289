"""150 assertions in a running container: ours beside goss, testinfra, container-structure-test.

Ours are ``check`` steps of a real run; the others look into the container (or its image) of that
same run, in turn with ours. Each has to say of its own that it made all and all hold, and to
notice one that is false.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lifecycle.engine.daemon import Daemon
from lifecycle.run.scenario_run import LiveRun
from lifecycle.run.session.discover import connect
from lifecycle.run.session.options import Options
from lifecycle.scenario.load import loads
from tests.bench import peers
from tests.bench.assertions import (
    Assertion,
    as_check,
    as_goss,
    as_structure_test,
    assertions,
    dockerfile,
    holds,
    of_an_image,
    one_false,
)
from tests.bench.timing import median, row, timed

ROUNDS = 15
"""Looks of ours and of the quick peers; the slow ones look in every third round, five times."""
FIRST_LOOK = 4
"""The steps before the looks that are timed: write, build, run, and a look to warm up."""
LIMIT_S = 180


@dataclass(frozen=True)
class Outcome:
    """How many assertions a look made, and how many of them do not hold."""

    made: int
    broken: int


@dataclass(frozen=True)
class Target:
    """What to look into, by the engine's names, and a folder to write in."""

    container: str
    image: str
    folder: Path
    daemon: Daemon


Look = Callable[[], Outcome]
Prepare = Callable[[Target, Sequence[Assertion]], Look]


@dataclass(frozen=True)
class Peer:
    """A tool: how to get it ready, what ours is to take of its time, and what it can say."""

    name: str
    prepare: Prepare
    bound: str = ""
    says: Callable[[Sequence[Assertion]], Sequence[Assertion]] = list
    every: int = 1


def looks() -> Iterator[str]:
    """Ours and each peer in turn, on one container."""
    wanted = assertions()
    yield f"{len(wanted)} assertions in a running container, medians of {ROUNDS}, of slow ones of 5"
    with running(wanted) as (run, target):
        ready, absent = _ready(target, wanted)
        seconds = _rounds(run, target, wanted, ready)
        _notices("ours", ours(run.step(FIRST_LOOK + ROUNDS)))
        for peer in ready:
            _notices(peer.name, peer.prepare(target, one_false())())
    mine = median(seconds[_OURS])
    yield row(_OURS, mine)
    for peer in ready:
        theirs = median(seconds[peer.name])
        fewer = len(peer.says(wanted))
        asked = f"asked {fewer} of them" if fewer < len(wanted) else ""
        says = f"ours / it {mine / theirs:6.4f}   {theirs / mine:6.1f} times   {peer.bound} {asked}"
        yield row(peer.name, theirs, says)
    yield row(_NOTHING, median(seconds[_NOTHING]), "what any look by exec takes at least")
    yield row(
        "lifecycle run, whole", whole_command(wanted), "once: start, build, run, look, clean up"
    )
    yield from absent


def _ready(target: Target, wanted: Sequence[Assertion]) -> tuple[dict[Peer, Look], list[str]]:
    """The peers that can be had, and a line for each that can't."""
    ready, absent = {}, []
    for peer in PEERS:
        try:
            ready[peer] = peer.prepare(target, peer.says(wanted))
        except peers.NotHereError as error:
            absent.append(f"{peer.name}: not found here: {error}")
    return ready, absent


def _rounds(
    run: LiveRun, target: Target, wanted: Sequence[Assertion], ready: Mapping[Peer, Look]
) -> dict[str, list[float]]:
    """Seconds of each look, by who looked."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for index in range(ROUNDS):
        taken, result = timed(partial(run.step, FIRST_LOOK + index))
        _all_hold(_OURS, wanted, ours(result))
        seconds[_OURS].append(taken)
        nothing = partial(target.daemon.run_inside, target.container, ["true"])
        seconds[_NOTHING].append(timed(nothing)[0])
        for peer, look in ready.items():
            if index % peer.every:
                continue
            taken, outcome = timed(look)
            _all_hold(peer.name, peer.says(wanted), outcome)
            seconds[peer.name].append(taken)
    return seconds


def _all_hold(name: str, wanted: Sequence[Assertion], outcome: Outcome) -> None:
    if outcome != Outcome(len(wanted), 0):
        sys.exit(f"{name}: {len(wanted)} assertions that hold were asked for, it says {outcome}")


def _notices(name: str, outcome: Outcome) -> None:
    if outcome.broken != 1:
        sys.exit(f"{name}: one assertion was false, it says {outcome}")


def _look(wanted: Sequence[Assertion], times: int = 1) -> list[dict[str, Any]]:
    return [{"on": "box", "check": {"inside": as_check(wanted)}}] * times


def _scenario(looks: Sequence[Any]) -> str:
    """JSON, which YAML reads: the image, its container, and looks into that."""
    made = [
        {"write": "Dockerfile", "content": dockerfile("${{ lab.base_image }}")},
        "docker build -t box .",
        "docker run -d --name box --tmpfs /scratch box",
    ]
    return json.dumps({"scenario": "Looks that are timed", "steps": [*made, *looks]}, indent=0)


def whole_command(wanted: Sequence[Assertion]) -> float:
    """Seconds of ``lifecycle run``, from nothing to nothing, with one look in it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "looks.yaml"
        file.write_text(_scenario(_look(wanted)))
        words = [sys.executable, "-m", "lifecycle.cli", "run", str(file), "--report", folder]
        taken, said = timed(partial(subprocess.run, words, capture_output=True, text=True))
    if said.returncode:
        sys.exit(f"lifecycle run failed: {said.stdout}{said.stderr}")
    return taken


@contextmanager
def running(wanted: Sequence[Assertion]) -> Iterator[tuple[LiveRun, Target]]:
    """A run whose container is up; its further steps are the looks, the last a false one."""
    steps = [*_look(wanted, times=1 + ROUNDS), *_look(one_false())]
    run = LiveRun(
        loads(_scenario(steps), "looks.yaml"),
        Options(),
        lambda _text: None,
    )
    try:
        for index in range(FIRST_LOOK):
            result = run.step(index)
            if result.status != "passed":
                sys.exit(f"{result.name}: {result.reason}")
        daemon = connect(str(run.facts["engine"]["address"]), os.environ)
        with closing(daemon), tempfile.TemporaryDirectory() as folder:
            box = daemon.container(f"box-{run.id}") or {}
            yield run, Target(box["Name"].strip("/"), box["Config"]["Image"], Path(folder), daemon)
    finally:
        run.close()


def ours(result: Any) -> Outcome:
    """What a step of ours says."""
    return Outcome(len(result.checks), sum(c.status != "kept" for c in result.checks))


def goss(target: Target, wanted: Sequence[Assertion]) -> Look:
    """Goss as its own ``dgoss`` runs it: copied in, started with ``docker exec``."""
    words = _goss(target, wanted)
    return lambda: _goss_says(_output("docker", "exec", target.container, *words))


def goss_by_api(target: Target, wanted: Sequence[Assertion]) -> Look:
    """The same without the docker command: by the engine's API, as ours asks."""
    words = _goss(target, wanted)
    return lambda: _goss_says(target.daemon.run_inside(target.container, words).output)


def _goss(target: Target, wanted: Sequence[Assertion]) -> list[str]:
    gossfile = target.folder / "goss.json"
    gossfile.write_text(json.dumps(as_goss(wanted)))
    gossfile.chmod(0o644)
    for source, inside in ((peers.goss(), "/usr/local/bin/goss"), (gossfile, "/goss.json")):
        _output("docker", "cp", str(source), f"{target.container}:{inside}")
    return ["goss", "-g", "/goss.json", "validate", "--format", "json"]


def _goss_says(output: str) -> Outcome:
    summary = json.loads(output)["summary"]
    return Outcome(summary["test-count"], summary["failed-count"] + summary["skipped-count"])


def testinfra(target: Target, wanted: Sequence[Assertion]) -> Look:
    """Testinfra within this process: neither its imports nor pytest's start are counted."""
    folder = str(peers.testinfra())
    if folder not in sys.path:
        sys.path.append(folder)
    tool = importlib.import_module("testinfra")

    def look() -> Outcome:
        host = tool.get_host(f"docker://{target.container}")
        return Outcome(len(wanted), sum(not holds(host, a) for a in wanted))

    return look


def structure_test(target: Target, wanted: Sequence[Assertion]) -> Look:
    """container-structure-test on the container's image."""
    config = target.folder / "structure.json"
    content = as_structure_test(wanted)
    config.write_text(json.dumps(content))
    tests = sum(len(v) for v in content.values() if isinstance(v, list))
    words = (
        *(str(peers.container_structure_test()), "test", "--image", target.image),
        *("--config", str(config), "--output", "json"),
    )

    def look() -> Outcome:
        said = json.loads(_output(*words))
        if said["Total"] != tests:
            return Outcome(said["Total"], said["Fail"])
        return Outcome(len(wanted), said["Fail"])

    return look


def _output(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if not done.stdout and done.returncode:
        sys.exit(f"{' '.join(words[:4])} ...: {done.stderr.strip()}")
    return done.stdout


_OURS = "ours: one check step"
_NOTHING = "an exec of `true` by the engine's API"
PEERS = (
    Peer("goss", goss, "bound 0.6"),
    Peer("goss by the engine's API, as ours asks", goss_by_api),
    Peer("testinfra, docker:// backend", testinfra, "bound 50 times", every=3),
    Peer("container-structure-test", structure_test, "bound 50 times", of_an_image, every=3),
)
