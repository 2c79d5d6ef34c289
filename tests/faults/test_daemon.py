"""The engine restarts in the middle: a clear verdict, and a clean engine once it is back."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, Ran, findings, wait_until
from tests.engine.middles import MIDDLES, Middle, hanging_registry
from tests.engine.restarting import Dockerd

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox needs root"),
]

RESTARTS = int(os.environ.get("LIFECYCLE_FAULTS_RESTARTS", "30"))
SEED = int(os.environ.get("LIFECYCLE_FAULTS_SEED", "0"))
LIMIT = 240.0
GUIDE = Path(__file__).parents[2] / "scenarios" / "guide.yaml"
ENDS = (signal.SIGTERM, signal.SIGKILL)
ENDED = {"stop", "wait"}
"""An engine that goes in order ends the containers first, and so does what these wait for."""
WENT_AWAY = "engine-went-away"
REGISTRY_GONE = "registry-unreachable"
"""The sandbox's registry is a container, and is started again after each run only."""
LEFT_PROXY = "port-held-by-left-proxy"
"""An engine that restarts while a container has a port may keep that: seen once in 30 times."""
NOT_THERE = {"daemon-not-running", "wrong-docker-host"}
"""What is said of an engine that is away when the run begins."""


class Theirs:
    """What others have on the engine: it must be there after each restart, under the same ids.

    ``dockerd`` is the engine's process.
    """

    KINDS = ("container", "image", "volume", "network")

    def __init__(self, info: SandboxInfo) -> None:
        self._environ = {**os.environ, **info.environ()}
        self.dockerd = Dockerd.of(info)
        base = info.base_image
        self.docker("pull", "-q", base)
        self.docker("tag", base, "theirs/image:1")
        self.docker("volume", "create", "theirs-v")
        self.docker("network", "create", "theirs-n")
        self.docker("run", "-d", "--name", "theirs-up", "-v", "theirs-v:/v", base, "sleep", "3000")
        self.docker("create", "--name", "theirs-made", "--network", "theirs-n", base)
        self.before = self.all()

    def docker(self, *words: str) -> str:
        """Run docker as somebody beside the harness."""
        ran = subprocess.run(
            ("docker", *words), env=self._environ, check=True, text=True, capture_output=True
        )
        return ran.stdout

    def up_again(self) -> None:
        """A restart of the engine stops what has no restart policy; its owners start it again."""
        self.docker("start", "lifecycle-registry", "theirs-up")

    def all(self) -> set[str]:
        """Everything on the engine: kind, id, and for an image its tags."""
        short = ("{{.ID}} {{.Names}}", "{{.ID}} {{.Repository}}:{{.Tag}}", "{{.Name}}", "{{.Name}}")
        asked = (("ps", "-a"), ("images",), ("volume", "ls"), ("network", "ls"))
        return {
            f"{kind} {line}"
            for kind, words, shown in zip(self.KINDS, asked, short, strict=True)
            for line in self.docker(*words, "--format", shown).splitlines()
        }


@pytest.fixture(scope="module")
def theirs(own_engine: SandboxInfo) -> Theirs:
    return Theirs(own_engine)


@contextmanager
def restarting(dockerd: Dockerd, how: signal.Signals, after: float) -> Iterator[None]:
    """Restart the engine after some seconds, beside what is done meanwhile."""
    timer = threading.Timer(after, dockerd.restart, (how,))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def verdict(ran: Ran) -> str:
    """How a run ended that the engine left alone, or not: told clearly or not."""
    if ran.exit_code == 0:
        return "passed"
    told = {one for step in ran.scenario()["steps"] for one in findings(step)}
    if WENT_AWAY in told:
        return "failed, and says that the engine went away"
    if REGISTRY_GONE in told:
        return "began after the restart, and says that the registry went with the engine"
    if LEFT_PROXY in told:
        return "began after the restart, and says that the engine kept the port"
    begun = ran.scenario()["steps"][-1]["status"] != "skipped"
    not_there = told & NOT_THERE and not begun
    return "did not begin, and says why" if not_there else "failed without the cause"


