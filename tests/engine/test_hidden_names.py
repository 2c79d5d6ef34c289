"""A name where no name is replaced: refused before anything runs, or told of afterwards."""

from __future__ import annotations

import pytest

from tests.engine.harness import Place, findings

pytestmark = pytest.mark.engine

MADE = """\
scenario: hidden
vars: {image: MINE/i}
steps:
  - docker tag ${{ lab.base_image }} ${{ image }}
  - docker run -d --name=MINE-c -v MINE-v:/v ${{ image }} sleep 300
"""
SAVED = "bash -c 'docker save MINE/i | gzip > t.tgz; ls -l t.tgz'"
CALLED = """\
  - name: Called
    command: >-
      bash -c "docker exec ${{ container('MINE-c') }} echo in && docker volume inspect
      ${{ volume('MINE-v') }} && docker save ${{ image(image) }} | tar t"
    expect: {output: "(?s)^in.*manifest.json"}
  - {write: run.sh, content: "docker exec ${{ container('MINE-c') }} echo in"}
  - {name: By a script, command: sh run.sh, expect: {output: in}}
"""
UNREAD = "  - {name: Unread, command: \"bash -c 'c=MINE-c; docker exec $c ls'\"}\n"


@pytest.mark.parametrize("line", ["bash -c 'docker exec MINE-c ls; true'", SAVED])
def test_a_written_name_in_a_shell_s_text_is_4_and_nothing_was_started(
    place: Place, line: str
) -> None:
    ran = place.run(str(place.write("a.yaml", f"{MADE}  - {line}\n")))
    assert ran.exit_code == 4, ran.said
    assert "; write: ${{ " in ran.err
    assert place.left() == []


def test_the_calls_reach_what_the_run_has_made(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", MADE + CALLED)))
    assert ran.exit_code == 0, ran.said
    assert place.left() == []


def test_a_name_that_can_t_be_read_before_is_told_to_be_the_run_s(place: Place) -> None:
    ran = place.run(str(place.write("a.yaml", MADE + UNREAD)))
    step = ran.step("Unread")
    assert (ran.exit_code, findings(step)) == (1, ["name-of-the-run"]), ran.said
    (remedy,) = step["findings"][0]["remedies"]
    assert f"${{{{ container('{place.word}-c') }}}}" in remedy["do"]
    assert any(f"container {place.word}-c" in fact for fact in step["findings"][0]["evidence"])
    assert place.left() == []
