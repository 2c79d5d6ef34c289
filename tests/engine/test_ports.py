"""A published port is tried without getting in the way of what will listen there."""

from __future__ import annotations

import pytest

from tests.engine.harness import Place

pytestmark = pytest.mark.engine
LATE = """\
scenario: Late
vars:
  listen: >-
    sleep 1; $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5) or die "taken";
    while ($c = $s->accept) { print $c "hello\\n"; close $c }
steps:
  - name: A service that takes its time
    command: >-
      docker run -d --name=MINE-late -p ${{ run.port(18080) }}:8080 ${{ lab.base_image }}
      perl -MIO::Socket::INET -e '${{ listen }}'
  - name: It got its port
    check: {container: {state: running}, port: {8080: {answers: true}}}
    on: MINE-late
    within: 10s
"""
NEVER = """\
scenario: Never
steps:
  - name: A service that listens nowhere
    command: >-
      docker run -d --name=MINE-never -p ${{ run.port(18090) }}:8080 ${{ lab.base_image }}
      perl -e 'sleep 60'
"""


def test_a_service_that_listens_late_is_waited_for_and_left_its_port(place: Place) -> None:
    ran = place.run(str(place.write("late.yaml", LATE)))
    assert ran.exit_code == 0, ran.said
    answers = [c for s in ran.scenario()["steps"] for c in s["checks"] if "8080" in c["about"]]
    assert {c["status"] for c in answers} == {"kept"}, ran.said


def test_a_service_that_never_listens_is_unverified(place: Place) -> None:
    ran = place.run(str(place.write("never.yaml", NEVER)))
    checks = ran.step("A service that listens nowhere")["checks"]
    (answer,) = [c for c in checks if c["status"] == "unverified"]
    assert "in its way" in answer["source"], ran.said