def test_restarts_at_random_moments_of_the_guide_leave_nothing_and_say_why(
    own_place: Place, theirs: Theirs, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, counts = random.Random(SEED), Counter[str]()
    begun = time.monotonic()
    with own_place.started(*own_place.run_words(str(GUIDE))) as process:
        undisturbed = own_place.ended(process, LIMIT)
    assert undisturbed.exit_code == 0, undisturbed.said
    lasts = time.monotonic() - begun
    unclear: list[str] = []
    for _ in range(RESTARTS):
        how, after = chance.choice(ENDS), chance.uniform(0, lasts)
        with (
            restarting(theirs.dockerd, how, after),
            own_place.started(*own_place.run_words(str(GUIDE))) as process,
        ):
            ran = own_place.ended(process, LIMIT)
        ended = verdict(ran)
        counts[ended] += 1
        if "without" in ended or "Traceback" in ran.said or "INTERNALERROR" in ran.said:
            unclear.append(f"{how.name} after {after:.2f} s:\n{ran.said}")
        theirs.up_again()
        counts["things that the run's own clean-up left"] += len(theirs.all() - theirs.before)
        own_place.lifecycle("sweep")
        counts["left after the next sweep"] += len(theirs.all() - theirs.before)
        counts["of others, and gone"] += len(theirs.before - theirs.all())
        counts["ledgers left"] += len(own_place.ledgers())
        assert ran.report["foreign_touched"] == [], ran.said
    with capsys.disabled():
        sys.stdout.write(f"\n{RESTARTS} restarts (seed {SEED}) of a guide of {lasts:.1f} s:\n")
        sys.stdout.writelines(f"  {counts[what]:4} {what}\n" for what in sorted(counts))
    assert not unclear, "\n\n".join(unclear)
    zero = ("left after the next sweep", "of others, and gone", "ledgers left")
    assert {name: counts[name] for name in zero} == dict.fromkeys(zero, 0)


@pytest.fixture
def registry(own_engine: SandboxInfo) -> Iterator[str]:
    with hanging_registry(own_engine) as port:
        yield port


@pytest.mark.parametrize("how", ENDS, ids=["restarted", "died"])
@pytest.mark.parametrize("kind", MIDDLES)
def test_a_restart_in_the_middle_of_a_step_is_said_and_the_clean_up_waits_for_the_engine(
    own_place: Place, theirs: Theirs, registry: str, kind: str, how: signal.Signals
) -> None:
    before, scenario = theirs.all(), Middle(kind, own_place.word, registry)
    file = own_place.write("a.yaml", scenario.text)
    with own_place.started(*own_place.run_words(str(file))) as process:
        wait_until(lambda: scenario.reached() or process.poll() is not None, LIMIT)
        theirs.dockerd.restart(how)
        ran = own_place.ended(process, LIMIT)
    theirs.up_again()
    step = ran.scenario()["steps"][-2]
    told = step["status"], findings(step)
    assert told == ("failed", [WENT_AWAY]) or (told[0] == "passed" and kind in ENDED), ran.said
    assert ran.step("Clean-up")["status"] == "passed", ran.said
    assert (theirs.all(), own_place.ledgers()) == (before, []), ran.said


def test_an_engine_that_is_away_at_the_clean_up_is_waited_for(
    own_place: Place, theirs: Theirs
) -> None:
    before, scenario = theirs.all(), Middle("run", own_place.word)
    file = own_place.write("a.yaml", scenario.text)
    with own_place.started(*own_place.run_words(str(file))) as process:
        wait_until(lambda: scenario.reached() or process.poll() is not None, LIMIT)
        theirs.dockerd.stop()
        assert process.stderr is not None
        assert any("waiting up to" in line for line in process.stderr)
        theirs.dockerd.start()
        ran = own_place.ended(process, LIMIT)
    theirs.up_again()
    assert ran.step("Clean-up")["status"] == "passed", ran.said
    assert (theirs.all(), own_place.ledgers()) == (before, [])
