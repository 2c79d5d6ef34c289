"""Lines that people paste to clean up: a script of them touches nobody, and says so in Korean."""

from __future__ import annotations

import pytest

from tests.engine.bystander import Bystander, made, removed
from tests.engine.harness import Place, Ran, broken, findings

pytestmark = pytest.mark.engine

OURS = "touches only what this run made"
CLEAN = {
    "stop all": "docker stop $(docker ps -a -q)",
    "remove all": "docker ps -aq | xargs --no-run-if-empty docker rm -f",
    "remove images": "docker rmi -f $(docker images -q)",
    "by its name": "docker rm -f $(docker ps -aq --filter name=BY)",
    "volumes": "docker volume rm -f BY-v",
    "no restart": "docker update --restart=no $(docker ps -aq)",
    "thrown away": "docker rm -f BY >/dev/null 2>&1 || true",
}
PRUNES = {
    "prune": "docker system prune -af --volumes",
    "networks": "docker network prune -f || true",
    "old ones": "docker container prune -f --filter until=1s",
}


@pytest.fixture(scope="module")
def one(shared_place: Place, base_image: str) -> Bystander:
    return made(f"{shared_place.word}-by", base_image)


@pytest.fixture(scope="module")
def ran(shared_place: Place, one: Bystander) -> Ran:
    """Each line as a script of the scenario's own, in one Korean run; the neighbour goes after."""
    for at, (case, line) in enumerate((CLEAN | PRUNES).items()):
        script = line.replace("BY", one.name)
        text = f"""scenario: {case}
steps:
  - {{write: clean.sh, content: '{script}'}}
  - {{name: it, command: bash clean.sh}}
"""
        shared_place.write(f"pasted/{at:02}.yaml", text)
    before = one.state()
    ran = shared_place.run("--lang", "ko", "pasted")
    assert one.state() == before
    removed(one)
    return ran


@pytest.mark.parametrize("case", CLEAN)
def test_a_pasted_line_touches_nobody_and_is_told_with_what_to_do(ran: Ran, case: str) -> None:
    step = ran.step("it", case)
    assert OURS in broken(step)
    assert "not-this-runs" in findings(step)
    (told,) = [f for f in step["findings"] if f["id"] == "not-this-runs"]
    assert "이번 실행이 만들지 않은" in told["cause"]
    assert not any(remedy["commands"] for remedy in told["remedies"])


@pytest.mark.parametrize("case", PRUNES)
def test_a_pasted_prune_reaches_no_engine_and_says_why(ran: Ran, case: str) -> None:
    step = ran.step("it", case)
    assert OURS in broken(step)
    assert findings(step) == ["not-let-through"]


def test_nothing_is_left_of_it_and_nobody_was_touched(ran: Ran) -> None:
    assert (ran.report["left_behind"], ran.report["foreign_touched"]) == ([], [])
