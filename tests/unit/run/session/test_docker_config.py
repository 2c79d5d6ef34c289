"""A run has a Docker configuration of its own, and the person's is not changed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.machine.subject import Subject, current_subject
from lifecycle.run.session import docker_copy
from lifecycle.run.session.discover import own_detach_keys
from lifecycle.run.session.docker_config import forget, private_copy
from lifecycle.run.session.who import StartError

ME = current_subject()
ALICE = Subject("alice", 23456, 23457, (23457,), ("alice",), "/", "/bin/sh", 0o022)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for somebody else")
CONFIG = {
    "auths": {"registry.example": {"auth": "a2ltOnNlY3JldA=="}},
    "currentContext": "gpu-server",
    "detachKeys": "ctrl-q,a",
    "proxies": {"default": {"httpProxy": "http://proxy:3128"}},
    "credHelpers": {"gcr.io": "gcloud"},
}
HELPER = """#!/bin/sh
# Somebody's keyring: a file a server, and a note of all that was asked.
here={here}
printf '%s\\n' "$1" >>"$here/asked"
case "$1" in
get)
    server=$(cat | tr / _)
    cat "$here/$server" 2>/dev/null && exit
    echo "credentials not found in native keychain"
    exit 1 ;;
list)
    echo '{{"https://old.example":"kim"}}' ;;
store | erase)
    cat >"$here/changed" ;;
