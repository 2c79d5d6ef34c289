"""Terminals as people use them: windows, keys, colours, prompts, floods, all with the real CLI."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.engine.harness import Place, Ran, broken, docker

pytestmark = pytest.mark.engine

CANARY = "Xq7-canary-Sesame"

WINDOWS = """
scenario: windows
steps:
  - {name: Run, command: "docker run -ti --name=MINE-w ${{ lab.base_image }}", window: 80x24}
  - {name: First, type: stty size, expect: {screen: "(?m)^24 80$"}}
  - {name: Another, command: docker exec -ti MINE-w bash, opens: second, window: 100x30}
  - {name: Second, type: stty size, expect: {screen: "(?m)^30 100$"}}
  - {name: Log, command: "docker run -d --name=MINE-l ${{ lab.base_image }} sleep 600"}
  - {name: Follow, command: docker logs -f MINE-l, opens: log}
  - {name: Resize, window: 120x50, in: second}
  - {name: Resized, type: stty size, in: second, expect: {screen: "(?m)^50 120$"}}
  - {name: Resized at once, window: 90x20, type: stty size, in: MINE-w,
     expect: {screen: "(?m)^20 90$"}}
  - {name: Undisturbed, type: stty size, in: second, expect: {screen: "(?m)^50 120$"}}
  - {name: Said, command: docker exec MINE-l sh -c 'echo said-$((40 + 2)) >/proc/1/fd/1'}
  - {name: Seen in the log, check: {screen: said-42}, in: log, within: 10s}
  - {name: Not in the other, type: "echo mine-$((40 + 3))", in: second, expect: {screen: mine-43}}
  - {name: Leave the second, type: exit, in: second}
  - {name: Still the first, type: "echo here-$((40 + 4))", in: MINE-w, expect: {screen: here-44}}
"""
KEYS = """
scenario: keys
steps:
  - {name: Run, command: "docker run -ti --name=MINE-k ${{ lab.base_image }}"}
  - name: Sleep
    type: bash -c 'echo started; exec sleep 1000'
    expect: {screen: "(?m)^started$"}
  - {name: Interrupt, press: [ctrl-c], expect: {screen: '# $'}}
  - {name: Interrupted, type: "echo it was $?", expect: {screen: 'it was 130(?s:.*)# $'}}
  - {name: Say, type: "echo said-$((40 + 2))", expect: {screen: 'said-42(?s:.*)# $'}}
  - {name: Again, press: [up, enter], expect: {screen: 'said-42(?s:.*)# $'}}
  - {name: Two back, press: [up, up, up, down, enter], expect: {screen: 'said-42(?s:.*)# $'}}
  - {name: Cat, type: "bash -c 'echo started; exec cat'", expect: {screen: "(?m)^started$"}}
  - {name: To cat, type: first, expect: {screen: "(?m)^first$"}}
  - {name: Suspend, press: [ctrl-z], expect: {screen: 'Stopped(?s:.*)# $'}}
  - {name: Suspended, type: jobs, expect: {screen: 'Stopped .*cat'}}
  - {name: Resume, type: fg, expect: {screen: "exec cat"}}
  - {name: On to cat, type: second, expect: {screen: "(?m)^second$"}}
  - {name: End cat, press: [ctrl-d], expect: {screen: '# $'}}
  - {name: Letters, press: [e, c, h, o, space, o, k, left, right, backspace, K, enter],
     expect: {screen: "\\noK\\n(?s:.*)# $"}}
  - {name: End the shell, press: [ctrl-d], expect: {container: {state: exited}}}
