"""Containers with names that look like ours, beside those that have none."""

from __future__ import annotations

import pytest

from tests.engine.harness import Place

pytestmark = pytest.mark.engine

BESIDE = """
scenario: beside
steps:
  - docker run -d ${{ lab.base_image }} sleep 300
  - {name: Terminal, command: "docker run -ti ${{ lab.base_image }} sh"}
  - {name: Left, type: exit, expect: {container: {state: exited}}}
  - docker run -d --name unnamed-1 ${{ lab.base_image }} sleep 300
  - docker run -d --name unnamed-web ${{ lab.base_image }} sleep 300
  - docker run -d --name unnamed-2 ${{ lab.base_image }} sleep 300
  - {name: Named, command: docker exec unnamed-web echo hello, expect: {output: hello}}
  - {name: Looked at, check: {container: {state: running}}, on: unnamed-1}
  - docker rm -f unnamed-1 unnamed-2
  - {name: Gone, command: docker ps -a, expect: {output: unnamed-web}}
"""


@pytest.mark.parametrize("words", [(), ("--as-written",)])
def test_a_name_that_looks_like_an_unnamed_ones_is_a_name(
    place: Place, words: tuple[str, ...]
) -> None:
    ran = place.run(*words, str(place.write("a.yaml", BESIDE)))
    assert ran.exit_code == 0, ran.said
    assert ran.report["left_behind"] == []
    assert place.ledgers() == []