esac
"""
Ask = Callable[..., tuple[int, str]]
NOT_FOUND = "credentials not found in native keychain\n"


@pytest.fixture
def home(passable: Path) -> Path:
    """A home with a Docker configuration."""
    folder = passable / "home" / ".docker"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "config.json").chmod(0o600)
    return passable / "home"


@pytest.fixture
def corner(passable: Path) -> Path:
    (passable / "corner").mkdir(mode=0o711)
    return passable / "corner"


def copied(
    home: Path, corner: Path, subject: Subject = ME, **more: str
) -> tuple[Path, dict[str, str]]:
    env = private_copy(subject, corner, {"HOME": str(home), "PATH": "/none", **more})
    return Path(env["DOCKER_CONFIG"]), env


def own(path: Path, subject: Subject) -> None:
    for one in (path, *path.rglob("*")):
        os.chown(one, subject.uid, subject.gid, follow_symlinks=False)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_the_copy_has_all_but_the_context_and_only_its_owner_reads_it(
    home: Path, corner: Path
) -> None:
    config, env = copied(home, corner)
    read = json.loads((config / "config.json").read_text())
    assert read == {k: v for k, v in CONFIG.items() if k != "currentContext"}
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    assert stat.S_IMODE((config / "config.json").stat().st_mode) == 0o600
    assert own_detach_keys(env, ME) == "ctrl-q,a"
    assert env["PATH"] == "/none"


@pytest.mark.parametrize(
    "text", ["no json", "[1]", "", "{", '{"auths": {}, "auths": 1}', "[" * 10_000]
)
def test_one_that_the_cli_would_complain_of_is_copied_as_it_is(
    home: Path, corner: Path, text: str
) -> None:
    (home / ".docker" / "config.json").write_text(text)
    config, _ = copied(home, corner)
    assert (config / "config.json").read_text() == text


def test_without_one_there_is_an_empty_one(passable: Path, corner: Path) -> None:
    config, _ = copied(passable, corner)
    assert list(config.iterdir()) == []


def test_contexts_keys_and_builders_are_copied_and_plugins_are_linked(
    home: Path, corner: Path
) -> None:
    files = ["contexts/meta/abc/meta.json", "trust/private/k", "ca.pem", "buildx/current"]
    for name in (*files, "buildx/refs/default/1", "cli-plugins/docker-x", "elsewhere/x"):
        file = home / ".docker" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    config, _ = copied(home, corner)
    found = everything(config)
    assert set(found) - {"config.json"} == set(files)
    assert {found[name] for name in files} == {name.encode() for name in files}
    assert (config / "cli-plugins").readlink() == home / ".docker" / "cli-plugins"
    assert (config / "cli-plugins" / "docker-x").read_text() == "cli-plugins/docker-x"


def test_builders_that_buildx_has_elsewhere_are_copied_from_there(
    home: Path, corner: Path, passable: Path
) -> None:
    (passable / "builders").mkdir()
    (passable / "builders" / "current").write_text("mine")
    config, env = copied(home, corner, BUILDX_CONFIG=str(passable / "builders"))
    assert (config / "buildx" / "current").read_text() == "mine"
    assert "BUILDX_CONFIG" not in env


def test_the_one_that_docker_config_names_is_copied(
    home: Path, corner: Path, passable: Path
) -> None:
    (passable / "other").mkdir()
    (passable / "other" / "config.json").write_text('{"detachKeys": "a"}')
    config, _ = copied(home, corner, DOCKER_CONFIG=str(passable / "other"))
    assert json.loads((config / "config.json").read_text()) == {"detachKeys": "a"}


@pytest.mark.parametrize("name", ["config.json", "contexts/meta/x", "trust/x", "buildx/x"])
def test_one_that_is_too_large_is_a_sentence(home: Path, corner: Path, name: str) -> None:
    file = home / ".docker" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.truncate(docker_copy.MOST_BYTES + 1)
    with pytest.raises(StartError, match=r"can't be copied for the run: .* (longer|more) than"):
        copied(home, corner)


def test_endless_files_are_a_sentence_too(home: Path, corner: Path) -> None:
    (home / ".docker" / "contexts").mkdir()
    for number in range(docker_copy.MOST_FILES + 1):
        (home / ".docker" / "contexts" / str(number)).touch()
    with pytest.raises(StartError, match="more than 1000 files"):
        copied(home, corner)


def test_a_pipe_or_a_loop_holds_nobody_up(home: Path, corner: Path) -> None:
    folder = home / ".docker" / "contexts"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "up").symlink_to("..")
    config, _ = copied(home, corner)
    assert set(everything(config)) == {"config.json"}


@as_root
def test_root_copies_as_the_person_and_for_them(home: Path, corner: Path) -> None:
    own(home, ALICE)
    config, _ = copied(home, corner, ALICE)
    for one in (config, config / "config.json"):
        assert (one.stat().st_uid, one.stat().st_gid) == (ALICE.uid, ALICE.gid)
    assert "registry.example" in (config / "config.json").read_text()


@as_root
@pytest.mark.parametrize("way", ["roots", "link", "folder"])
def test_what_the_person_may_not_read_is_not_copied_for_them(
    home: Path, corner: Path, passable: Path, way: str
) -> None:
    docker = home / ".docker"
    secret = passable / "secret"
    secret.mkdir(mode=0o700)
    (secret / "config.json").write_text('{"auths": "of-root"}')
    (secret / "config.json").chmod(0o600)
    own(home, ALICE)
    if way == "roots":
        os.chown(docker / "config.json", 0, 0)
    elif way == "link":
        (docker / "config.json").unlink()
        (docker / "config.json").symlink_to(secret / "config.json")
    else:
        (docker / "config.json").unlink()
        docker.rmdir()
        docker.symlink_to(secret)
    config, _ = copied(home, corner, ALICE)
    # As the CLI would find it: there, and not to be read.
    assert everything(config) == {"config.json": b""}
    assert stat.S_IMODE((config / "config.json").stat().st_mode) == 0


def test_it_goes_even_where_the_runs_folder_is_kept(home: Path, corner: Path) -> None:
    config, _ = copied(home, corner)
    (home / ".docker" / "cli-plugins").mkdir()
    (home / ".docker" / "cli-plugins" / "x").touch()
    (config / "cli-plugins").symlink_to(home / ".docker" / "cli-plugins")
    forget(str(config))
    assert list(corner.iterdir()) == []
    assert (home / ".docker" / "cli-plugins" / "x").exists()


# -- credential helpers ----------------------------------------------------------------------


@pytest.fixture
def keyring(passable: Path) -> Path:
    """A folder with a helper on the PATH, and what it keeps."""
    folder = passable / "it's a keyring"
    folder.mkdir()
    helper = folder / "docker-credential-secretservice"
    helper.write_text(HELPER.format(here=f"'{passable}/its'"))
    helper.chmod(0o755)
    (passable / "its").mkdir()
    (passable / "its" / "https:__old.example").write_text('{"Username":"kim","Secret":"old"}\n')
    return folder


@pytest.fixture
def ask(home: Path, corner: Path, keyring: Path) -> Ask:
    _, env = copied(home, corner, PATH=f"{keyring}:{os.defpath}")

    def run(word: str, said: str = "") -> tuple[int, str]:
        words = ["docker-credential-secretservice", word]
        found = subprocess.run(
            words, env=env, input=said, text=True, stdout=subprocess.PIPE, timeout=60, check=False
        )
        return found.returncode, found.stdout

    return run


def stored(server: str, user: str = "kim", secret: str = "new") -> str:
    # As Go writes it, which keeps the order of the fields.
    text = json.dumps(
        {"ServerURL": server, "Username": user, "Secret": secret}, separators=(",", ":")
    )
    return f"{text}\n"


def test_what_a_step_stores_or_erases_is_the_runs_and_the_keyring_stays(
    ask: Ask, passable: Path
) -> None:
    old, new = "https://old.example", "https://new.example/v1/"
    assert ask("get", old) == (0, '{"Username":"kim","Secret":"old"}\n')
    assert ask("get", new) == (1, NOT_FOUND)
    assert ask("store", stored(new)) == (0, "")
    assert ask("get", new) == (0, stored(new))
    assert ask("erase", old) == (0, "")
    assert ask("get", old) == (1, NOT_FOUND)
    assert ask("store", stored(old)) == (0, "")
    assert ask("get", old) == (0, stored(old))
    assert not (passable / "its" / "changed").exists()


def test_all_that_is_known_is_listed(ask: Ask) -> None:
    user = 'a "quoted" \\ user, {}'
    for server in ("https://one", "https://two"):
        ask("store", stored(server, user, 'p"\\n%s$(x)`'))
    code, said = ask("list")
    assert code == 0
    assert json.loads(said) == {
        "https://old.example": "kim",
        "https://one": user,
        "https://two": user,
    }


@pytest.mark.parametrize("word", ["", "delete", "-x"])
def test_what_a_helper_is_not_known_to_do_is_not_passed_on(
    ask: Ask, passable: Path, word: str
) -> None:
    assert ask(word)[0] == 1
    assert not (passable / "its" / "asked").exists()


def test_what_cannot_be_understood_is_not_stored(ask: Ask) -> None:
    for said in ("", "no json", '{"Username":"x","ServerURL":"https://x"}', '{"ServerURL":""}'):
        code, text = ask("store", said)
        assert (code, "cannot tell" in text) == (1, True)


@as_root
def test_root_finds_the_helpers_that_the_person_may_run(
    home: Path, corner: Path, keyring: Path
) -> None:
    (keyring / "docker-credential-roots").write_text("")
    (keyring / "docker-credential-roots").chmod(0o700)
    config, env = copied(home, corner, ALICE, PATH=f"{keyring}:{os.defpath}")
    first = Path(env["PATH"].split(":")[0])
    found = {f.name for f in first.glob("docker-*")}
    assert "docker-credential-secretservice" in found
    assert "docker-credential-roots" not in found
    shim = (first / "docker-credential-secretservice").stat()
    assert (shim.st_uid, stat.S_IMODE(shim.st_mode)) == (ALICE.uid, 0o700)
    assert first.parent == config.parent
