"""What other people have on an engine while runs of ours die on it, and what a dead run leaves."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.run.locks import FOLDER as LOCKS
from tests.engine.harness import wait_until

COLLEAGUE = {"name": "colleague", "uid": 54321, "gid": 54321, "group": "colleague"}
_COUNTING = """
n=0
while :; do n=$((n+1)); echo $n >/data/next && mv /data/next /data/n; sleep 0.1; done
"""
_STATE = ("Status", "Running", "Paused", "Pid", "StartedAt", "FinishedAt", "ExitCode", "OOMKilled")


@dataclass
class Bystanders:
    """Other people's containers, images, volumes and networks on an engine of the test's own."""

    folder: Path
    environ: Mapping[str, str]
    before: dict[str, Any] = field(default_factory=dict)

    def docker(self, *words: str, **more: Any) -> str:
        """What docker says on that engine."""
        env = {**os.environ, **self.environ}
        ran = subprocess.run(  # noqa: PLW1510 - the code is looked at
            ["docker", *words], env=env, text=True, capture_output=True, **more
        )
        assert ran.returncode == 0, f"docker {' '.join(words)}: {ran.stderr}"
        return str(ran.stdout).strip()

    def come(self, base: str, dockerfile: str) -> None:
        """Make them; ``dockerfile`` shares its first layers with the one of our runs."""
        data = self.folder / "training"
        data.mkdir(mode=0o777)
        data.chmod(0o777)
        no_context = ("build", "-q", "-t", "colleague/env:1", "-")
        self.docker(*no_context, input=dockerfile)
        self.docker("tag", base, "member/test:latest")
        self.docker("volume", "create", "results")
        self.docker("network", "create", "lab-net")
        job = ("run", "-d", "--name=training", "-v", f"{data}:/data", "-v", "results:/results")
        self.docker(*job, "--network=lab-net", "colleague/env:1", "sh", "-c", _COUNTING)
        self.docker("run", "-d", "--name=my_test_c", "-v", "/anonymous", base, "sleep", "100000")
        self.docker("run", "-d", "--name=frozen", base, "sleep", "100000")
        self.docker("pause", "frozen")
        self.docker("create", "--name=hungry_wing", base, "true")
        without_a_name = ("commit", "-c", "LABEL of=colleague", "hungry_wing")
        self.docker(*without_a_name)
        wait_until(self.count)
        self.before = self.seen()

    def count(self) -> int:
        """How far the running job has come."""
        file = self.folder / "training" / "n"
        return int(file.read_text()) if file.exists() else 0

    def seen(self) -> dict[str, Any]:
        """All that the engine has: every layer, and the state of every container."""
        lines = {
            "container": ("ps", "-aq", "--no-trunc"),
            "image": ("images", "-aq", "--no-trunc"),
            "tag": ("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"),
            "volume": ("volume", "ls", "-q"),
            "network": ("network", "ls", "-q", "--no-trunc"),
        }
        found: dict[str, Any] = {
            f"{kind} {name}": ""
            for kind, words in lines.items()
            for name in self.docker(*words).splitlines()
        }
        containers = [key.partition(" ")[2] for key in found if key.startswith("container ")]
        # One that is on its way out would be an error to ask for.
        for one in json.loads(self.docker("inspect", *containers)) if containers else []:
            networks = {k: v["EndpointID"] for k, v in one["NetworkSettings"]["Networks"].items()}
            state = {key: one["State"][key] for key in _STATE}
            found[f"container {one['Id']}"] = (one["Name"], state, one["ExecIDs"], networks)
        return found

    def touched(self, now: Mapping[str, Any]) -> list[str]:
        """Of what was there, all that is not as it was; and the job, when it does not go on."""
        changed = [key for key, was in self.before.items() if now.get(key, "gone") != was]
        reached = self.count()
        wait_until(lambda: self.count() > reached)
        return changed

    def left(self, now: Mapping[str, Any], place: Path) -> list[str]:
        """What is on the engine and on this machine that was not, and is not somebody else's."""
        lock = hashlib.sha256(self.docker("info", "-f", "{{.ID}}").encode()).hexdigest()[:12]
        return [
            *(key for key in now if key not in self.before),
            *(str(path) for path in (place / "tmp").iterdir()),
            *(str(path) for path in (place / "nas").glob(".*")),
            *(str(path) for path in LOCKS.glob(f"{lock}-*")),
            *(f"process {pid}" for pid in _processes_within(place / "tmp")),
        ]


def _processes_within(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            inside = (entry / "cwd").readlink().is_relative_to(folder)
        except OSError:
            continue
        found += [int(entry.name)] if inside else []
    return found
