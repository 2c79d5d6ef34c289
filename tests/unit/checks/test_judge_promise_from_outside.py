"""What was seen from outside is judged as what was seen inside, and says where it was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lifecycle.checks.expect.judge_expect import judge_expect
from lifecycle.checks.judge_promise import judge
from lifecycle.facts.inside import FileFact, Inside
from lifecycle.facts.model import Facts
from tests.unit.checks.cases import Case
from tests.unit.checks.samples import having, inspected
from tests.unit.checks.test_judge_promise import CASES

WHY = "there is no shell in the image to ask with"


class Everywhere(dict[str, str]):
    """Whatever is asked for was seen, somewhere."""

    def __contains__(self, _thing: object) -> bool:
        return True

    def get(self, thing: str, _default: object = None) -> str:
        return f"outside, {thing}"


def from_outside(facts: Facts) -> Facts:
    """The same facts, but nobody inside was asked for them."""
    seen = {
        name: replace(c, inside=replace(c.inside, unseen=WHY, places=Everywhere()))
        for name, c in facts.containers.items()
    }
    return replace(facts, containers=seen)


NEVER = ("container.mount.access", "container.gpus", "container.mac", "container.sysctl")
"""What nobody can see but from inside."""
ELSEWHERE = {"container.health.watched", "container.path"}
"""Of what the engine itself tells."""
SEEN_INSIDE = [
    c for c in CASES if c.promise.where == "inside" and not c.promise.field.startswith(NEVER)
]


@pytest.mark.parametrize("case", SEEN_INSIDE, ids=str)
def test_what_was_seen_from_outside_is_judged_alike_and_says_so(case: Case) -> None:
    kept, broken = (judge(case.promise, from_outside(f)) for f in (case.kept, case.broken))
    assert (kept.status, broken.status) == ("kept", "broken")
    for check in (kept, broken):
        assert "(seen from outside)" in check.about
        assert "outside, " in check.source or case.promise.field in ELSEWHERE


def test_expectations_of_the_inside_are_told_one_by_one() -> None:
    places = {"id": "there", "/f": "the archive", "/g": "the archive"}
    files = {"/f": FileFact(exists=True, owner=1, mode="640"), "/g": FileFact(exists=False)}
    seen = Inside(unseen=WHY, uid=7, places=places, files=files)
    facts = having(inspected(), seen)
    want = {
        "uid": "7",
        "gid": "8",
        "cwd": "/w",
        "processes": {"sh": None},
        "files": {
            "/f": {"mode": "640", "text": "x", "writable": "true"},
            "/g": {"exists": "false"},
            "/h": {"mode": "640"},
        },
    }
    told = judge_expect({"inside": want}, facts, facts.containers["c"])
    assert [(c.about, c.status, c.source) for c in told] == [
        ("inside: uid", "kept", "there"),
        ("inside: gid", "broken", "there"),
        ("inside: cwd", "unverified", WHY),
        ("inside: processes", "unverified", WHY),
        ("inside: /f mode", "kept", "the archive"),
        ("inside: /f text", "unverified", WHY),
        ("inside: /f writable", "unverified", WHY),
        ("inside: /g exists", "kept", "the archive"),
        ("inside: /h", "unverified", WHY),
    ]
