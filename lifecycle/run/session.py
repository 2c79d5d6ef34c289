"""What one run of one scenario holds open, from before its first step to after its clean-up."""

from __future__ import annotations

import os
import secrets as entropy
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.checks.facts import World
from lifecycle.command.line import Ref
from lifecycle.command.promise import Promise
from lifecycle.engine import process
from lifecycle.engine.daemon import DEFAULT_ADDRESS, Daemon, EngineError
from lifecycle.engine.events import EventLog
from lifecycle.engine.gpu import Gpus, host_gpus
from lifecycle.engine.sandbox.info import SandboxInfo, load_info
from lifecycle.engine.subject import (
    Subject,
    SubjectError,
    current_subject,
    environment,
    subject_named,
    synthetic_subject,
)
from lifecycle.engine.terminal import Terminal
from lifecycle.run.context import RunValues, variables
from lifecycle.run.inventory import Inventory, take
from lifecycle.run.ledger import Ledger, default_folder
from lifecycle.run.locks import Locks
from lifecycle.run.options import Options
from lifecycle.run.outcome import Finding, Symptom
from lifecycle.run.plan import Plan, PlannedStep, plan
from lifecycle.run.ports import Ports
from lifecycle.run.secrets import Secrets
from lifecycle.run.witness import Witness
from lifecycle.scenario.lab import Lab, default_lab_files, load_lab
from lifecycle.scenario.model import Scenario

Say = Callable[[str], None]
SYNTHETIC_NAME, SYNTHETIC_UID = "member", 12345


class StartError(Exception):
    """The run can't begin: a sentence, and the symptom that diagnosis starts from."""

    def __init__(self, message: str, symptom: Symptom | None = None) -> None:
        super().__init__(message)
        self.symptom = symptom or Symptom(message)


class NoEngineError(StartError):
    """There is no engine to run against, or no CLI to talk to it."""


@dataclass
class OpenTerminal:
    """A terminal that a step left open; ``attached`` says it is PID 1's own."""

    terminal: Terminal
    container: str
    planned: PlannedStep

    @property
    def attached(self) -> bool:
        """Whether its end is the end of the container's first process."""
        return bool(self.planned.line and self.planned.line.verb in {"run", "attach", "start"})


@dataclass
class Session:
    """Everything that the steps of one run share."""

    plan: Plan
    options: Options
    daemon: Daemon
    events: EventLog
    witness: Witness
    world: World
    ledger: Ledger
    secrets: Secrets
    env: Mapping[str, str]
    folder: Path
    before: Inventory
    lab: Lab
    say: Say
    stand_in: str = ""
    """The temporary folder that stands in for a NAS that lab.nas_home does not name."""
    terminals: dict[str, OpenTerminal] = field(default_factory=dict)
    skipped: dict[Ref, str] = field(default_factory=dict)
    promised: dict[str, tuple[Promise, ...]] = field(default_factory=dict)
    targets: set[str] = field(default_factory=set)
    """Ids that our lines and our clean-up acted on."""
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """The run's id, which is in every name that it makes."""
        return self.plan.names.run

    def real(self, kind: Any, name: str) -> str:
        """The engine's name of a written one."""
        if kind == "container" and name.startswith("unnamed-"):
            return self.plan.names.unnamed(int(name.removeprefix("unnamed-")))
        return self.plan.names.real(Ref(kind, name))

    def shown(self, text: str) -> str:
        """A text for people: written names, no secrets."""
        return self.secrets.redact(self.plan.names.restore(text))


def new_run_id() -> str:
    """Unguessable: the name alone makes a thing ours."""
    return f"r{entropy.token_hex(4)}"


