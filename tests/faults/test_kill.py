"""A run that dies by SIGKILL, whenever: the next start leaves nothing of it, nor touches others.

``LIFECYCLE_KILLS`` is how many times (100; of gates a third, of builds a
quarter, of parallel runs a tenth), and
``LIFECYCLE_KILL_SEED`` repeats their moments.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from jinja2 import Template

from lifecycle.machine.procfs import children_of, session_members
from lifecycle.run.session.who import SYNTHETIC_UID
from lifecycle.sandbox.info import SandboxInfo
from lifecycle.scenario.lab import load_lab
from tests.engine.harness import LIMIT, Place, wait_until
from tests.faults import dying
from tests.faults.bystanders import COLLEAGUE, Bystanders

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox needs root"),
]

KILLS = int(os.environ.get("LIFECYCLE_KILLS", "100"))
SEED = int(os.environ.get("LIFECYCLE_KILL_SEED") or random.randrange(1 << 32))
STRIDE = max(1, 100 // KILLS)
"""With fewer than 100 kills, not every write of the ledger is one's turn."""
BUILDS = max(1, KILLS // 4)
ROUNDS = max(1, KILLS // 10)
GATES = max(1, KILLS // 3)
SCENARIOS = Path(__file__).parents[2] / "scenarios"
BUILD = """
scenario: a build with much to leave
steps:
  - write: Dockerfile
    content: |
      FROM ${{ lab.base_image }} AS first
      LABEL run=${{ run.id }}
      RUN echo a > /a
      COPY Dockerfile /copied
      RUN sleep 0.3
      ENV A=1
      FROM ${{ lab.base_image }}
      LABEL run=${{ run.id }}
      ENV B=1
      COPY --from=first /a /b
      RUN echo c > /c
      USER nobody
      WORKDIR /tmp
      CMD ["true"]
  - docker build -t much .
"""
NEXT = "scenario: the next one\nsteps: [id]\n"
EVERY = 5
"""The next start is a run instead of a sweep, each time of so many."""


@dataclass
class Toll:
    """What came of the kills: all but the kills must stay empty."""

    what: str
    kills: int = 0
    left: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    ledgers: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """For people, and for the record."""
        return (
            f"\n{self.what}: {self.kills} kills, {len(self.left)} things left, "
            f"{len(self.touched)} bystanders touched, {len(self.ledgers)} ledgers left\n"
        )


@dataclass
class Killing:
    """A corner to run and to be killed in, beside the bystanders."""

    place: Place
    others: Bystanders
    rng: random.Random
    starts: int = 0

    def words(self, *words: str) -> tuple[str, ...]:
        """The words of a run here, whose NAS is here too."""
        return self.place.run_words("--set", f"lab.nas_home={self.place.folder}/nas", *words)

    def next_start(self, toll: Toll, when: str) -> None:
        """What a person does next, after which nothing is left; says what is."""
        self.starts += 1
        toll.kills += 1
        if self.starts % EVERY:
            said = self.place.lifecycle("sweep").said
        else:
            said = self.place.run(str(self.place.write("next.yaml", NEXT))).said
        now = self.others.seen()
        left = self.others.left(now, self.place.folder)
        toll.left += [f"{when}: {thing}\n{said}" for thing in left]
        toll.touched += [f"{when}: {thing}\n{said}" for thing in self.others.touched(now)]
        state = (self.place.folder / "state").rglob("*")
        toll.ledgers += [f"{when}: {path}\n{said}" for path in state if path.is_file()]


@pytest.fixture(scope="module")
def killing(own_engine: SandboxInfo) -> Iterator[Killing]:
    folder = Path(tempfile.mkdtemp(prefix="lifecycle-test-"))
    folder.chmod(0o755)
    for name, mode in (("tmp", 0o1777), ("nas", 0o755)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
    os.chown(folder / "nas", SYNTHETIC_UID, SYNTHETIC_UID)
    environ = own_engine.environ()
    others = Bystanders(folder, environ)
    base = load_lab([Path(environ["LIFECYCLE_LAB"])], {}).base_image
    others.docker("pull", "-q", base)
    others.come(base, colleagues_dockerfile(base))
    place = Place(folder, environ={**environ, "TMPDIR": str(folder / "tmp")})
    sys.stdout.write(f"\nseed {SEED}\n")
    yield Killing(place, others, random.Random(SEED))
    others.docker("unpause", "frozen")
    shutil.rmtree(folder)


def colleagues_dockerfile(base: str) -> str:
    """The guide's own with somebody else in it: all but the last layers are the same."""
    template = Template((SCENARIOS / "user.Dockerfile.j2").read_text())
    return str(template.render(me=COLLEAGUE, lab={"base_image": base}))


def killed(process: subprocess.Popen[str], after: float, *, commands: bool = False) -> bool:
    """Kill the harness and its workers after so many seconds, unless they have ended.

    Its ``commands`` have sessions of their own and outlive it, unless they are killed, too.
    """
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        groups = [process.pid, *(children_of(process.pid) if commands else [])]
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
    process.wait(LIMIT)
    return process.returncode == -signal.SIGKILL


def duration(killing: Killing, words: Sequence[str]) -> float:
    """How long it takes when nobody kills it."""
    begun = time.monotonic()
    with killing.place.started(*words) as process:
        ran = killing.place.ended(process)
    assert ran.exit_code == 0, ran.said
    return time.monotonic() - begun


def counted(toll: Toll, capsys: pytest.CaptureFixture[str]) -> None:
    """Print the counts and hold them to zero."""
    with capsys.disabled():
        sys.stdout.write(str(toll))
    assert toll.kills
    problems = [*toll.left, *toll.touched, *toll.ledgers]
    assert not problems, f"seed {SEED}\n" + "\n".join(problems)


def test_a_kill_at_any_moment_leaves_nothing(
    killing: Killing, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = str(SCENARIOS / "guide.yaml")
    whole = duration(killing, killing.words(guide))
    toll = Toll(f"kill -9 at random moments of guide.yaml ({whole:.1f} s, seed {SEED})")
    while toll.kills < KILLS:
        after = killing.rng.uniform(0, whole)
        with killing.place.started(*killing.words(guide)) as process:
            if not killed(process, after):
                continue
        killing.next_start(toll, f"after {after:.3f} s")
    counted(toll, capsys)


def test_a_kill_in_the_middle_of_a_build_leaves_no_layer(
    killing: Killing, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(killing.place.write("build.yaml", BUILD))
    whole = duration(killing, killing.words(file))
    toll = Toll(f"kill -9 in the middle of a build ({whole:.1f} s, seed {SEED})")
    while toll.kills < BUILDS:
        after, commands = killing.rng.uniform(whole / 3, whole), killing.rng.random() < 0.3
        with killing.place.started(*killing.words(file)) as process:
            if not killed(process, after, commands=commands):
                continue
        killing.next_start(toll, f"after {after:.3f} s, its commands too: {commands}")
    counted(toll, capsys)


def test_a_gate_that_is_killed_at_any_moment_ends_its_run_and_leaves_nothing(
    killing: Killing, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = str(SCENARIOS / "guide.yaml")
    whole = duration(killing, killing.words(guide))
    toll = Toll(f"kill -9 of the gate, sometimes of its run too ({whole:.1f} s, seed {SEED})")
    while toll.kills < GATES:
        after, too = killing.rng.uniform(0, whole), killing.rng.random() < 0.3
        with killing.place.started(*killing.words(guide)) as process:
            gate = gate_killed(process, after)
            if gate is None:
                continue
            if too:
                killed(process, killing.rng.uniform(0, 0.2))
            process.communicate(timeout=LIMIT)
            # One that no run had taken yet is replaced.
            assert process.returncode != 0 or gate == "waiting", "a run without its gate passed"
        killing.next_start(toll, f"the gate after {after:.3f} s, its run too: {too}")
    counted(toll, capsys)


def gate_killed(
    process: subprocess.Popen[str], after: float
) -> Literal["serving", "waiting"] | None:
    """Kill the gate of a run after so many seconds, and say what it did; None where none was."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(after)
        return None
    for child in children_of(process.pid):
        with suppress(OSError):
            if b"lifecycle.gate" in Path(f"/proc/{child}/cmdline").read_bytes():
                did: Literal["serving", "waiting"] = "serving" if serves(child) else "waiting"
                os.kill(child, signal.SIGKILL)
                return did
    return None


def serves(gate: int) -> bool:
    """Whether a gate's process has opened its socket."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    opened = {f"socket:[{line.split()[6]}]" for line in lines if line.endswith("/docker.sock")}
    held = {str(fd.readlink()) for fd in Path(f"/proc/{gate}/fd").iterdir()}
    return not opened.isdisjoint(held)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_each_write_of_the_ledger_leaves_nothing(
    killing: Killing, capsys: pytest.CaptureFixture[str], when: str
) -> None:
    toll = Toll(f"kill -9 {when} each write of the ledger")
    for number in itertools.count(1, STRIDE):
        python, _, _, *run = killing.words(str(SCENARIOS / "guide.yaml"))
        words = (python, str(dying.__file__), str(number), when, *run)
        with killing.place.started(*words) as process:
            if not killed(process, LIMIT):
                break
        killing.next_start(toll, f"{when} write {number}")
    counted(toll, capsys)


def test_parallel_runs_that_are_killed_leave_nothing(
    killing: Killing, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b", "c", "d"):
        folder = killing.place.folder / "four" / name
        folder.mkdir(parents=True)
        for file in ("guide.yaml", "user.Dockerfile.j2"):
            shutil.copy(SCENARIOS / file, folder)
    words = ("-n", "4", str(killing.place.folder / "four"))
    whole = duration(killing, killing.words(*words))
    toll = Toll(f"kill -9 of 4 parallel runs ({whole:.1f} s, seed {SEED})")
    while toll.kills < ROUNDS:
        after = killing.rng.uniform(whole / 5, whole)
        who = killing.rng.choice(["all of them", "the controller", "a worker"])
        with killing.place.started(*killing.words(*words)) as process:
            try:
                process.wait(after)
                continue
            except subprocess.TimeoutExpired:
                kill_some(process.pid, who, killing.rng)
            process.communicate(timeout=LIMIT)
            wait_until(lambda: not session_members(process.pid), LIMIT)
        killing.next_start(toll, f"{who} after {after:.3f} s")
    counted(toll, capsys)


def kill_some(controller: int, who: str, rng: random.Random) -> None:
    """Kill the controller, one of its workers, or all of them."""
    workers = [pid for pid in session_members(controller) if pid != controller]
    if who == "a worker" and workers:
        os.kill(rng.choice(workers), signal.SIGKILL)
    elif who == "the controller":
        os.kill(controller, signal.SIGKILL)
    else:
        os.killpg(controller, signal.SIGKILL)
