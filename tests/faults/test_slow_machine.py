"""A slow machine changes no verdict: harness, engine and containers share a tenth of a CPU."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lifecycle.sandbox.cgroup import hierarchies, members
from lifecycle.sandbox.claim import records
from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, Ran

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox needs root"),
]

LIMIT = 900.0
"""Seconds until a throttled run that goes on is one that hangs."""
RUN_ID = re.compile("r[0-9a-f]{8}")
SCENARIOS = Path(__file__).parents[2] / "scenarios"
TRUTH_TABLE = (
    "attach-is-the-old-process",
    "ctrl-d-is-exit",
    "detach-leaves-it-running",
    "exec-leaves-its-jobs-and-files",
    "exit-in-exec-stops-nothing",
    "exit-stops-the-container",
    "exit-under-init-stops-it-too",
    "exit-under-restart-comes-back",
    "files-are-there-after-start",
    "init-passes-the-signal-on",
    "kill-does-not-ask",
    "kill-sends-any-signal",
    "pause-freezes-it",
    "paused-refuses-attach-and-exec",
    "restart-begins-anew",
    "restart-on-failure-minds-the-exit-code",
    "rm-flag-loses-the-container",
    "rm-flag-waits-for-the-end",
    "start-resumes-no-process",
    "stop-asks-first",
    "stop-kills-after-the-grace-time",
    "stop-of-a-shell-takes-its-time",
    "stop-signal-is-one-it-listens-to",
    "suspended-job-waits-for-fg",
    "two-attaches-share-one-screen",
)


@dataclass(frozen=True)
class Brake:
    """The control group whose processes, those of a sandbox, get a share of a processor."""

    sandbox: str
    group: Path
    quota: str
    slow: str
    free: str

    @contextmanager
    def on(self) -> Iterator[Path]:
        """Meanwhile a tenth of one processor is for all of them; yields the group to join."""
        inner = self.group / "slow"
        inner.mkdir(parents=True, exist_ok=True)
        [record] = [r for r in records() if r.id == self.sandbox]
        already = {pid for file in self.group.rglob("cgroup.procs") for pid in _pids(file)}
        for pid in members(record) - already:
            with suppress(ProcessLookupError):
                (inner / "cgroup.procs").write_text(str(pid))
        (self.group / self.quota).write_text(self.slow)
        try:
            yield inner
        finally:
            (self.group / self.quota).write_text(self.free)

    def times_stopped(self) -> int:
        """How often the kernel has made them wait."""
        rows = (line.split() for line in (self.group / "cpu.stat").read_text().splitlines())
        return next(int(count) for key, count in rows if key == "nr_throttled")


def _pids(file: Path) -> set[int]:
    return {int(line) for line in file.read_text().splitlines()}


def brake(info: SandboxInfo) -> Brake:
    """That of a sandbox, in the processor's own hierarchy or in the only one."""
    name = f"lifecycle-{info.id}"
    for mount, controllers in hierarchies():
        if "cpu" in controllers:
            return Brake(info.id, mount / name, "cpu.cfs_quota_us", "10000", "-1")
    mount = next(mount for mount, controllers in hierarchies() if not controllers)
    return Brake(info.id, mount / name, "cpu.max", "10000 100000", "max 100000")


def ran(place: Place, file: Path, *prefix: str) -> Ran:
    with place.started(*prefix, *place.run_words(str(file))) as process:
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{file.name} has not ended in {LIMIT:g} s")
    return Ran(process.returncode, out, err, place.report_folder)


def verdicts(run: Ran) -> dict[str, Any]:
    """What is said of the run, of each step and of each check; not what was found, nor when."""
    return {
        "": run.report["verdict"],
        **{
            f"{index} {step['name']}": (
                step["status"],
                step["reason"],
                [(RUN_ID.sub("RUN", c["about"]), c["status"]) for c in step["checks"]],
            )
            for index, step in enumerate(run.scenario()["steps"])
        },
    }


@pytest.mark.parametrize("name", ["guide", "my-env", *TRUTH_TABLE])
def test_a_tenth_of_a_processor_changes_no_verdict(
    own_engine: SandboxInfo, own_place: Place, name: str
) -> None:
    file, tenth = SCENARIOS / f"{name}.yaml", brake(own_engine)
    usual = ran(own_place, file)
    assert usual.exit_code == 0, usual.said
    with tenth.on() as group:
        before = tenth.times_stopped()
        slow = ran(
            own_place, file, "sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', str(group)
        )
        assert tenth.times_stopped() > before, "nothing was made to wait"
    assert verdicts(slow) == verdicts(usual), slow.said
