"""What a step logs in to or out of is the run's, and the person's own configuration stays."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

import lifecycle
from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, Ran
from tests.engine.people import Person, run_as

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="acting as somebody else takes root"),
]
BEFORE = '{"auths": {"old.example": {"auth": "a2ltOm9sZA=="}},\n "detachKeys": "ctrl-q"}\n'
SCENARIO = """
scenario: logins
steps:
  - name: log in
    command: docker login -u kim --password-stdin ${{ run.registry }}
    stdin: ${{ secret.registry }}
    expect: {output: Login Succeeded}
  - {name: the run has it, command: docker logout REGISTRY, expect: {output: Removing login}}
  - name: log in again
    command: docker login -u kim --password-stdin ${{ run.registry }}
    stdin: ${{ secret.registry }}
  - {name: out of the old one, command: docker logout old.example}
  - {name: the end, check: {host: {files: {HOME/.docker/config.json: {contains: old.example}}}}}
finally:
  - {name: out of it, command: docker logout old.example}
  - name: once more
    command: docker login -u kim --password-stdin ${{ run.registry }}
    stdin: ${{ secret.registry }}
"""
KEYRING = """#!/bin/sh
echo "$1" >> {asked}
case "$1" in
get) echo "credentials not found in native keychain"; exit 1 ;;
list) echo "{{}}" ;;
*) cat > {changed} ;;
esac
"""


@pytest.fixture
def minji(place: Place, in_sandbox: SandboxInfo) -> Person:
    home = place.folder / "home"
    (home / ".docker").mkdir(parents=True)
    for path in (home, home / ".docker"):
        os.chown(path, 4711, 4712)
    group = (("lab", in_sandbox.socket_gid),)
    return Person("minji", 4711, 4712, "minji", group, home=str(home))


def configured(person: Person, text: str) -> Path:
    config = Path(person.home) / ".docker" / "config.json"
    config.write_text(text)
    config.chmod(0o600)
    os.chown(config, person.uid, person.gid)
    return config


def state(config: Path) -> tuple[bytes, int, int, list[str]]:
    seen = config.stat()
    return config.read_bytes(), seen.st_ino, seen.st_mtime_ns, sorted(os.listdir(config.parent))  # noqa: PTH208


def scenario(place: Place, person: Person, info: SandboxInfo) -> str:
    text = SCENARIO.replace("HOME", person.home).replace("REGISTRY", info.registry)
    path = place.write("a.yaml", text)
    path.chmod(0o644)
    return str(path)


ROOT = Path(lifecycle.__file__).parents[1]
OPENED = """
checkout=$1 private=$2
shift 2
door=$(mktemp -d)
mount --bind "$checkout" "$door"
mount -t tmpfs -o mode=755 opened "$private"
mkdir -p "$checkout"
mount --bind "$door" "$checkout"
umount "$door"
rmdir "$door"
exec "$@"
"""


def within_reach() -> tuple[str, ...]:
    """What lets anybody come to this checkout, for one command: root's may lie in a private folder.

    In a mount namespace of the command's own an open folder stands in the private one's place.
    """
    closed = [one for one in ROOT.parents if not one.stat().st_mode & stat.S_IXOTH]
    if not closed:
        return ()
    return ("unshare", "--mount", "sh", "-ec", OPENED, "sh", str(ROOT), str(closed[-1]))


def as_oneself(place: Place, person: Person, *words: str) -> Ran:
    """The run without root, as a member does it."""
    own = place.folder / "own"
    own.mkdir()
    os.chown(own, person.uid, person.gid)
    place.environ.update({"HOME": person.home, "XDG_STATE_HOME": str(own / "state")})
    ids = ("--reuid", str(person.uid), "--regid", str(person.gid))
    groups = ("--groups", ",".join(str(gid) for _, gid in person.groups))
    report = ("--report", str(own / "report"))
    words = (sys.executable, "-m", "lifecycle.cli", "run", *words, *report)
    with place.started(*within_reach(), "setpriv", *ids, *groups, *words) as process:
        ran = place.ended(process)
    return Ran(ran.exit_code, ran.out, ran.err, own / "report")


@pytest.mark.parametrize("act", [run_as, as_oneself])
def test_logins_of_steps_leave_the_persons_file_as_it_was(
    place: Place, in_sandbox: SandboxInfo, minji: Person, act: object
) -> None:
    config = configured(minji, BEFORE)
    before = state(config)
    ran = act(place, minji, scenario(place, minji, in_sandbox))  # type: ignore[operator]
    assert ran.exit_code == 0, ran.said
    assert set(ran.statuses().values()) == {"passed"}, ran.said
    assert state(config) == before


@pytest.mark.parametrize("configuration", ["{}", '{"credsStore": "secretservice"}'])
@pytest.mark.parametrize("act", [run_as, as_oneself])
def test_logins_of_steps_leave_the_persons_keyring_as_it_was(
    place: Place, in_sandbox: SandboxInfo, minji: Person, act: object, configuration: str
) -> None:
    config = configured(minji, configuration)
    tools = place.folder / "tools"
    tools.mkdir()
    asked, changed = Path(minji.home) / "asked", Path(minji.home) / "changed"
    helper = tools / "docker-credential-secretservice"
    helper.write_text(KEYRING.format(asked=asked, changed=changed))
    helper.chmod(0o755)
    place.environ["PATH"] = f"{tools}:{os.environ['PATH']}"
    text = Path(scenario(place, minji, in_sandbox)).read_text()
    kept = [line for line in text.splitlines() if "the end" not in line]
    path = place.write("b.yaml", "\n".join(kept))
    before = state(config)
    ran = act(place, minji, str(path))  # type: ignore[operator]
    assert ran.exit_code == 0, ran.said
    assert not changed.exists()
    assert not {"store", "erase"} & set(asked.read_text().split() if asked.exists() else ())
    assert state(config) == before
