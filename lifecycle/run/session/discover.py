"""What a run finds here: the engine and its CLI, the GPUs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.detach_keys import read
from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.symptoms import of_engine, of_missing_cli
from lifecycle.engine.daemon import DEFAULT_ADDRESS, Daemon, EngineError, EngineSilent
from lifecycle.machine import process
from lifecycle.machine.as_subject import files_of
from lifecycle.machine.gpus import Gpus, host_gpus
from lifecycle.machine.regular_files import text_at
from lifecycle.machine.subject import (
    Subject,
)
from lifecycle.run.session.options import Options
from lifecycle.run.session.who import StartError
from lifecycle.sandbox.info import SandboxInfo


class NoEngineError(StartError):
    """There is no engine to run against, or no CLI to talk to it."""


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
