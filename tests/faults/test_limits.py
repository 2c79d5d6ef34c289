"""Whatever is printed: little memory, a small report that says what was cut, a quiet terminal."""

from __future__ import annotations

import os
import pty
import re
from pathlib import Path
from unicodedata import category

import pytest

from lifecycle.text.json_object import Json
from tests.engine.harness import Place, Ran

pytestmark = pytest.mark.engine

MOST_MB = 200
MOST_BYTES = 10_000_000
FLOOD = r"""
scenario: flood
steps:
  - name: Flood
    command: >-
      docker run --rm --log-driver none --name=MINE-f ${{ lab.base_image }}
      bash -c "echo the beginning; head -c 1000000000 /dev/zero | tr '\0' x; echo; echo the end"
    timeout: 10m
    expect: {output: "^the end$"}
  - name: Not in what is left of it
    command: docker run --rm --log-driver none ${{ lab.base_image }} bash -c "seq 300000"
    expect: {output: "^150000$"}
"""
LOG = """
scenario: log
steps:
  - name: Log
    command: >-
      docker run -d --name=MINE-l ${{ lab.base_image }}
      bash -c "yes 'line of a log, as long as such lines often are, with a time and a name in it' |
      head -n 1000000; echo the end"
  - docker wait MINE-l
  - name: Logs
    command: docker logs MINE-l
    timeout: 5m
    expect: {output: "^the end$"}
  - docker rm MINE-l
"""
NOISE = r"""
scenario: noise
steps: ["id"]
finally:
  - name: Noise
    command: >-
      docker run --rm ${{ lab.base_image }} bash -c
      'head -c 3000000 /dev/urandom; printf "%b" "$0"; exit 3' '@'
    fails: {exit: 4}
  - name: Noise on a terminal
    command: >-
      docker run --rm -ti ${{ lab.base_image }} bash -c
      'head -c 3000000 /dev/urandom; printf "%b" "$0"; exit 3' '@'
    opens: false
    fails: {exit: 4}
"""
SAID = {
    "a title": r"\033]0;owned\007",
    "a link": r"\033]8;;file:///etc/passwd\033\\click\033]8;;\033\\",
    "the clipboard": r"\033]52;c;b3duZWQ=\007",
    "the whole screen": r"\033[2J\033[H\033[3J\033c",
    "another screen": r"\033[?1049h\033[?25l",
    "an answer": r"\033[6n\033[c\033[>c\033P$q q\033\\",
    "another alphabet": r"\016\033(0\033)0",
    "eight bits": r"\0302\0233\062J\0302\0235\060;owned\0302\0234\0233\062J",
    "going back": r"owned\r\010\010\010",
    "another direction": r"\0342\0200\0256exe.gpj\0342\0201\0246",
    "other controls": r"\001\002\003\004\005\006\007\013\014\017\020\021\023\024\032\177",
}
"""What would move, name, copy to or ask a terminal, each by what it is after."""
REORDERING = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ALLOWED = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[hl]|\x1b\[2K|\r|\n|\t")
"""Our own colours, and the line that says what is being done."""


def bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def small(ran: Ran) -> bool:
    """Whether memory and report stayed within their limits, both said when they did not."""
    measured = (ran.peak_mb, bytes_of(ran.folder))
    assert measured < (MOST_MB, 0), measured
    assert measured[1] < MOST_BYTES, measured
    return True


def cut_is_told(ran: Ran, step: Json) -> bool:
    page = (ran.folder / "index.html").read_text()
    told = f"{step['screen_cut']} bytes of this screen were cut"
    return "bytes cut here" in step["screen"] and told in page


def test_a_gigabyte_on_a_pipe_is_neither_blocked_nor_kept(place: Place) -> None:
    ran = place.run_watched(str(place.write("flood.yaml", FLOOD)), limit=600)
    step = ran.step("Flood")
    assert step["status"] == "passed", ran.said
    assert cut_is_told(ran, step)
    assert step["screen_cut"] > 999_000_000
    assert small(ran)
    checks = {c["about"]: c for c in ran.step("Not in what is left of it")["checks"]}
    assert checks["output"]["status"] == "unverified"


def test_a_log_of_a_million_lines_is_read_to_its_end(place: Place) -> None:
    ran = place.run_watched(str(place.write("log.yaml", LOG)), limit=600)
    step = ran.step("Logs")
    assert step["status"] == "passed", ran.said
    assert cut_is_told(ran, step)
    assert small(ran)


@pytest.fixture
def noise(place: Place) -> Path:
    return place.write("noise.yaml", NOISE.replace("@", "".join(SAID.values())))


def assert_in_order(said: str, allowed: re.Pattern[str]) -> None:
    """Nothing but text, and what we send ourselves."""
    odd = {c for c in allowed.sub("", said) if category(c) in {"Cc", "Cs"} or c in REORDERING}
    assert not odd, sorted(map(ascii, odd))


def test_noise_reaches_a_pipe_as_text_only(place: Place, noise: Path) -> None:
    ran = place.run_watched(str(noise), limit=300)
    assert ran.exit_code == 1, ran.said
    assert [ran.step(n)["checks"][0]["actual"] for n in ("Noise", "Noise on a terminal")] == [3, 3]
    assert ran.said.count("    | ") > 4
    assert_in_order(ran.said, re.compile("\n"))
    assert small(ran)


def test_noise_does_not_move_a_persons_terminal(place: Place, noise: Path) -> None:
    ours, theirs = pty.openpty()
    place.environ |= {"NO_COLOR": "", "TERM": "xterm-256color"}
    child = os.posix_spawnp(
        "setsid",
        ["setsid", "--wait", *place.run_words(str(noise))],
        place.env(),
        file_actions=[(os.POSIX_SPAWN_DUP2, theirs, fd) for fd in (0, 1, 2)],
    )
    os.close(theirs)
    said = b"".join(iter(lambda: read(ours), b"")).decode()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1, said
    assert "\x1b[" in said
    assert_in_order(said, ALLOWED)


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # nobody is at its other end any more
        return b""


def test_noise_is_nothing_but_text_in_every_file_of_the_report(place: Place, noise: Path) -> None:
    ran = place.run(str(noise))
    for file in ran.folder.iterdir():
        assert_in_order(file.read_text(), re.compile("[\n\t]"))
