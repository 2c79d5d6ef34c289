"""Root runs a scenario for somebody: nothing that they could not read comes to them by it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, Ran
from tests.engine.people import Person, run_as

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="acting as somebody else takes root"),
]
SECRET = "the-words-of-root"
LOOKS = """
scenario: looks
steps:
  - {name: shadow, check: {host: {files: {/etc/shadow: {contains: zzzz}}}}}
  - {name: its text, check: {host: {files: {HIDDEN/secret: {text: zzzz}}}}}
  - {name: through a link, check: {host: {files: {HOME/link: {contains: zzzz}}}}}
  - {name: hers, check: {host: {files: {HOME/own: {text: mine, owner: minji, writable: true}}}}}
"""
LINES = """
scenario: lines
steps:
  - name: env-file
    command: docker run --rm --name=MINE-a --env-file HIDDEN/env ${{ lab.base_image }} true
    fails: {exit: 125}
  - name: label-file
    command: docker run --rm --name=MINE-b --label-file HOME/envlink ${{ lab.base_image }} true
    fails: {exit: 125}
  - name: dockerfile
    command: docker build -t MINE/x -f HOME/link HOME
    fails: {exit: 1}
  - name: id file
    command: docker run --name=MINE-c --cidfile HOME/link ${{ lab.base_image }} true
    fails: {output: permission denied}
  - name: source
    command: docker run --rm --name=MINE-d -v HIDDEN/secret:/s ${{ lab.base_image }} true
"""


@pytest.fixture
def minji(place: Place, in_sandbox: SandboxInfo) -> Person:
    """Somebody with links of hers into a folder of root's that she may not enter."""
    hidden, home = place.folder / "hidden", place.folder / "home"
    hidden.mkdir(mode=0o700)
    home.mkdir()
    (hidden / "secret").write_text(f"FROM {SECRET}\nUSER {SECRET}\n")
    (hidden / "env").write_text(f"TOKEN={SECRET}\nspace d={SECRET}\n")
    (home / "link").symlink_to(hidden / "secret")
    (home / "envlink").symlink_to(hidden / "env")
    (home / "own").write_text("mine")
    for path in (home, *home.iterdir()):
        os.chown(path, 4711, 4712, follow_symlinks=False)
    return Person("minji", 4711, 4712, "minji", (("lab", in_sandbox.socket_gid),), home=str(home))


def scenario(place: Place, text: str) -> str:
    text = text.replace("HIDDEN", f"{place.folder}/hidden").replace("HOME", f"{place.folder}/home")
    return str(place.write("a.yaml", text))


def nothing_is_shown(ran: Ran) -> None:
    said = ran.said + "".join(f.read_text() for f in ran.folder.iterdir())
    for words in (SECRET, "root:"):
        assert words not in said


def test_a_file_that_the_person_may_not_read_is_unverified(place: Place, minji: Person) -> None:
    ran = run_as(place, minji, scenario(place, LOOKS))
    assert ran.exit_code == 0, ran.said
    nothing_is_shown(ran)
    for name in ("shadow", "its text", "through a link"):
        (check,) = ran.step(name)["checks"]
        assert check["status"] == "unverified"
        assert "cannot be read as minji: permission denied" in check["source"]
    assert {c["status"] for c in ran.step("hers")["checks"]} == {"kept"}


def test_files_that_lines_name_are_read_as_the_person(place: Place, minji: Person) -> None:
    ran = run_as(place, minji, scenario(place, LINES))
    nothing_is_shown(ran)
    steps = ran.statuses()
    failed = [name for name, status in steps.items() if status == "failed"]
    assert failed == ["source"], ran.said
    (check,) = ran.step("source")["checks"]
    assert check["actual"] == "cannot be read as minji: permission denied"


def test_before_anything_runs_the_files_are_read_as_the_person_too(
    place: Place, minji: Person
) -> None:
    ran = run_as(place, minji, scenario(place, LINES), "--dry-run")
    assert ran.exit_code == 0, ran.said
    assert SECRET not in ran.said


def test_the_persons_own_lab_file_is_read_as_the_person(place: Place, minji: Person) -> None:
    config = Path(minji.home) / ".config" / "lifecycle"
    config.mkdir(parents=True)
    (config / "my-env.toml").symlink_to(place.folder / "hidden" / "env")
    ran = run_as(place, minji, scenario(place, LOOKS))
    assert ran.exit_code == 0, ran.said
    assert SECRET not in ran.said


def test_a_template_that_is_a_link_of_the_persons_gives_nothing_of_roots(
    place: Place, minji: Person
) -> None:
    text = "scenario: t\nsteps:\n  - {write: file, template: user.j2}\n"
    folder = Path(minji.home)
    (folder / "t.yaml").write_text(text)
    (folder / "user.j2").write_text(SECRET)
    (folder / "user.j2").chmod(0o600)  # root's, put into a folder of hers
    ran = run_as(place, minji, str(folder / "t.yaml"))
    assert ran.exit_code == 4, ran.said
    assert "Permission denied" in ran.said
    assert SECRET not in ran.said


def test_the_report_of_a_run_that_never_began_goes_through_no_link_either(
    place: Place, minji: Person
) -> None:
    roots, folder = place.folder / "roots", Path(minji.home) / "work"
    roots.mkdir()
    folder.mkdir()
    (folder / "reports").symlink_to(roots)
    for path in (folder, folder / "reports"):
        os.chown(path, 4711, 4712, follow_symlinks=False)
    place.environ["DOCKER_HOST"] = "unix:///nowhere"
    file = scenario(place, LOOKS)
    ran = run_as(place, minji, file, "--report", str(folder / "reports" / "x"))
    assert ran.exit_code != 0
    assert "could not be written" in ran.said
    assert list(roots.iterdir()) == []
