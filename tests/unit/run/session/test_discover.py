"""What steers a person's own docker CLI is read as it reads it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.engine.daemon import EngineAway, EngineError, EngineSilent
from lifecycle.machine.subject import current_subject
from lifecycle.run.session.discover import (
    NoEngineError,
    StartError,
    as_cli,
    connect,
    engine_places,
    find_address,
    find_cli,
    find_gpus,
    find_subject,
    own_detach_keys,
    personal,
    read_lab,
    sandbox_member,
)
from lifecycle.run.session.options import Options
from lifecycle.sandbox.info import SandboxInfo, SimulatedGpu, load_info
from lifecycle.scenario.lab import Lab, own_lab_file
from tests.fakes.daemon import FakeDaemon

ME = current_subject()


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        ('{"detachKeys": "ctrl-q,a"}', "ctrl-q,a"),
        ('{"detachKeys": "no key"}', ""),
        ('{"auths": {}}', ""),
        ('["detachKeys"]', ""),
        ("no json", ""),
        (None, ""),
    ],
)
def test_the_detach_keys_are_those_of_the_person_s_configuration(
    tmp_path: Path, config: str | None, keys: str
) -> None:
    folder = tmp_path / ".docker"
    folder.mkdir()
    if config is not None:
        (folder / "config.json").write_text(config)
    assert own_detach_keys({"HOME": str(tmp_path)}, ME) == keys
    assert own_detach_keys({"HOME": "/nonexistent", "DOCKER_CONFIG": str(folder)}, ME) == keys


def test_keys_are_of_the_folder_that_the_variable_names_first(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"detachKeys": "ctrl-x"}')
    env = {"HOME": "/nonexistent", "DOCKER_CONFIG": str(tmp_path)}
    assert own_detach_keys(env, ME) == "ctrl-x"


# -- who acts ----------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path) -> dict[str, str]:
    """The environment of a sandbox with two simulated GPUs."""
    gpus = tuple(SimulatedGpu(n, f"GPU-{n}", f"[SIMULATED] {n}") for n in range(2))
    paths = ("unix:///s", "10.0.0.2", "/run/netns/x")
    info = SandboxInfo("id", *paths, 4242, "reg:5000", "b", "l", "lab", gpus, str(tmp_path))
    file = tmp_path / "sandbox.json"
    file.write_text(json.dumps(info.to_json()))
    return {"LIFECYCLE_SANDBOX": str(file)}


def test_the_person_that_is_named_acts() -> None:
    assert find_subject(Options(user=ME.name), {}).uid == ME.uid
    with pytest.raises(StartError, match="no user is named 'nobody-at-all'"):
        find_subject(Options(user="nobody-at-all"), {})


def test_who_is_not_root_acts_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert find_subject(Options(), {"SUDO_USER": "root"}).uid == 12345


def test_root_acts_for_whoever_called_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert find_subject(Options(), {"SUDO_USER": "nobody"}).name == "nobody"


def test_in_the_sandbox_a_person_is_made(
    monkeypatch: pytest.MonkeyPatch, sandbox: dict[str, str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    member = find_subject(Options(), sandbox, "/home/m")
    assert (member.name, member.uid, member.gid) == ("member", 12345, 12345)
    assert (member.home, member.synthetic) == ("/home/m", True)
    assert 4242 in member.groups
    assert find_subject(Options(), sandbox).home == "/"
    second = sandbox_member(sandbox, "lee", 1, "/h")
    assert second is not None
    assert (second.name, second.uid, second.gid) == ("lee", 12346, 12346)
    assert sandbox_member({}, "lee", 1, "/h") is None


def test_root_itself_is_told_to_say_for_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(StartError) as caught:
        find_subject(Options(), {})
    assert str(caught.value) == (
        "you are root, and the guide is for people who are not: say whose environment to check, "
        "for example --user alice"
    )
    assert caught.value.symptom.output == str(caught.value)


# -- where the engine is, and what is its own ------------------------------------------------------


def test_the_variable_names_the_engine_unless_a_context_is_asked_for(tmp_path: Path) -> None:
    env = {"DOCKER_HOST": "tcp://there:1", "HOME": str(tmp_path)}
    assert find_address(Options(), env, ME) == "tcp://there:1"


def test_without_a_word_it_is_the_usual_socket(tmp_path: Path) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path)}
    assert find_address(Options(), env, ME) == "unix:///var/run/docker.sock"
    (tmp_path / "config.json").write_text("{}")
    assert find_address(Options(), env, ME) == "unix:///var/run/docker.sock"


def cli(tmp_path: Path, script: str) -> dict[str, str]:
    """The environment of a docker that does this."""
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "DOCKER_CONFIG": str(tmp_path)}


@pytest.mark.parametrize(
    ("context", "environ", "config", "asked"),
    [
        ("lab", {"DOCKER_HOST": "tcp://other:1"}, "", "{{.Endpoints.docker.Host}} lab"),
        ("", {"DOCKER_CONTEXT": "mine"}, "", "{{.Endpoints.docker.Host}} mine"),
        ("", {}, '{"currentContext": "x"}', "{{.Endpoints.docker.Host}}"),
    ],
)
def test_a_context_is_asked_of_the_person_s_docker(
    tmp_path: Path, context: str, environ: dict[str, str], config: str, asked: str
) -> None:
    env = {**cli(tmp_path, 'echo "tcp://$*"'), **environ}
    if config:
        (tmp_path / "config.json").write_text(config)
    found = find_address(Options(context=context), env, ME)
    assert found == f"tcp://context inspect --format {asked}"


def test_a_context_that_is_not_there_is_told_in_docker_s_words(tmp_path: Path) -> None:
    env = cli(tmp_path, 'echo "context not found" >&2; exit 1')
    with pytest.raises(StartError, match=r"^context not found$") as caught:
        find_address(Options(context="lab"), env, ME)
    symptom = caught.value.symptom
    assert (symptom.exit_code, symptom.words[-1]) == (1, "lab")
    assert "context not found" in symptom.output


def test_a_docker_that_is_not_there_is_told_as_a_shell_would(tmp_path: Path) -> None:
    find_cli(cli(tmp_path, ""))
    with pytest.raises(NoEngineError, match=r"^there is no docker command on the PATH$") as caught:
        find_cli({"PATH": "/nonexistent"})
    symptom = caught.value.symptom
    assert symptom.output == "docker: command not found"
    assert (symptom.words, symptom.exit_code) == (("docker",), 127)


def without_a_word(patch: pytest.MonkeyPatch, error: EngineError) -> None:
    """No engine says anything of itself."""

    class Gone(FakeDaemon):
        def __getattribute__(self, name: str) -> object:
            if name == "info":
                raise error
            return super().__getattribute__(name)

    patch.setattr("lifecycle.run.session.discover.Daemon", lambda address, _: Gone(address=address))


def test_an_engine_that_is_away_is_told_as_docker_would(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_word(monkeypatch, EngineAway("Connection refused"))
    with pytest.raises(NoEngineError) as caught:
        connect("unix:///x", {})
    assert str(caught.value) == "the engine at unix:///x does not answer: Connection refused"
    symptom = caught.value.symptom
    assert symptom.output == (
        "Cannot connect to the Docker daemon at unix:///x. "
        "Is the docker daemon running? (Connection refused)"
    )
    assert (symptom.words, symptom.exit_code) == (("docker", "info"), 1)


def test_an_engine_that_is_silent_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_word(monkeypatch, EngineSilent("it gave no answer"))
    with pytest.raises(NoEngineError, match=r"^it gave no answer$"):
        connect("unix:///x", {})


def test_a_socket_that_may_not_be_used_is_told_as_docker_would() -> None:
    symptom = as_cli("unix:///run/d.sock", "Permission denied")
    assert symptom.output == (
        "permission denied while trying to connect to the Docker daemon socket at "
        "unix:///run/d.sock: dial unix /run/d.sock: connect: permission denied"
    )


def test_an_engine_s_own_places_are_its_socket_its_data_and_its_runtime_s(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    daemon = FakeDaemon(address=f"unix://{tmp_path}/run/docker.sock")
    daemon.info = {**daemon.info, "Containerd": {"Address": "/run/c/c.sock"}}
    real = tmp_path / "real"
    assert engine_places(daemon) == (
        "/run/docker.sock",
        "/run/containerd",
        "/var/lib/docker",
        "/var/lib/containerd",
        f"{real}/docker.sock",
        f"{real}/containerd",
        f"{real}/docker",
        "/run/c/c.sock",
    )


def test_an_engine_elsewhere_has_no_socket_here() -> None:
    daemon = FakeDaemon(address="tcp://there:1")
    daemon.info = {"ID": "E", "DockerRootDir": ""}
    assert engine_places(daemon) == ("/run/docker.sock", "/run/containerd")


# -- GPUs and the lab ----------------------------------------------------------------------


def test_gpus_are_turned_off_simulated_or_this_machine_s(sandbox: dict[str, str]) -> None:
    info = load_info(sandbox)
    off = find_gpus(Options(gpu="off"), info)
    assert (off.items, off.reason) == ((), "GPU steps were turned off (--gpu off)")
    simulated = find_gpus(Options(), info)
    assert [(g.index, g.uuid, g.name) for g in simulated.items] == [
        *((0, "GPU-0", "[SIMULATED] 0"), (1, "GPU-1", "[SIMULATED] 1")),
    ]


def test_a_lab_file_that_is_named_stands_alone(tmp_path: Path) -> None:
    lab = tmp_path / "lab.toml"
    lab.write_text('base_image = "a:1"\nport = 9000\n')
    found = read_lab(Options(lab=str(lab), sets=(("lab.port", "9001"),)), {}, ME)
    assert (found.base_image, found.port) == ("a:1", 9001)


def test_a_person_s_own_lab_file_is_read_as_that_person(tmp_path: Path) -> None:
    subject = replace(ME, home=str(tmp_path))
    own = own_lab_file(tmp_path)
    own.parent.mkdir(parents=True)
    own.write_text('base_image = "mine:1"\n')
    assert read_lab(Options(), {}, subject).base_image == "mine:1"
    own.unlink()
    own.mkdir()
    assert read_lab(Options(), {}, subject).base_image != "mine:1"


def test_one_lab_file_serves_everybody() -> None:
    lab = personal(Lab(nas_home="/nas/${{ me.name }}"), {"name": "kim"}, "/work")
    assert lab.nas_home == "/nas/kim"