"""
DETACH = """
scenario: detach
steps:
  - name: Run
    command: docker run -ti --detach-keys ctrl-a,d --name=MINE-d ${{ lab.base_image }}
  - {name: Remember, type: mark=41, expect: {screen: '# $'}}
  - {name: Docker's own keys, press: [ctrl-p, ctrl-q, ctrl-c], expect: {screen: '# $'}}
  - {name: Still here, type: "echo here-$((mark + 1))", expect: {screen: here-42}}
  - {name: Leave run, press: [ctrl-a, d]}
  - {name: Attach, command: "docker attach --detach-keys ctrl-@ MINE-d"}
  - {name: The same process, type: "echo back-$((mark + 2))", expect: {screen: back-43}}
  - {name: Leave attach, press: [ctrl-@]}
  - {name: Exec, command: "docker exec -ti --detach-keys x MINE-d bash", opens: shell}
  - {name: Leave exec, press: [x]}
  - {name: Stop, command: docker stop -t 0 MINE-d}
  - {name: Start, command: "docker start -ai --detach-keys ctrl-x,ctrl-y MINE-d"}
  - {name: Leave start, press: [ctrl-x, ctrl-y]}
  - {name: Attach again, command: docker attach MINE-d}
  - {name: Leave as ever, press: [ctrl-p, ctrl-q]}
  - {name: Attach for good, command: "docker attach --detach-keys a MINE-d"}
  - {name: Leave in vain, press: [ctrl-p, ctrl-q], expect: {exit: 0}, within: 1s}
"""
PAINTED = """
scenario: painted
steps:
  - {name: File, write: dockerfile, content: "FROM ${{ lab.base_image }}\\n
     RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends vim-tiny procps"}
  - {name: Build, command: docker build -q -t MINE/painted . -f dockerfile}
  - {name: Run, command: docker run -ti -w /srv --name=MINE-p MINE/painted, window: 80x24}
  - {name: ls, type: "mkdir folder; ls --color; echo d''one", expect: {screen: done}}
  - {name: top, type: top, expect: {screen: "COMMAND(?s:.*)top"}}
  - {name: Quit top, press: [q], expect: {screen: '# $'}}
  - {name: vi, type: vi note, expect: {screen: "~"}}
  - {name: Insert, press: [i, h, e, l, l, o, escape], expect: {screen: hello}}
  - {name: Up, press: [o, w, escape, up, A, "!", escape], expect: {screen: "!"}}
  - {name: Write, type: ":wq", expect: {screen: '# $'}}
  - {name: Written, type: cat note, expect: {screen: "hello!\\nw\\n"}}
  - name: Hostile
    type: printf '\\033[31m<script>x</script>\\033[0m\\033]0;t\\007 e''nd'
    expect: {screen: " end"}
  - name: Secret
    type: printf '\\033[31mXq7-can\\033[32mary-Se\\033[0msame \\033[1mo''ver\\033[0m\\n'
    expect: {screen: 'over(?s:.*)# $'}
  - {name: Known, type: "#${{ secret.password }}"}
"""
PROMPTS = r"""
scenario: prompts
steps:
  - {name: Run, command: "docker run -dti --name=MINE-q ${{ lab.base_image }}"}
  - name: In halves
    command: >-
      docker exec -ti -e LC_ALL=C.UTF-8 MINE-q bash -c
      'printf "\354\203"; read -st .2; printf "\210 \354\225"; read -st .2;
      printf "\224\355\230\270: "; read -s p; echo; echo "got $p"'
    dialogue: [{expect: "새 암호: $", send: 열려라}]
    expect: {output: got 열려라}
  - name: In order
    command: >-
      docker exec -ti MINE-q bash -c
      'read -p "Name: " a; read -p "Name: " b; echo ready; echo steady; read -p "> " c; echo $a$b$c'
    dialogue:
      - {expect: "(?i)password", send: never, optional: true}
      - {expect: "(?i)NAME: $", send: x}
      - {expect: "Name: $", send: y}
      - {expect: ready}
      - {expect: steady}
      - {expect: "> $", send: z}
      - {expect: "once more", press: [ctrl-c], optional: true}
    expect: {output: xyz}
  - name: In vain
    command: >-
      docker exec -ti MINE-q bash -c 'printf "현재 암호: "; read -s p'
    dialogue: [{expect: "새 암호:", send: x}]
    timeout: 2s
"""
FLOOD = r"""
scenario: flood
steps:
  - name: Flood
    command: >-
      docker run -ti --rm --log-driver none --name=MINE-f ${{ lab.base_image }}
      bash -c "head -c 100000000 /dev/zero | tr '\0' x; echo; echo the end"
  - {name: Shell, command: "docker run -ti --log-driver none --name=MINE-g ${{ lab.base_image }}"}
  - name: Flood the shell
    type: head -c 20000000 /dev/zero | tr '\0' x; echo; echo the e''nd
    expect: {screen: the end}
  - {name: Alive, type: "echo alive-$((40 + 2))", expect: {screen: alive-42}}
"""


def page(ran: Ran) -> str:
    """The report for people, of a run."""
    return (ran.folder / "index.html").read_text("utf-8")


def painted(ran: Ran, step: str) -> str:
    """The screen of a step as the page has it."""
    shown = page(ran).split(f'<span class="name"><bdi>{step}</bdi>', 1)[1]
    return shown.split('<pre class="screen">', 1)[1].partition("</pre>")[0]


def text_of(page: str) -> str:
    """What a person reads of it."""
    return re.sub("<[^>]*>", "", page)


# -- windows ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def windows(shared_place: Place) -> Ran:
    return shared_place.run(str(shared_place.write("windows.yaml", WINDOWS)))


def test_several_terminals_are_open_at_once_and_each_is_its_own(windows: Ran) -> None:
    assert windows.report["verdict"] == "PASS WITH 1 UNVERIFIED", windows.said


@pytest.mark.parametrize(
    ("step", "size"),
    [("Run", "80x24"), ("Another", "100x30"), ("Resize", "120x50"), ("Resized at once", "90x20")],
)
def test_a_window_s_size_is_seen_inside(windows: Ran, step: str, size: str) -> None:
    checks = [c for c in windows.step(step)["checks"] if c["about"].startswith("window of")]
    assert [(c["status"], c["expected"], c["actual"]) for c in checks] == [("kept", size, size)]


# -- keys ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keys(shared_place: Place) -> Ran:
    return shared_place.run(str(shared_place.write("keys.yaml", KEYS)))


@pytest.mark.parametrize(
    "step",
    [
        *("Interrupted", "Again", "Two back", "Suspended", "On to cat", "End cat"),
        *("Letters", "End the shell"),
    ],
)
def test_keys_do_what_they_do_at_a_person_s_terminal(keys: Ran, step: str) -> None:
    assert keys.step(step)["status"] == "passed", keys.said


# -- detaching ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def detach(shared_place: Place) -> Ran:
    return shared_place.run(str(shared_place.write("detach.yaml", DETACH)))


@pytest.mark.parametrize(
    "step", ["Leave run", "Leave attach", "Leave exec", "Leave start", "Leave as ever"]
)
def test_the_keys_of_the_line_detach_and_the_container_runs_on(detach: Ran, step: str) -> None:
    found = detach.step(step)
    assert [(c["about"], c["actual"], c["status"]) for c in found["checks"]] == [
        ("container MINE-d after detaching".replace("MINE", _word(detach)), "running", "kept")
    ]


def test_docker_s_own_keys_do_not_detach_where_the_line_has_others(detach: Ran) -> None:
    assert detach.step("Still here")["status"] == "passed"
    assert broken(detach.step("Leave in vain"))[0] == "the terminal ends"


def _word(ran: Ran) -> str:
    return str(ran.step("Stop")["command"].split()[-1].removesuffix("-d"))


def test_detach_keys_that_are_none_are_refused_in_their_place(place: Place) -> None:
    file = place.write(
        "bad.yaml", "scenario: x\nsteps:\n  - docker attach --detach-keys ctrl+a c\n"
    )
    ran = place.lifecycle("check", str(file))
    assert ran.exit_code == 4
    assert "bad.yaml:3:33: " in ran.said
    assert "did you mean ctrl-a" in ran.said


def test_the_keys_of_the_person_s_own_configuration_detach(place: Place) -> None:
    config = place.write("config/config.json", '{"detachKeys": "ctrl-q"}').parent
    config.chmod(0o755)
    theirs = Place(place.folder, environ={**place.environ, "DOCKER_CONFIG": str(config)})
    steps = """
  - docker run -ti --name=MINE-q ${{ lab.base_image }}
  - press: [ctrl-q]
    expect: {container: {state: running}}
"""
    ran = theirs.run(str(theirs.write("own.yaml", f"scenario: own keys\nsteps:{steps}")))
    assert ran.exit_code == 0, ran.said


# -- as it looked -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def looked(shared_place: Place) -> Iterator[Ran]:
    shared_place.environ["LIFECYCLE_SECRET_PASSWORD"] = CANARY
    yield shared_place.run(str(shared_place.write("painted.yaml", PAINTED)))
    del shared_place.environ["LIFECYCLE_SECRET_PASSWORD"]
    docker("rmi", "-f", f"{shared_place.word}/painted", check=False)


def test_programs_that_paint_the_screen_can_be_used(looked: Ran) -> None:
    assert looked.report["verdict"] == "PASS", looked.said


def test_the_colours_of_ls_are_in_the_page(looked: Ran) -> None:
    assert '<span class="f-4 bold">folder</span>' in painted(looked, "ls")


def test_top_is_a_table_with_its_heading_reversed(looked: Ran) -> None:
    screen = looked.step("top")["screen"]
    assert re.search(r"(?m)^ *PID USER .* COMMAND$", screen)
    assert re.search(r"(?m)^ *1 root .* bash$", screen)
    assert re.search(r'<span class="f-back b-fore"> *PID USER', painted(looked, "top"))


def test_vi_is_a_whole_screen_of_its_own(looked: Ran) -> None:
    screen = looked.step("Insert")["screen"].split("\n")
    assert screen[0] == "hello"
    assert screen[1:23] == ["~"] * 22
    assert "<span " in painted(looked, "vi")
    assert "~\n~" not in looked.step("Written")["screen"]


def test_hostile_output_is_text_in_its_colour(looked: Ran) -> None:
    shown = painted(looked, "Hostile")
    assert '<span class="f-1">&lt;script&gt;x&lt;/script&gt;</span> end' in shown
    assert "<script" not in page(looked)


def test_a_secret_split_by_colours_is_hidden_and_its_line_plain(looked: Ran) -> None:
    assert CANARY not in text_of(page(looked))
    assert "[redacted] over" in looked.step("Secret")["screen"]
    assert "\n[redacted] over\n" in painted(looked, "Secret")


def test_the_document_has_the_text_only(looked: Ran) -> None:
    assert all("styles" not in step for step in looked.scenario()["steps"])
    assert "\x1b" not in (looked.folder / "report.json").read_text("utf-8")


# -- prompts ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prompts(shared_place: Place) -> Ran:
    return shared_place.run("--lang", "ko", str(shared_place.write("prompts.yaml", PROMPTS)))


def test_a_korean_prompt_that_comes_in_halves_of_characters_is_answered(prompts: Ran) -> None:
    assert prompts.step("In halves")["status"] == "passed", prompts.said


def test_prompts_are_answered_in_order_and_optional_ones_passed_over(prompts: Ran) -> None:
    assert prompts.step("In order")["status"] == "passed", prompts.said


def test_a_wait_in_vain_shows_the_screen_as_it_stood_also_in_korean(prompts: Ran) -> None:
    found = prompts.step("In vain")
    assert "'새 암호:' did not come" in found["reason"]
    assert found["screen"] == "현재 암호:"
    assert "| 현재 암호:" in prompts.out
    assert painted(prompts, "In vain").strip() == "현재 암호:"


# -- floods -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flood(shared_place: Place) -> Ran:
    return shared_place.run_watched(str(shared_place.write("flood.yaml", FLOOD)))


def test_a_flood_on_a_terminal_is_never_blocked(flood: Ran) -> None:
    assert flood.report["verdict"] == "PASS", flood.said


def test_a_flood_fills_neither_memory_nor_the_report(flood: Ran) -> None:
    assert flood.peak_mb < 200
    assert sum(file.stat().st_size for file in flood.folder.iterdir()) < 100_000


def test_what_of_a_flood_is_not_on_the_screen_is_told(flood: Ran) -> None:
    cut = flood.step("Flood")["screen_cut"]
    assert cut > 99_000_000
    assert f"{cut} bytes of this screen were cut" in page(flood)
