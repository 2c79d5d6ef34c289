"""How containers end: where one behaves otherwise, the scenario that tells of it fails, and where.

Each case is a scenario of the library with one line changed so that the engine does something
else than the scenario claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.harness import Place

pytestmark = pytest.mark.engine

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@dataclass(frozen=True)
class Other:
    """A scenario in which ``written`` is replaced by ``other``, and the step that must fail."""

    scenario: str
    written: str
    other: str
    fails: str

    def __str__(self) -> str:
        return f"{self.scenario}: {self.other.splitlines()[0]}"


OTHERS = (
    Other(
        "attach-is-the-old-process",
        "docker attach my_test_c",
        "docker exec -ti my_test_c bash\n    opens: my_test_c",
        "All is as it was",
    ),
    Other("ctrl-d-is-exit", "[ctrl-c]", "[enter]", "Interrupt it"),
    Other("ctrl-d-is-exit", "[ctrl-d]", "[ctrl-c]", "Leave it"),
    Other("detach-leaves-it-running", "[ctrl-p, ctrl-q]", "[ctrl-c]", "Detach"),
    Other("exec-leaves-its-jobs-and-files", "sleep 4321 &", "sleep 0 &", "Exit"),
    Other(
        "exit-in-exec-stops-nothing",
        "exec -ti my_test_c bash",
        "attach my_test_c",
        "Come in with exec",
    ),
    Other(
        "exit-stops-the-container",
        "-ti --name",
        "-ti --restart=always --name",
        "Leave the first shell",
    ),
    Other("exit-under-init-stops-it-too", "-ti --init", "-ti", "Run a shell with an init"),
    Other("exit-under-restart-comes-back", "-ti --restart=always", "-ti", "Leave the shell"),
    Other("exit-under-restart-comes-back", "docker stop -t 1", "docker restart -t 1", "Stop it"),
    Other("files-are-there-after-start", "-ti --name", "-ti --tmpfs /srv --name", "Start it again"),
    Other(
        "init-passes-the-signal-on",
        "docker stop -t 50 other_c",
        "docker kill other_c",  # `stop -t 0` may let it end by TERM, before KILL comes
        "Stop that, with all the patience there is",
    ),
    Other("init-passes-the-signal-on", "-d --init", "-d", "Run it with an init"),
    Other("kill-does-not-ask", "docker kill", "docker stop -t 50", "Kill it"),
    Other("kill-sends-any-signal", "-s TERM", "-s HUP", "It goes on"),
    Other("kill-sends-any-signal", "-s HUP", "-s USR2", "Hang up"),
    Other(
        "pause-freezes-it",
        "docker pause my_test_c\n    expect: {container: {state: paused}}",
        "docker start my_test_c",
        "It has not counted meanwhile",
    ),
    Other(
        "pause-freezes-it",
        "command: docker unpause",
        "command: docker restart -t 1",
        "The shell is the old one",
    ),
    Other("paused-refuses-attach-and-exec", "docker pause", "docker start", "Attach"),
    Other("restart-begins-anew", "docker restart -t 2", "docker start", "Restart"),
    Other(
        "restart-on-failure-minds-the-exit-code",
        "-ti --restart=on-failure",
        "-ti --restart=always",
        "Leave it as if all was well",
    ),
    Other(
        "restart-on-failure-minds-the-exit-code",
        "-ti --restart=on-failure",
        "-ti",
        "Leave the shell as if something had failed",
    ),
    Other("rm-flag-and-restart-exclude-each-other", "run --rm", "run", "Run with both"),
    Other("rm-flag-loses-the-container", "-ti --rm", "-ti", "Leave the shell"),
    Other("rm-flag-waits-for-the-end", "-ti --rm", "-ti", "Stop it"),
    Other(
        "start-resumes-no-process",
        "docker stop -t 1 my_test_c",
        "docker pause my_test_c\n  - docker unpause my_test_c",
        "Start it again",  # which claims already that the job does not run any more
    ),
    Other("stop-asks-first", "exit 143", "exit 7", "Stop it, with all the patience there is"),
    Other(
        "stop-asks-first",
        "-t 50 my_test_c",
        "-t 0 my_test_c",
        "Stop it, with all the patience there is",
    ),
    Other(
        "stop-kills-after-the-grace-time", '> /srv/note" TERM', '> /srv/note; exit" TERM', "Stop it"
    ),
    Other(
        "stop-of-a-shell-takes-its-time", "-ti --name", "-ti --stop-signal=HUP --name", "Stop it"
    ),
    Other(
        "stop-of-a-shell-takes-its-time",
        "docker stop my_test_c",
        "docker stop -t 9 my_test_c",
        "Stop it",
    ),
    Other(
        "stop-signal-is-one-it-listens-to",
        "-dti --stop-signal=HUP",
        "-dti --stop-signal=USR2",
        "Stop it, with all the patience there is",
    ),
    Other("suspended-job-waits-for-fg", "type: fg", "type: jobs", "Bring it back"),
    Other(
        "suspended-job-waits-for-fg",
        "type: jobs",
        "type: kill -CONT %1; jobs",
        "It is still suspended",
    ),
    Other(
        "two-attaches-share-one-screen",
        "attach my_test_c\n    opens: another",
        "exec -ti my_test_c bash\n    opens: another",
        "The other answers, and sees what comes of it",
    ),
)


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_another_behaviour_fails_the_step_that_claims_it(place: Place, other: Other) -> None:
    text = (SCENARIOS / f"{other.scenario}.yaml").read_text()
    assert text.count(other.written) == 1, "the scenario has changed: change this case as well"
    ran = place.run(str(place.write("other.yaml", text.replace(other.written, other.other))))
    failed = [name for name, status in ran.statuses().items() if status == "failed"]
    assert failed == [other.fails], ran.said
