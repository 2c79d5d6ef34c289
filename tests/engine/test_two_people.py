"""Two people in one scenario: each acts as themselves, and nobody where nobody can."""

from __future__ import annotations

import os

import pytest

from tests.engine.harness import Place, Ran, broken

pytestmark = pytest.mark.engine
BOTH = """\
scenario: Both
people: [minji, junho]
steps:
  - name: She asks who she is
    as: minji
    command: id
    expect: {output: "uid=${{ me.uid }}.*minji|uid=${{ me.uid }}"}
  - name: He writes
    as: junho
    command: touch his
    expect: {host: {files: {"${{ run.folder }}/his": {owner: "${{ me.uid }}"}}}}
  - name: She may not remove it
    as: minji
    command: rm -f ${{ people.junho.folder }}/his
    fails: {output: Permission denied}
  - name: She runs
    as: minji
    command: >-
      docker run -d --name=MINE-hers -u ${{ me.uid }} -v ${{ run.folder }}:/own
      ${{ lab.base_image }} sleep 60
    expect: {inside: {uid: "${{ people.minji.uid }}"}}
  - name: His uid is not hers
    as: junho
    check: {inside: {uid: "${{ me.uid }}"}}
    on: MINE-hers
"""


@pytest.fixture(scope="module")
def both(shared_place: Place) -> Ran:
    """The scenario, run once."""
    return shared_place.run(str(shared_place.write("both.yaml", BOTH)))


def test_each_step_is_done_as_its_person(both: Ran) -> None:
    statuses = list(both.statuses().values())
    assert statuses[:4] == ["passed"] * 4, both.said


def test_a_step_that_is_wrong_about_a_person_fails(both: Ran) -> None:
    assert broken(both.step("His uid is not hers")) == ["inside: uid"], both.said


def test_the_report_says_who_did_a_step(both: Ran) -> None:
    assert both.step("She runs")["as"] == "minji"
    assert "# as minji" in (both.folder / "transcript.sh").read_text()
    assert "minji" in (both.folder / "index.html").read_text()


WHO = """\
scenario: Who
steps:
  - name: I am who I am
    command: id -u
    expect: {output: "^${{ me.uid }}$"}
  - name: I am root
    command: id -u
    expect: {output: "^0$"}
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_scenario_is_run_for_each_person_named(place: Place, workers: tuple[str, ...]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can act as other people")
    file = place.write("who.yaml", WHO)
    ran = place.run(str(file), "--user", "nobody", "--user", "root", *workers)
    assert ran.exit_code == 1, ran.said
    assert ran.statuses("Who (nobody)") == {
        "I am who I am": "passed",
        "I am root": "failed",
        "Clean-up": "passed",
    }
    assert set(ran.statuses("Who (root)").values()) == {"passed"}
