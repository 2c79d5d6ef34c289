"""Stopping and starting the engine of a sandbox of one's own, as a service manager does."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lifecycle.sandbox.cgroup import kept
from lifecycle.sandbox.claim import records
from lifecycle.sandbox.info import SandboxInfo
from lifecycle.sandbox.record import Record
from tests.engine.harness import wait_until

LIMIT = 60.0


@dataclass
class Dockerd:
    """The engine process of one sandbox."""

    record: Record
    words: tuple[str, ...]
    environ: dict[str, str]

    @classmethod
    def of(cls, info: SandboxInfo) -> Dockerd:
        """The one that runs in a sandbox now, with its words and its environment."""
        [record] = [r for r in records() if r.id == info.id]
        process = Path("/proc", _pid_file(record).read_text().strip())
        words = process.joinpath("cmdline").read_text().rstrip("\0").split("\0")
        pairs = process.joinpath("environ").read_text().rstrip("\0").split("\0")
        environ = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        return cls(record, tuple(words), environ)

    @property
    def pid(self) -> int:
        """Its process; 0 when it does not run."""
        try:
            pid = int(_pid_file(self.record).read_text())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return 0
        return pid

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait until it has; with SIGKILL its containers go on without it."""
        if pid := self.pid:
            with suppress(ProcessLookupError):
                os.kill(pid, how)
        wait_until(lambda: not self.pid, LIMIT)

    def start(self) -> None:
        """Start it with the words that it had, and wait until it answers."""
        _pid_file(self.record).unlink(missing_ok=True)
        inside = ("nsenter", f"--net={self.record.netns}", "--", *self.words)
        subprocess.run(
            ("setsid", "--fork", *kept(self.record, *inside)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environ,
            check=True,
        )
        wait_until(self._answers, LIMIT)

    def restart(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and start it again."""
        self.stop(how)
        self.start()

    def _answers(self) -> bool:
        words = ("docker", "-H", f"unix://{self.record.socket}", "version")
        return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _pid_file(record: Record) -> Path:
    return record.run_dir / "docker.pid"
