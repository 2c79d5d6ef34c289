"""Runs the commands as people do, in processes of their own, and reads what they left."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lifecycle.text.json_object import Json
from tests.report_schema import hold_to_schema

LIMIT = 60.0
_DROPPED = ("LIFECYCLE_SECRET_", "PYTEST_", "GITHUB_")
_WATCH = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print("most memory:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, "MB")
sys.exit(code)
"""


def plugins() -> tuple[str, ...]:
    """Pytest's words for our plugin where it is not installed, and to spare Hypothesis's import."""
    known = any(e.value == "lifecycle.plugin" for e in entry_points(group="pytest11"))
    return ("-p", "no:hypothesispytest", *(() if known else ("-p", "lifecycle.plugin")))


def docker(*words: str, check: bool = True) -> str:
    """Run docker on the environment's engine, beside the harness; returns what it printed."""
    ran = subprocess.run(["docker", *words], check=False, text=True, capture_output=True)
    assert not (check and ran.returncode), f"docker {' '.join(words)}: {ran.stderr}"
    return ran.stdout.strip()


def wait_until(holds: Callable[[], object], limit: float = 20.0) -> None:
    """Ask until it holds; a test that waits in vain fails here.

    ``limit`` is in seconds of a machine that has nothing else to do; it grows with the load.
    """
    begun = time.monotonic()
    while not holds():
        waited, may = time.monotonic() - begun, limit * slowness()
        assert waited < may, f"it did not come about in {waited:.0f} s of {may:.0f}"
        time.sleep(0.02)  # tests wait for whatever a person would see, of which nobody tells


def slowness() -> float:
    """How many times longer than usual things may take now: twice the processes a core has."""
    return max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def running(word: str) -> list[int]:
    """The processes in whose command a word stands."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in one.read_bytes():
                found.append(int(one.parent.name))
    return found


@dataclass(frozen=True)
class Ran:
    """What came of a command; ``folder`` is where its report went."""

    exit_code: int
    out: str
    err: str
    folder: Path

    def __post_init__(self) -> None:
        """Whatever report came of it is what its schema says, whether the test reads it or not."""
        file = self.folder / "report.json"
        if os.access(file, os.R_OK):
            hold_to_schema(json.loads(file.read_text("utf-8")))

    @property
    def said(self) -> str:
        """All that a person saw."""
        return self.out + self.err

    @property
    def peak_mb(self) -> int:
        """The most memory that one of the processes of a watched run had."""
        return int(self.out.rpartition("most memory: ")[2].split()[0])

    @cached_property
    def report(self) -> Json:
        """Its report.json."""
        file = self.folder / "report.json"
        assert file.is_file(), f"there is no report (exit code {self.exit_code}):\n{self.said}"
        return dict(json.loads(file.read_text()))

    def scenario(self, name: str = "") -> Json:
        """A scenario of the report, by its name; the only one when none is given."""
        found = [s for s in self.report["scenarios"] if name in {"", s["name"]}]
        assert len(found) == 1, f"{len(found)} scenarios {name}:\n{self.said}"
        return dict(found[0])

    def step(self, name: str, scenario: str = "") -> Json:
        """A step of the report, by its name."""
        found = [s for s in self.scenario(scenario)["steps"] if s["name"] == name]
        assert len(found) == 1, f"{len(found)} steps {name}:\n{self.said}"
        return dict(found[0])

    def statuses(self, scenario: str = "") -> Json:
        """Each step's name and status, in order."""
        return {s["name"]: s["status"] for s in self.scenario(scenario)["steps"]}


def broken(step: Mapping[str, Any]) -> list[str]:
    """What a step's broken checks are about."""
    return [c["about"] for c in step["checks"] if c["status"] == "broken"]


def findings(step: Mapping[str, Any]) -> list[str]:
    """The ids of a step's findings."""
    return [f["id"] for f in step["findings"]]


@dataclass
class Place:
    """A corner of one's own: a folder, a state directory, and a word that nobody can guess.

    ``MINE`` in a scenario stands for the word, so everything that the test has made bears it.
    """

    folder: Path
    word: str = field(default_factory=lambda: f"t{secrets.token_hex(6)}")
    environ: dict[str, str] = field(default_factory=dict)
    _reports: int = 0

    def write(self, name: str, text: str) -> Path:
        """Write a scenario, or any file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("MINE", self.word), encoding="utf-8")
        return path

    def colleague(self, script: str) -> str:
        """A step's words by which somebody else acts: straight on the engine, as they would."""
        host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        lines = f"set -e\nexport DOCKER_HOST={host}\nunset DOCKER_CONFIG\n{script}\n"
        return f"sh {self.write(f'colleague-{secrets.token_hex(4)}.sh', lines)}"

    def env(self) -> dict[str, str]:
        """The environment of what is run here: nothing of this test's own pytest or CI."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED) and k != "CI"}
        here = {"XDG_STATE_HOME": str(self.folder / "state"), "COLUMNS": "200", "NO_COLOR": "1"}
        # An empty variable is one that is not set: the CLI of Docker 20.10 tells them apart.
        return {k: v for k, v in (kept | here | self.environ).items() if v}

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command in a session of its own, so that a signal to the group is a terminal's."""
        with subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def lifecycle(self, *words: str) -> Ran:
        """Run ``lifecycle`` to its end."""
        return self._ended(sys.executable, "-m", "lifecycle.cli", *words)

    def run(self, *words: str) -> Ran:
        """Run ``lifecycle run`` with a report of its own."""
        return self._ended(*self.run_words(*words))

    def run_watched(self, *words: str, limit: float = LIMIT) -> Ran:
        """The same, with an eye on its memory."""
        watched = (sys.executable, "-c", _WATCH, *self.run_words(*words))
        with self.started(*watched) as process:
            return self.ended(process, limit)

    def run_words(self, *words: str) -> tuple[str, ...]:
        """The words of ``lifecycle run``, whose report will be the latest."""
        self._reports += 1
        run = ("-m", "lifecycle.cli", "run", "--report", str(self.report_folder))
        return sys.executable, *run, *words

    def pytest(self, *words: str) -> Ran:
        """Run plain pytest, with the plugin as it is installed."""
        self._reports += 1
        report = ("--lifecycle-report", str(self.report_folder), "--rootdir", str(self.folder))
        return self._ended(sys.executable, "-m", "pytest", *plugins(), *report, *words)

    @property
    def report_folder(self) -> Path:
        """Where the latest report is."""
        return self.folder / f"report-{self._reports}"

    def _ended(self, *words: str) -> Ran:
        with self.started(*words) as process:
            return self.ended(process)

    def ended(self, process: subprocess.Popen[str], limit: float = LIMIT) -> Ran:
        """Wait for the end of what was started."""
        out, err = process.communicate(timeout=limit * slowness())
        return Ran(process.returncode, out, err, self.report_folder)

    def left(self) -> list[str]:
        """Whatever the engine still has that bears the word."""
        asked = (
            ("ps", "-a", "--format", "container {{.Names}}"),
            ("images", "--format", "image {{.Repository}}:{{.Tag}}"),
            ("volume", "ls", "--format", "volume {{.Name}}"),
            ("network", "ls", "--format", "network {{.Name}}"),
        )
        return [line for a in asked for line in docker(*a).splitlines() if self.word in line]

    def is_up(self, name: str) -> bool:
        """Whether a container runs whose name begins so."""
        return bool(docker("ps", "-q", "--filter", f"name={name.replace('MINE', self.word)}"))

    def ledgers(self) -> list[Path]:
        """What runs here have not yet accounted for."""
        return list((self.folder / "state").rglob("*.jsonl"))
