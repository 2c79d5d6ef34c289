"""A gigabyte on a terminal is drained to its end, and leaves a small report."""

from __future__ import annotations

import pytest

from tests.engine.harness import Place

pytestmark = pytest.mark.engine

FLOOD = r"""
scenario: flood
steps:
  - name: Flood
    command: >-
      docker run -ti --rm --log-driver none --name=MINE-f ${{ lab.base_image }}
      bash -c "head -c 1000000000 /dev/zero | tr '\0' x; echo; echo the end"
    timeout: 10m
"""


def test_a_gigabyte_is_neither_blocked_nor_kept(place: Place) -> None:
    ran = place.run_watched(str(place.write("flood.yaml", FLOOD)), limit=600)
    step = ran.step("Flood")
    assert (step["status"], step["screen"]) == ("passed", "the end"), ran.said
    assert step["screen_cut"] > 999_000_000
    assert ran.peak_mb < 200
    assert sum(file.stat().st_size for file in ran.folder.iterdir()) < 100_000
