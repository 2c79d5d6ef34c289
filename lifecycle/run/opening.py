"""Opening a run: everything that must be there before its first step, undone in reverse."""

from __future__ import annotations

import os
import secrets as entropy
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from lifecycle.checks.facts import World
from lifecycle.engine.events import EventLog
from lifecycle.engine.sandbox.info import load_info
from lifecycle.engine.subject import Subject, environment
from lifecycle.run.context import RunValues, variables
from lifecycle.run.inventory import take
from lifecycle.run.ledger import Ledger, default_folder
from lifecycle.run.locks import Locks
from lifecycle.run.options import Options
from lifecycle.run.plan import Plan, plan
from lifecycle.run.ports import Ports
from lifecycle.run.secrets import Secrets
from lifecycle.run.session import Say, Session
from lifecycle.run.surroundings import (
    connect,
    find_address,
    find_cli,
    find_gpus,
    find_subject,
    personal,
    read_lab,
)
from lifecycle.run.witness import Witness
from lifecycle.scenario.lab import Lab
from lifecycle.scenario.model import Scenario


def new_run_id() -> str:
    """Unguessable: the name alone makes a thing ours."""
    return f"r{entropy.token_hex(4)}"


def open_session(  # noqa: PLR0913 - a run is opened from all of these
    scenario: Scenario,
    options: Options,
    environ: Mapping[str, str],
    stack: ExitStack,
    say: Say,
    *,
    run: str,
) -> Session:
    """Open everything in order; ``stack`` closes it again in reverse, whatever happens.

    Raises StartError, ScenarioError, LedgerError or LockError; nothing is left then.
    """
    folder = Path(tempfile.gettempdir()) / f"lifecycle-{run}"
    sandbox = load_info(environ)
    subject = find_subject(options, environ, str(folder / "home"))
    env = environment(subject, environ)
    find_cli(env)
    address = find_address(options, env, subject)
    env = {**env, "DOCKER_HOST": address}
    daemon = connect(address, env)
    stack.callback(daemon.close)
    engine_id = str(daemon.info.get("ID", address))
    ledger = Ledger(default_folder(), run, engine_id, address)
    stack.callback(ledger.close)
    work = _folders(folder, subject, ledger, stack)
    me = subject.as_template_values()
    lab = personal(read_lab(options, environ, subject.home), me, str(work))
    lab, stand_in = _with_nas(lab, folder, subject)
    locks = Locks(engine_id, f"{run} ({scenario.name})", say)
    stack.callback(locks.release)
    ports = Ports(daemon, locks, say, local=sandbox is None and daemon.shares_machine)
    registry = sandbox.registry if sandbox else ""
    kernel = str(daemon.info.get("KernelVersion", ""))
    values = RunValues(run, str(work), registry, kernel, choose_port=ports.port)
    secrets = Secrets(environ)
    names = variables(me, lab.model_dump(), values, secrets)
    planned = plan(scenario, names, str(work), run, as_written=options.as_written)
    _lock_fixed(planned, locks)
    before = take(daemon)
    witness = Witness(daemon, ledger, run)
    events = EventLog(daemon, witness)
    stack.callback(events.close)
    world = World(
        subject=subject,
        gpus=find_gpus(options, sandbox),
        shares_machine=daemon.shares_machine,
        remaps_users=daemon.remaps_users,
        address=sandbox.address if sandbox else _host_of(address),
        netns=sandbox.netns if sandbox else "",
    )
    return Session(
        plan=planned,
        options=options,
        daemon=daemon,
        events=events,
        witness=witness,
        world=world,
        ledger=ledger,
        secrets=secrets,
        env=env,
        folder=work,
        before=before,
        lab=lab,
        say=say,
        stand_in=stand_in,
    )


def _folders(folder: Path, subject: Subject, ledger: Ledger, stack: ExitStack) -> Path:
    """The run's own folder, and in it the work folder that the subject owns."""
    ledger.intend("folder", str(folder))
    stack.callback(_drop, folder, ledger)
    folder.mkdir(mode=0o711)
    folder.chmod(0o711)
    work = folder / "work"
    work.mkdir()
    _own(work, subject)
    if subject.synthetic:
        home = folder / "home"
        home.mkdir()
        _own(home, subject)
    return work


def _drop(folder: Path, ledger: Ledger) -> None:
    if any(e.kept for e in ledger.entries() if e.name == str(folder)):
        return  # the containers that were kept may have it mounted
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        ledger.gone("folder", str(folder))


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