def find_subject(options: Options, environ: Mapping[str, str], home: str = "") -> Subject:
    """Who the run acts as; root must say, except in the sandbox. Raises StartError."""
    sandbox = load_info(environ)
    try:
        if options.user:
            return subject_named(options.user)
        if os.geteuid() != 0:
            return current_subject()
        if environ.get("SUDO_USER"):
            return subject_named(environ["SUDO_USER"])
        if sandbox is not None:
            return synthetic_subject(
                SYNTHETIC_NAME, SYNTHETIC_UID, SYNTHETIC_UID, sandbox.socket_gid, home or "/"
            )
    except SubjectError as error:
        raise StartError(str(error)) from error
    message = (
        "you are root, and the guide is for people who are not: say whose environment to check, "
        "for example --user alice"
    )
    raise StartError(message)


def read_lab(options: Options, environ: Mapping[str, str], home: str) -> Lab:
    """The lab's values, in their order; raises ScenarioError for a bad file or key."""
    files = [Path(options.lab)] if options.lab else list(default_lab_files(Path(home), environ))
    return load_lab(files, dict(options.sets))


def find_address(options: Options, env: Mapping[str, str], subject: Subject) -> str:
    """DOCKER_HOST, else the docker context that the subject's CLI would use."""
    if env.get("DOCKER_HOST") and not options.context:
        return env["DOCKER_HOST"]
    config = Path(env.get("DOCKER_CONFIG") or Path(subject.home) / ".docker") / "config.json"
    named = options.context or env.get("DOCKER_CONTEXT", "")
    with suppress(OSError):
        if not named and "currentContext" not in config.read_text():
            return DEFAULT_ADDRESS
    if not named and not config.exists():
        return DEFAULT_ADDRESS
    argv = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    words = [*argv, named] if named else argv
    asked = process.run(words, subject=subject, env=env, cwd="/", timeout=20)
    if asked.exit_code:
        raise StartError(asked.output.strip(), Symptom(asked.output, tuple(words), asked.exit_code))
    return asked.stdout.strip()


def connect(address: str, env: Mapping[str, str], *, limit: float = 60) -> Daemon:
    """A daemon that answers; raises NoEngineError with the words that the CLI would have said."""
    daemon = Daemon(address, env, timeout=limit)
    try:
        _ = daemon.info
    except EngineError as error:
        raise NoEngineError(
            f"the engine at {address} does not answer: {error}", _as_cli(address, str(error))
        ) from error
    return daemon


def _as_cli(address: str, error: str) -> Symptom:
    """The daemon's absence in the docker CLI's wording, which the catalogue knows."""
    if "ermission denied" in error:
        text = (
            "permission denied while trying to connect to the Docker daemon socket at "
            f"{address}: dial unix {address.removeprefix('unix://')}: connect: permission denied"
        )
    else:
        text = (
            f"Cannot connect to the Docker daemon at {address}. "
            f"Is the docker daemon running? ({error})"
        )
    return Symptom(text, ("docker", "info"), 1)


def find_cli(env: Mapping[str, str]) -> None:
    """The docker CLI must be on the subject's PATH; raises NoEngineError."""
    if shutil.which("docker", path=env.get("PATH")) is None:
        text = "docker: command not found"
        raise NoEngineError(
            "there is no docker command on the PATH", Symptom(text, ("docker",), 127)
        )


def find_gpus(options: Options, sandbox: SandboxInfo | None) -> Gpus:
    """This machine's GPUs, or the sandbox's simulated ones; none with ``--gpu off``."""
    if options.gpu == "off":
        return Gpus("none", (), "GPU steps were turned off (--gpu off)")
    if sandbox is not None and sandbox.gpus:
        return host_gpus([{"index": g.index, "uuid": g.uuid, "name": g.name} for g in sandbox.gpus])
    return host_gpus(None)


