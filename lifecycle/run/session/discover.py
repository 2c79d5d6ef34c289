"""What a run finds here: who acts, the lab's values, the engine and its CLI, the GPUs."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.detach_keys import read
from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.symptoms import of_engine, of_missing_cli
from lifecycle.engine.daemon import DEFAULT_ADDRESS, Daemon, EngineError, EngineSilent
from lifecycle.machine import file_actions, process
from lifecycle.machine.as_subject import call, files_of
from lifecycle.machine.gpus import Gpus, host_gpus
from lifecycle.machine.regular_files import text_at
from lifecycle.machine.subject import (
    Subject,
    SubjectError,
    current_subject,
    subject_named,
    synthetic_subject,
)
from lifecycle.run.session.options import Options
from lifecycle.sandbox.info import SandboxInfo, load_info
from lifecycle.scenario.errors import Mark
from lifecycle.scenario.lab import Lab, load_lab, own_lab_file, shared_lab_files
from lifecycle.scenario.render import Context, render

SYNTHETIC_NAME, SYNTHETIC_UID = "member", 12345


class StartError(Exception):
    """The run can't begin: a sentence, and the symptom that diagnosis starts from."""

    def __init__(self, message: str, symptom: Symptom | None = None) -> None:
        super().__init__(message)
        self.symptom = symptom or Symptom(message)


class NoEngineError(StartError):
    """There is no engine to run against, or no CLI to talk to it."""


def find_subject(options: Options, environ: Mapping[str, str], home: str = "") -> Subject:
    """Who the run acts as; root must say, except in the sandbox. Raises StartError."""
    try:
        if options.user:
            return subject_named(options.user)
        if os.geteuid() != 0:
            return current_subject()
        if environ.get("SUDO_USER"):
            return subject_named(environ["SUDO_USER"])
        member = sandbox_member(environ, SYNTHETIC_NAME, 0, home or "/")
        if member is not None:
            return member
    except SubjectError as error:
        raise StartError(str(error)) from error
    message = (
        "you are root, and the guide is for people who are not: say whose environment to check, "
        "for example --user alice"
    )
    raise StartError(message)


def sandbox_member(environ: Mapping[str, str], name: str, number: int, home: str) -> Subject | None:
    """A person made for the sandbox, each number another uid; None on any other engine."""
    sandbox = load_info(environ)
    if sandbox is None:
        return None
    uid = SYNTHETIC_UID + number
    return synthetic_subject(name, uid, uid, sandbox.socket_gid, home)


def read_lab(options: Options, environ: Mapping[str, str], subject: Subject) -> Lab:
    """The lab's values, in their order; raises ScenarioError for a bad file or key.

    The person's own file is read as that person; the others are whoever's choice who runs this.
    """
    if options.lab:
        return load_lab([Path(options.lab)], dict(options.sets))
    own = own_lab_file(Path(subject.home))
    there = _is_file(own, subject)
    files = shared_lab_files(environ)
    return load_lab(files, dict(options.sets), own if there else None, files_of(subject))


def _is_file(path: Path, subject: Subject) -> bool:
    try:
        return stat.S_ISREG(call(subject, file_actions.look, str(path))[2])
    except OSError:
        return False


def personal(lab: Lab, me: Mapping[str, Any], cwd: str) -> Lab:
    """The lab's values with ``${{ me.name }}`` filled in, so that one file serves everybody."""
    context = Context({"me": me}, cwd=cwd, me=me)
    return Lab.model_validate(render(lab.model_dump(), context, Mark("lab", 1, 1)))


def find_address(options: Options, env: Mapping[str, str], subject: Subject) -> str:
    """DOCKER_HOST, else the docker context that the subject's CLI would use."""
    if env.get("DOCKER_HOST") and not options.context:
        return env["DOCKER_HOST"]
    config = _config(env, subject.home)
    named = options.context or env.get("DOCKER_CONTEXT", "")
    if not named and "currentContext" not in (_text(config, subject) or ""):
        return DEFAULT_ADDRESS
    argv = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    words = [*argv, named] if named else argv
    asked = process.run(words, subject=subject, env=env, cwd="/", timeout=20)
    if asked.exit_code:
        raise StartError(asked.output.strip(), Symptom(asked.output, tuple(words), asked.exit_code))
    return asked.stdout.strip()


def _text(path: Path, subject: Subject) -> str | None:
    return text_at(path, files_of(subject))


def own_detach_keys(env: Mapping[str, str], subject: Subject) -> str:
    """``detachKeys`` of a person's CLI configuration; empty where it has none that are keys."""
    try:
        config = json.loads(_text(_config(env, env.get("HOME", "/")), subject) or "")
        keys = str(config.get("detachKeys") or "") if isinstance(config, dict) else ""
        read(keys)
    except (ValueError, RecursionError, ImpossibleError):
        return ""
    return keys


def _config(env: Mapping[str, str], home: str) -> Path:
    return Path(env.get("DOCKER_CONFIG") or Path(home) / ".docker") / "config.json"


def connect(address: str, env: Mapping[str, str]) -> Daemon:
    """A daemon that answers; raises NoEngineError."""
    daemon = Daemon(address, env)
    try:
        _ = daemon.info
    except EngineSilent as error:
        raise NoEngineError(str(error), of_engine(error, address)) from error
    except EngineError as error:
        message = f"the engine at {address} does not answer: {error}"
        raise NoEngineError(message, of_engine(error, address)) from error
    return daemon


def engine_places(daemon: Daemon) -> tuple[str, ...]:
    """Where an engine has its socket, its data and its runtime's socket, on its machine."""
    socket = daemon.address.removeprefix("unix://")
    data = str(daemon.info.get("DockerRootDir") or "")
    places = ["/run/docker.sock", "/run/containerd", data]
    # Newer engines keep images in their runtime's own store.
    places += [str(Path(data).with_name("containerd"))] if data else []
    if socket != daemon.address:
        # Beside its socket an engine has its own and its runtime's folder of state.
        real = Path(os.path.realpath(socket))
        places += [str(real), *(str(real.parent / name) for name in ("containerd", "docker"))]
    runtime = daemon.info.get("Containerd")
    places += [str(runtime.get("Address") or "")] if isinstance(runtime, dict) else []
    return tuple(dict.fromkeys(p for p in places if p.startswith("/")))


def find_cli(env: Mapping[str, str]) -> None:
    """The docker CLI must be on the subject's PATH; raises NoEngineError."""
    if shutil.which("docker", path=env.get("PATH")) is None:
        raise NoEngineError("there is no docker command on the PATH", of_missing_cli())


def find_gpus(options: Options, sandbox: SandboxInfo | None) -> Gpus:
    """This machine's GPUs, or the sandbox's simulated ones; none with ``--gpu off``."""
    if options.gpu == "off":
        return Gpus("none", (), "GPU steps were turned off (--gpu off)")
    if sandbox is not None and sandbox.gpus:
        return host_gpus([{"index": g.index, "uuid": g.uuid, "name": g.name} for g in sandbox.gpus])
    return host_gpus(None)
