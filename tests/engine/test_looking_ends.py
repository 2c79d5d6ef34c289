"""Looking into a container in which nothing answers ends with the step, or with `hold` itself."""

from __future__ import annotations

import time

import pytest

from lifecycle.run.steps.time_limit import LEAST
from tests.engine.harness import Place, docker

pytestmark = pytest.mark.engine

SOON = 40.0
"""Seconds that a machine which is busy may take on top."""
DEAF = "trap true TERM HUP; while true; do sleep 9; done"
TAKE_AWAY = f"(echo '#!/bin/bash'; echo '{DEAF}') > /bin/deaf; chmod 755 /bin/deaf; "
TAKE_AWAY += "ln -sf /bin/deaf /bin/sh"
STEPS = f"""
scenario: nobody answers
steps:
  - docker run -d --name=MINE-c ${{{{ lab.base_image }}}} sleep 300
  - name: Take the shell away
    command: >-
      docker exec -u 0 MINE-c bash -c "{TAKE_AWAY}"
  - name: Look
    check: {{inside: {{user: root}}, container: {{state: running}}}}
    on: MINE-c
    timeout: 2s
"""


def test_a_shell_that_never_answers_is_unverified_when_the_step_is_over(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", STEPS)))
    step = ran.step("Look")
    seen = {c["about"].rpartition(": ")[2]: c for c in step["checks"]}
    assert (seen["inside"]["status"], seen["state"]["status"]) == ("unverified", "kept"), ran.said
    assert "limit of 2 s" in seen["inside"]["source"]
    assert step["seconds"] < 2 + LEAST + SOON
    assert place.left() == []


def test_hold_inside_such_a_container_ends_and_leaves_nothing_there(
    place: Place, base_image: str
) -> None:
    name = f"{place.word}-h"
    docker("run", "-d", "--name", name, base_image, "sleep", "300")
    try:
        docker("exec", "-u", "0", name, "bash", "-c", TAKE_AWAY)
        begun = time.monotonic()
        ran = place.lifecycle("hold", name, "--inside")
        assert time.monotonic() - begun < 40 + SOON
        assert ran.exit_code in {0, 1}, ran.said
        assert "Traceback" not in ran.said
        assert "deaf" not in docker("top", name), "a look of ours is left in the container"
    finally:
        docker("rm", "-f", name)
