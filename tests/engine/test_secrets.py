"""A secret is nowhere but where it was typed: not in a report, on a screen, or in a ledger."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from lifecycle.machine.subject import current_subject
from lifecycle.terminal.terminal import Terminal
from tests.engine.harness import Place, wait_until

pytestmark = pytest.mark.engine

CANARY = "Xq7/canary+Sesame"
TYPED = """
scenario: typed
steps:
  - {name: Run, command: "docker run -dti --name=MINE-c ${{ lab.base_image }}"}
  - name: Set it
    command: docker exec -u 0 -ti MINE-c passwd root
    dialogue:
      - {expect: "(?i)new.*password:", send: "${{ secret.password }}"}
      - {expect: "(?i)retype.*:", send: "${{ secret.password }}"}
    expect: {password_changed: root}
  - {name: A shell, command: docker exec -ti MINE-c bash, opens: shell}
  - name: Echoed on the screen
    type: echo ${{ secret.password }}
    in: shell
    expect: {screen: "sesame-that-is-not-there"}
    timeout: 1s
"""
PRINTED = """
scenario: printed
steps:
  - {name: Note, write: note, content: "pw=${{ secret.password }}", mode: "0600"}
  - name: Printed
    command: cat note
    expect: {output: nothing-like-it}
"""
COMPARED = """
scenario: compared
steps:
  - {name: Note, write: note, content: "pw=${{ secret.password }}\\n", mode: "0600"}
  - {name: Run, command: "docker run -d --name=MINE-d ${{ lab.base_image }} sleep 300"}
  - {name: In, command: docker cp note MINE-d:/note}
  - name: Compared
    command: docker exec MINE-d cat /note
    expect: {inside: {files: {/note: {text: "${{ secret.password }}-no"}}}}
  - {name: Coded, command: docker exec MINE-d base64 /note}
"""
STDIN = """
scenario: stdin
steps:
  - name: Stdin
    command: sh -c "cat; exit 3"
    stdin: ${{ secret.password }}
  - {name: Never, command: id}
"""


def forms(secret: str) -> list[bytes]:
    """The secret, and what it looks like inside a URL and inside base64."""
    coded = base64.b64encode(f"pw={secret}".encode()).decode().rstrip("=")[4:-2]
    return [secret.encode(), quote(secret, safe="").encode(), coded.encode()]


def told(folder: Path, secret: str) -> list[str]:
    """The files below a folder in which it stands."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms(secret))
    ]


def test_a_secret_is_in_nothing_that_a_run_says_or_writes(place: Place) -> None:
    place.environ["LIFECYCLE_SECRET_PASSWORD"] = CANARY
    texts = {"typed": TYPED, "printed": PRINTED, "compared": COMPARED, "stdin": STDIN}
    for name, text in texts.items():
        place.write(f"all/{name}.yaml", text)
    ran = place.run("all")
    assert ran.exit_code == 1
    assert ran.step("Set it", "typed")["status"] == "passed", ran.said
    assert ran.step("Echoed on the screen", "typed")["status"] == "failed"
    assert ran.step("Printed", "printed")["status"] == "failed"
    assert ran.step("Stdin", "stdin")["status"] == "failed"
    assert "[redacted]" in ran.step("Printed", "printed")["screen"]
    assert not any(form in ran.said.encode() for form in forms(CANARY))
    assert told(place.folder, CANARY) == []


def test_nor_in_what_plain_pytest_says_of_a_failure(place: Place) -> None:
    place.environ["LIFECYCLE_SECRET_PASSWORD"] = CANARY
    xml = f"--junitxml={place.folder}/pytest.xml"
    ran = place.pytest("-vv", "-rA", "-l", xml, str(place.write("a.yaml", PRINTED)))
    assert ran.exit_code == 1
    assert not any(form in ran.said.encode() for form in forms(CANARY))
    assert told(place.folder, CANARY) == []


