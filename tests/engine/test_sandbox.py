"""What a sandbox gives to those who use it."""

from __future__ import annotations

import http
import http.client
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from lifecycle.sandbox import install
from lifecycle.sandbox.cache import Cache
from lifecycle.sandbox.info import SandboxInfo, load_info
from lifecycle.sandbox.open import open_sandbox
from lifecycle.sandbox.shell import SandboxError, wait_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox needs root"),
]

# The one image that every sandbox has from the start; it listens on port 5000.
IMAGE = "lifecycle/registry"


@pytest.fixture(scope="module")
def sandbox(sandboxes_alone: None) -> Iterator[SandboxInfo]:
    """One sandbox for the tests that only use it."""
    assert sandboxes_alone is None
    with open_sandbox(gpus=2, say=print) as info:
        yield info
        docker(info, "ps")  # nothing that a test did has ended it


def docker(info: SandboxInfo, *words: str, prefix: tuple[str, ...] = ()) -> str:
    """Run docker on the sandbox, and return what it printed."""
    ran = subprocess.run(
        [*prefix, "docker", *words],
        check=False,
        text=True,
        capture_output=True,
        env={**os.environ, **info.environ(), "DOCKER_CONFIG": "/nonexistent"},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_a_pull_really_pulls(sandbox: SandboxInfo) -> None:
    assert docker(sandbox, "images", "-q", sandbox.base_image) == ""
    assert "Pull complete" in docker(sandbox, "pull", sandbox.base_image)
    assert docker(sandbox, "run", "--rm", sandbox.base_image, "id", "-un") == "root"


def test_no_tag_means_latest_which_is_not_one_point_zero(sandbox: SandboxInfo) -> None:
    def version(image: str) -> str:
        return docker(sandbox, "run", "--rm", image, "printenv", "LAB_BASE")

    assert "lab/base:latest" in docker(sandbox, "pull", sandbox.lab_image)
    assert version(sandbox.lab_image) == "2.0"
    assert version(f"{sandbox.lab_image}:1.0") == "1.0"


def test_a_build_can_look_up_and_reach_the_package_mirror(sandbox: SandboxInfo) -> None:
    updated = docker(sandbox, "run", "--rm", sandbox.base_image, "apt-get", "update")
    assert "Err:" not in updated


def answers(address: str, port: int, path: str) -> bool:
    with suppress(OSError), closing(http.client.HTTPConnection(address, port, timeout=5)) as asked:
        asked.request("GET", path)
        return asked.getresponse().status == http.HTTPStatus.OK
    return False


def test_what_is_published_answers_at_the_sandboxs_address(sandbox: SandboxInfo) -> None:
    docker(sandbox, "run", "-d", "--name=published", "-p8080:5000", IMAGE)
    assert wait_until(lambda: answers(sandbox.address, 8080, "/v2/"), limit=10)
    docker(sandbox, "rm", "-f", "published")


def test_whoever_bears_the_gid_may_use_the_engine_and_nobody_else(sandbox: SandboxInfo) -> None:
    person = ("setpriv", "--reuid=64321", "--regid=64321")
    member = (*person, f"--groups={sandbox.socket_gid}")
    assert docker(sandbox, "ps", "-q", prefix=member)
    with pytest.raises(AssertionError, match="permission denied"):
        docker(sandbox, "ps", "-q", prefix=(*person, "--clear-groups"))


@pytest.mark.parametrize(
    ("asked", "indexes"),
    [("all", [0, 1]), ("1", [0]), ('"device=1"', [1]), ('"device=1,0"', [1, 0])],
)
def test_simulated_gpus_reach_the_container_that_asks(
    sandbox: SandboxInfo, asked: str, indexes: list[int]
) -> None:
    told = docker(sandbox, "run", "--rm", "--gpus", asked, sandbox.base_image, "nvidia-smi", "-L")
    gpus = [sandbox.gpus[index] for index in indexes]
    assert told.splitlines() == [f"GPU {g.index}: {g.name} (UUID: {g.uuid})" for g in gpus]
    assert "SIMULATED" in told


def test_a_simulated_gpu_that_is_not_there_is_refused(sandbox: SandboxInfo) -> None:
    with pytest.raises(AssertionError, match="device error: 7"):
        docker(sandbox, "run", "--rm", "--gpus", '"device=7"', sandbox.base_image, "true")


def test_a_container_that_asks_for_no_gpu_has_none(sandbox: SandboxInfo) -> None:
    with pytest.raises(AssertionError, match="not found"):
        docker(sandbox, "run", "--rm", sandbox.base_image, "nvidia-smi")


def test_another_process_learns_all_of_it_from_the_environment(sandbox: SandboxInfo) -> None:
    assert load_info(sandbox.environ()) == sandbox
    assert load_info({}) is None
    assert load_info({"LIFECYCLE_SANDBOX": "/nonexistent"}) is None
    assert sandbox.base_image in Path(sandbox.environ()["LIFECYCLE_LAB"]).read_text()


def test_a_user_who_is_not_root_is_told_so_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxError, match="needs root"), open_sandbox(say=pytest.fail):
        pass


def test_a_machine_without_apt_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"docker\.io iproute2 iptables.*package manager"):
        install.ensure(install.ENGINE, pytest.fail)


def test_a_cached_file_that_was_changed_is_made_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    file = cache.put("a.tar", lambda part: void(part.write_text("whole")))
    assert cache.get("a.tar") == file
    file.write_text("other")
    assert cache.get("a.tar") is None


@pytest.mark.parametrize("changed", ["a.tar", "a.tar.json"])
@pytest.mark.parametrize("mode", [0o666, 0o646, 0o664])
def test_a_cached_file_that_somebody_else_may_write_is_not_used(
    tmp_path: Path, changed: str, mode: int
) -> None:
    cache = Cache(tmp_path)
    cache.put("a.tar", lambda part: void(part.write_text("whole")))
    (tmp_path / changed).chmod(mode)
    assert cache.get("a.tar") is None


@pytest.mark.parametrize("changed", ["a.tar", "a.tar.json"])
def test_nor_is_one_that_is_somebody_elses(tmp_path: Path, changed: str) -> None:
    cache = Cache(tmp_path)
    cache.put("a.tar", lambda part: void(part.write_text("whole")))
    os.chown(tmp_path / changed, 64321, 0)
    assert cache.get("a.tar") is None


def test_nobody_else_can_hold_up_the_making_of_a_cached_file(tmp_path: Path) -> None:
    (tmp_path / "a.tar.lock").touch(mode=0o644)
    with Cache(tmp_path).making("a.tar", pytest.fail):
        assert (tmp_path / "a.tar.lock").stat().st_mode & 0o077 == 0


def test_a_cached_file_whose_making_failed_is_not_there(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        part.write_text("half")
        raise SandboxError("no more")

    with pytest.raises(SandboxError):
        Cache(tmp_path).put("a.tar", fail)
    assert list(tmp_path.iterdir()) == []


def void(_: object) -> None:
    """Nothing, from something."""