def open_session(  # noqa: PLR0913 - a run is opened from all of these
    scenario: Scenario,
    options: Options,
    environ: Mapping[str, str],
    stack: ExitStack,
    say: Say,
    *,
    run: str = "",
    ledgers: Path | None = None,
) -> Session:
    """Open everything in order; ``stack`` closes it again in reverse, whatever happens.

    Raises StartError, ScenarioError or LedgerError; nothing is left then.
    """
    run = run or new_run_id()
    folder = Path(tempfile.mkdtemp(prefix=f"lifecycle-{run}-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    home = folder / "home"
    subject = find_subject(options, environ, str(home))
    if subject.synthetic:
        home.mkdir()
        os.chown(home, subject.uid, subject.gid)
    sandbox = load_info(environ)
    env = environment(subject, environ)
    find_cli(env)
    address = find_address(options, env, subject)
    env = {**env, "DOCKER_HOST": address}
    daemon = connect(address, env)
    stack.callback(daemon.close)
    work = folder / "work"
    work.mkdir()
    folder.chmod(0o711)
    _own(work, subject)
    lab, stand_in = _with_nas(read_lab(options, environ, subject.home), folder, subject)
    secrets = Secrets(environ)
    ledger = Ledger(ledgers or default_folder(), run, daemon.info.get("ID", ""), address)
    stack.callback(ledger.close)
    ledger.intend("folder", str(folder))
    locks = Locks(str(daemon.info.get("ID", address)), f"{run} ({scenario.name})", say)
    stack.callback(locks.release)
    ports = Ports(daemon, locks, say, local=sandbox is None and daemon.shares_machine)
    values = RunValues(
        id=run,
        folder=str(work),
        registry=sandbox.registry if sandbox else "",
        choose_port=ports.port,
    )
    planned = plan(
        scenario,
        variables(subject.as_template_values(), lab.model_dump(), values, secrets),
        str(work),
        run,
        as_written=options.as_written,
    )
    _lock_fixed(planned, locks)
    before = take(daemon)
    known = {planned.names.unnamed(s.index + 1) for s in planned.steps}
    known |= {planned.names.real(r) for r in planned.names.isolated if r.kind == "container"}
    if options.as_written:
        known |= {r.name for s in planned.steps if s.line for r in s.line.creates}
        known -= {t.name for t in before.values() if t.kind == "container"}
    witness = Witness(daemon, ledger, known.__contains__)
    events = EventLog(daemon, witness)
    stack.callback(events.close)
    return Session(
        plan=planned,
        options=options,
        daemon=daemon,
        events=events,
        witness=witness,
        world=World(
            subject=subject,
            gpus=find_gpus(options, sandbox),
            shares_machine=daemon.shares_machine,
            remaps_users=daemon.remaps_users,
            address=sandbox.address if sandbox else _host_of(address),
        ),
        ledger=ledger,
        secrets=secrets,
        env=env,
        folder=work,
        before=before,
        lab=lab,
        say=say,
        stand_in=stand_in,
    )


def _own(path: Path, subject: Subject) -> None:
    path.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(path, subject.uid, subject.gid)


def _with_nas(lab: Lab, folder: Path, subject: Subject) -> tuple[Lab, str]:
    """Without a NAS a temporary folder stands in, and the steps that use it say so."""
    if lab.nas_home:
        return lab, ""
    stand_in = folder / "nas"
    stand_in.mkdir()
    _own(stand_in, subject)
    return lab.model_copy(update={"nas_home": str(stand_in)}), str(stand_in)


def _host_of(address: str) -> str:
    """Where a remote engine publishes its ports; this machine for a socket."""
    rest = address.partition("://")[2]
    return "127.0.0.1" if address.startswith("unix") else rest.rpartition("@")[2].partition(":")[0]


def _lock_fixed(planned: Plan, locks: Locks) -> None:
    """Host ports that the author wrote as numbers: taken before the first step, in order."""
    wanted = {
        int(p.expected["host_port"])
        for s in planned.steps
        for p in s.promises
        if p.field == "container.port" and str(p.expected.get("host_port") or "").isdigit()
    }
    for port in sorted(wanted):
        locks.take(f"port-{port}")


Diagnose = Callable[[Symptom, Session | None], list[Finding]]