def test_nor_in_the_ledger_or_the_arguments_of_a_process_while_it_runs(place: Place) -> None:
    place.environ["LIFECYCLE_SECRET_PASSWORD"] = CANARY
    text = TYPED.replace("sesame-that-is-not-there", "never").replace("1s", "100s")
    with place.started(*place.run_words(str(place.write("a.yaml", text)))) as process:
        typed = "Set it"

        def shell_is_open() -> bool:
            asked = place.folder.rglob("*.jsonl")
            return any(f"{place.word}-c" in path.read_text() for path in asked) and any(
                f"{place.word}-c" in words and "bash" in words for words in _processes()
            )

        wait_until(lambda: shell_is_open() or process.poll() is not None)
        seen = [words for words in _processes() if CANARY in words]
        ledgers = told(place.folder / "state", CANARY)
        process.terminate()
        ran = place.ended(process)
    assert (seen, ledgers) == ([], [])
    assert ran.step(typed)["status"] == "passed", ran.said
    assert told(place.folder, CANARY) == []


def _processes() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def test_the_private_note_is_private_and_goes_with_the_run(place: Place) -> None:
    place.environ["LIFECYCLE_SECRET_PASSWORD"] = CANARY
    text = PRINTED.replace("cat note", "stat -c %a note").replace("nothing-like-it", "^600$")
    before = set(Path("/tmp").glob("lifecycle-r*"))
    ran = place.run(str(place.write("a.yaml", text)))
    assert ran.exit_code == 0, ran.said
    made = [p for p in set(Path("/tmp").glob("lifecycle-r*")) - before if told(p, CANARY)]
    assert made == []


def test_a_secret_in_a_command_is_refused_before_anything_runs(place: Place) -> None:
    place.environ["LIFECYCLE_SECRET_PASSWORD"] = CANARY
    text = "scenario: shown\nsteps:\n  - docker run --rm -e PW=${{ secret.password }} x\n"
    ran = place.run(str(place.write("a.yaml", text)))
    assert ran.exit_code == 4
    assert "a.yaml:3:" in ran.err
    assert CANARY not in ran.said


ASKED = """
scenario: asked
steps:
  - {name: Note, write: note, content: "${{ secret.password }}", mode: "0600"}
  - {name: Whole, command: stat -c %s note, expect: {output: ^17$}}
  - {name: Printed, command: cat note}
"""


@contextmanager
def asking(place: Place, *words: str) -> Iterator[Terminal]:
    """``lifecycle run`` on a terminal, at the moment when it asks."""
    argv = place.run_words("--ask-secret", "password", *words)
    me, env = current_subject(), place.env()
    terminal = Terminal(argv, name="run", subject=me, env=env, cwd=place.folder)
    try:
        terminal.wait_for(r"secret\.password: $", since=0, timeout=30)
        assert terminal.wait_echo_off(10)
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_secret_is_asked_for_on_the_terminal_before_anything_starts(
    place: Place, workers: tuple[str, ...]
) -> None:
    files = [str(place.write(f"{n}.yaml", ASKED)) for n in ("one", "two")]
    with asking(place, *workers, *files) as terminal:
        assert place.ledgers() == []
        terminal.send_line(CANARY)
        wait_until(lambda: place.ledgers() or terminal.ended)
        seen = [argument for argument in _processes() if CANARY in argument]
        code, said = terminal.wait_end(60), terminal.text()
    assert code == 0, said
    assert (seen, told(place.folder, CANARY)) == ([], [])
    assert not any(form in said.encode() for form in forms(CANARY))


def test_a_secret_that_was_typed_too_short_starts_nothing(place: Place) -> None:
    with asking(place, str(place.write("a.yaml", ASKED))) as terminal:
        terminal.send_line("abc")
        assert terminal.wait_end(30) == 4
        assert "LIFECYCLE_SECRET_PASSWORD has under 6 characters" in terminal.text()
    assert not place.report_folder.exists()


def test_so_does_one_of_the_environment_that_is_too_short(place: Place) -> None:
    place.environ["LIFECYCLE_SECRET_PASSWORD"] = "abc"
    ran = place.run(str(place.write("a.yaml", ASKED)))
    assert ran.exit_code == 4
    assert "LIFECYCLE_SECRET_PASSWORD has under 6 characters" in ran.err
    assert "abc" not in ran.said


