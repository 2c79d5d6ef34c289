"""A gate that is no longer the run's ends the run."""

from __future__ import annotations

import json

import pytest

from tests.engine.harness import Place
from tests.engine.test_gate import docker_host

KILL = """
for d in /proc/[0-9]*; do
  grep -q "^PPid:.$PPID\\$" $d/status && grep -q lifecycle.gate $d/cmdline && kill -9 ${d#/proc/}
done 2>/dev/null
true
"""
"""Kills the gate of the very run whose step this is, by its parent."""


@pytest.mark.parametrize("harm", ["killed", "stopped", "replaced", "removed"])
def test_a_gate_that_is_no_longer_the_run_s_ends_the_run(
    place: Place, base_image: str, harm: str
) -> None:
    script = {
        "killed": KILL,
        "stopped": KILL.replace("-9", "-STOP"),
        "replaced": "rm $S; ln -s REAL $S",
        "removed": "rm -f $S",
    }[harm]
    lines = f"S=${{DOCKER_HOST#unix://}}\n{script}\n".replace("REAL", docker_host())
    steps = [
        f"docker run -d --name=MINE-c {base_image} sleep 1000",
        f"sh {place.write('harm.sh', lines)}",
        f"docker run -d --name=MINE-d {base_image} sleep 1000",
    ]
    ran = place.run(str(place.write("a.yaml", f"scenario: harm\nsteps: {json.dumps(steps)}\n")))
    assert ran.exit_code == 1, ran.said
    assert "'the gate'" in str(ran.report["scenarios"][0]["steps"])
    assert "gate/docker.sock" not in json.dumps(ran.report)
    assert place.left() == []
