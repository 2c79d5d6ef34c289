"""Opening a run: everything that must be there before its first step, undone in reverse."""

from __future__ import annotations

import secrets as entropy
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from lifecycle.engine.events import EventLog
from lifecycle.facts.model import World
from lifecycle.gate.ahead import Ahead
from lifecycle.machine.remove_tree import remove_tree
from lifecycle.machine.subject import environment
from lifecycle.run.inside.at_start import Witness
from lifecycle.run.inside.shells import Looks
from lifecycle.run.locks import Locks
from lifecycle.run.ownership.inventory import take
from lifecycle.run.ownership.ledger import Ledger, default_folder
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.plan.build import plan
from lifecycle.run.plan.reservations import reserved
from lifecycle.run.plan.variables import RunValues
from lifecycle.run.requests.judge_request import Judge
from lifecycle.run.secrets.secrets import Secrets
from lifecycle.run.session.discover import connect, engine_places, find_address, find_cli, find_gpus
from lifecycle.run.session.docker_config import forget
from lifecycle.run.session.gates import Gates
from lifecycle.run.session.host_ports import Ports
from lifecycle.run.session.options import Options
from lifecycle.run.session.people import common_folder, settle, settle_all
from lifecycle.run.session.person import places
from lifecycle.run.session.program_passwords import hide_all
from lifecycle.run.session.session import Say, Session
from lifecycle.run.session.who import find_subject
from lifecycle.sandbox.info import load_info
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
    secrets: Secrets,
    ahead: Ahead,
) -> Session:
    """Open everything in order; ``stack`` closes it again in reverse, whatever happens.

    Raises StartError, ScenarioError, LedgerError or LockError; nothing is left then.
    """
    folder = Path(tempfile.gettempdir()) / f"lifecycle-{run}"
    corner = folder / "me"
    sandbox = load_info(environ)
    subject = find_subject(options, environ, str(corner / "home"))
    env = environment(subject, environ)
    find_cli(env)
    address = find_address(options, env, subject)
    gate_process = ahead.take()  # it starts while the rest is made ready
    stack.callback(gate_process.close)
    daemon = connect(address, env)
    stack.callback(daemon.close)
    engine_id = str(daemon.info.get("ID", address))
    ledger = Ledger(default_folder(), run, engine_id, address)
    stack.callback(ledger.close)
    _make(folder, ledger, stack)
    me = settle(subject, corner, options, environ, address)
    gates = Gates(address, gate_process)
    stack.callback(gates.close)
    gates.start(me.subject, me.folder, me.env)
    people = settle_all(scenario.people, me, folder, options, environ, address)
    for one in (me, *people.values()):
        stack.callback(forget, one.env["DOCKER_CONFIG"])
    hide_all(secrets, (me, *people.values()))
    locks = Locks(engine_id, f"{run} ({scenario.name})", say)
    stack.callback(locks.release)
    ports = Ports(daemon, locks, say, local=sandbox is None and daemon.shares_machine)
    registry = sandbox.registry if sandbox else ""
    kernel = str(daemon.info.get("KernelVersion", ""))
    shared = common_folder(folder, (me, *people.values())) if people else me.folder
    values = RunValues(run, str(me.folder), str(shared), registry, kernel, choose_port=ports.port)
    known_places = places(me, people, values, secrets)
    planned = plan(scenario, known_places, run, as_written=options.as_written)
    gpus = find_gpus(options, sandbox)
    for name in reserved(planned, gpus):
        locks.take(name)
    ownership = Ownership(
        daemon,
        ledger,
        take(daemon),
        allowed=options.allow_foreign,
        remove_pulled=options.remove_pulled,
    )
    daemon.objection_to_entering = ownership.objects
    own = engine_places(daemon)
    as_written = scenario.engine == "as-written"
    gates.judged_by(Judge(ownership, daemon, own=own, as_written=as_written))
    witness = Witness(ownership)
    events = EventLog(daemon, witness)
    stack.callback(events.close)
    world = World(
        subject=subject,
        gpus=gpus,
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
        ownership=ownership,
        gates=gates,
        secrets=secrets,
        say=say,
        looks=Looks(daemon),
        person=me,
        people=people,
    )


def _make(folder: Path, ledger: Ledger, stack: ExitStack) -> None:
    """The run's own folder, which others may pass through but not list."""
    ledger.intend("folder", str(folder))
    stack.callback(_drop, folder, ledger)
    folder.mkdir(mode=0o711)
    folder.chmod(0o711)


def _drop(folder: Path, ledger: Ledger) -> None:
    if any(e.kept for e in ledger.entries() if e.name == str(folder)):
        return  # the containers that were kept may have it mounted
    if not remove_tree(folder):
        ledger.gone("folder", str(folder))


def _host_of(address: str) -> str:
    """Where a remote engine publishes its ports; this machine for a socket."""
    rest = address.partition("://")[2]
    return "127.0.0.1" if address.startswith("unix") else rest.rpartition("@")[2].partition(":")[0]