def test_without_a_terminal_nothing_is_asked_for(place: Place) -> None:
    ran = place.run("--ask-secret", "password", str(place.write("a.yaml", ASKED)))
    assert ran.exit_code == 4
    assert "there is no terminal" in ran.err
    assert "LIFECYCLE_SECRET_PASSWORD" in ran.err


def test_a_secret_that_no_scenario_uses_is_a_mistake(place: Place) -> None:
    ran = place.run("--ask-secret", "pasword", str(place.write("a.yaml", ASKED)))
    assert ran.exit_code == 4
    assert "did you mean password?" in ran.err


def test_no_step_has_a_secret_in_its_environment(place: Place) -> None:
    place.environ["LIFECYCLE_SECRET_P"] = CANARY
    text = """
scenario: environments
steps:
  - {name: Host, command: "sh -c 'env; cat /proc/$$/environ'"}
  - {name: Run, command: "docker run -dti --name=MINE-c ${{ lab.base_image }}"}
  - {name: Shell, command: docker exec -ti MINE-c bash, opens: shell}
  - {name: Inside, command: docker exec MINE-c env}
"""
    ran = place.run(str(place.write("a.yaml", text)))
    assert ran.exit_code == 0, ran.said
    assert "PATH=" in ran.step("Host")["screen"]
    assert CANARY not in str(ran.report)


@pytest.mark.parametrize(
    "line",
    [
        "docker run -d -e LIFECYCLE_SECRET_P --name=MINE-c ${{ lab.base_image }}",
        "docker create --name=MINE-c --env-file vars ${{ lab.base_image }}",
        "docker run --name=MINE-c ${{ lab.base_image }} bash -c 'echo $LIFECYCLE_SECRET_P'",
        "docker build --build-arg LIFECYCLE_SECRET_P -t MINE/i .",
    ],
)
def test_a_line_that_wants_a_secret_from_its_environment_is_told_what_to_write(
    place: Place, line: str
) -> None:
    place.environ["LIFECYCLE_SECRET_P"] = CANARY
    head = "scenario: wants\nsteps:\n  - {write: vars, content: LIFECYCLE_SECRET_P}\n"
    ran = place.lifecycle("run", str(place.write("a.yaml", f"{head}  - {line}\n")))
    assert ran.exit_code == 4
    assert "a.yaml:4:" in ran.err
    assert "LIFECYCLE_SECRET_P" in ran.err
    assert 'mode: "0600"' in ran.err
    assert CANARY not in ran.said
    assert place.left() == []


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("http://user:p@ss@127.0.0.1:9", "p@ss"),
        ("http://user:pa/ss@127.0.0.1:9", "pa/ss"),
        ("http://TOKEN-of-mine@127.0.0.1:9", "TOKEN-of-mine"),
        ("user:pw-of-mine@127.0.0.1:9", "pw-of-mine"),
    ],
)
@pytest.mark.parametrize("where", ["environment", "lab", "docker configuration"])
def test_the_password_of_a_proxy_is_shown_nowhere(
    place: Place, where: str, address: str, secret: str
) -> None:
    if where == "lab" and "://" not in address:
        address = f"http://{address}"
    config = place.folder / "config"
    config.mkdir()
    if where == "environment":
        place.environ["HTTP_PROXY"] = address
    if where == "docker configuration":
        (config / "config.json").write_text(json.dumps({"proxies": {"default": {"a": address}}}))
        place.environ["DOCKER_CONFIG"] = str(config)
    lab = ("--set", f"lab.proxy.http={address}") if where == "lab" else ()
    text = f"""
scenario: proxies
steps:
  - {{name: Note, write: note, content: "{address}"}}
  - {{name: Shown, command: cat note, expect: {{output: nothing-like-it}}}}
  - {{name: Environment, command: env}}
"""
    ran = place.run(*lab, str(place.write("a.yaml", text)))
    assert ran.exit_code == 1
    assert "[redacted]" in ran.out
    written = "".join(path.read_text() for path in ran.folder.iterdir())
    for form in (secret, quote(secret, safe=""), quote(secret)):
        assert form not in ran.said
        assert form not in written
