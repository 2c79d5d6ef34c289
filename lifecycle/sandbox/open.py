"""A disposable Docker engine of our own, apart from any engine that the machine has.

It has its own network namespace, socket, data, containerd, control group and registry, and takes
all of them down again, however it ends. What a killed one left, the next one removes.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from lifecycle.machine.network_namespace import current
from lifecycle.sandbox import (
    base_image,
    dockerd,
    group,
    install,
    network,
    registry,
    storage,
    takedown,
)
from lifecycle.sandbox.cache import user_cache
from lifecycle.sandbox.claim import Claim, has_record, locked, records, sandboxes
from lifecycle.sandbox.gpus import install_hook, simulated
from lifecycle.sandbox.info import SandboxInfo, SimulatedGpu
from lifecycle.sandbox.record import (
    Record,
    boot_id,
    new_id,
)
from lifecycle.sandbox.shell import SandboxError
from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.lab import Lab, load_lab, shared_lab_files

Say = Callable[[str], None]
Handler = Callable[[int, FrameType | None], None]
_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def open_sandbox(*, gpus: int = 0, say: Say) -> Iterator[SandboxInfo]:
    """Have a disposable engine for the length of the block; ``gpus`` simulated ones, if any.

    SIGTERM and SIGHUP end the block as SystemExit, unless the program already handles them.
    Raises SandboxError when no engine can be had, and at the end when something was left.
    """
    install.require_root()
    lab = _machines_lab(os.environ)
    with _ending_signals_raise(), ExitStack() as reap:
        with _only_ours_to_write():
            record, claim = _begin(say)
        try:
            with _only_ours_to_write():
                info = _bring_up(record, gpus, lab, reap, say=say)
            yield info
        finally:
            problems = _end(record, claim)
            for problem in problems:
                say(f"The sandbox left something behind: {problem}")
        if problems:
            raise SandboxError("; ".join(problems))


def _end(record: Record, claim: Claim) -> list[str]:
    """Take it down for certain; returns what is left.

    A second Ctrl-C may come before it is put off: then it is too early to be heeded.
    """
    while True:
        try:
            with _undisturbed(), _only_ours_to_write():
                problems = takedown.take_down(record, claim)
                claim.release()
                return problems
        except KeyboardInterrupt:
            if claim.is_released:
                raise


def _begin(say: Say) -> tuple[Record, Claim]:
    """Get the programs, and write down what the sandbox takes."""
    sweep_sandboxes(say=say)
    install.ensure(install.ENGINE, say)
    return _claim()


def _bring_up(record: Record, gpus: int, lab: Lab, reap: ExitStack, *, say: Say) -> SandboxInfo:
    """Make all that the record names."""
    size = storage.make(record)
    where = f" (its data in memory, {size} GiB at most)" if size else ""
    say(f"Starting a private engine{where}")
    network.make(record)
    devices = simulated(record, gpus)
    dockerd.start(record, install_hook(record, devices), reap)
    engine = dockerd.Engine(record)
    registry.start(record, engine, user_cache(os.environ), lab.apt_mirror, say=say)
    return _describe(record, devices, lab)


def sweep_sandboxes(*, say: Say) -> list[str]:
    """Take down what killed sandboxes left; returns their ids.

    A live one is never touched, and one of which nobody can tell is left alone as well.
    """
    if os.geteuid() != 0 or not takedown.any_left():
        return []
    swept: list[str] = []
    with ExitStack() as claims, _only_ours_to_write():
        with locked():
            known = {record.id: record for record in records()}
            dead = list(_dead(say, claims))
            lost = [claim for claim in dead if claim.sandbox not in known]
            swept += [claim.sandbox for claim in lost if _remove_lost(claim, say)]
        for claim in dead:
            if claim not in lost:
                say(f"Removing what the killed sandbox {claim.sandbox} left")
                for problem in takedown.take_down(known[claim.sandbox], claim):
                    say(f"Still there: {problem}")
                swept.append(claim.sandbox)
    return swept


def _dead(say: Say, claims: ExitStack) -> Iterator[Claim]:
    """Claim every sandbox that nobody holds, so that nobody else takes it down meanwhile."""
    for sandbox in sandboxes():
        claim = Claim.take(sandbox)
        if isinstance(claim, str):
            say(f"Sandbox {sandbox} is left alone: {claim}")
        elif claim:
            claims.callback(claim.release)
            yield claim


def _remove_lost(claim: Claim, say: Say) -> bool:
    """Remove the folders of a dead one that have no record; one of another version is left."""
    if has_record(claim.sandbox):
        say(f"Sandbox {claim.sandbox} is left alone: another version made it")
        return False
    try:
        claim.remove_folders()
    except (SandboxError, OSError) as error:
        say(f"Still there: {error}")
    return True


def _claim() -> tuple[Record, Claim]:
    """Choose what is free and write it down, before making any of it."""
    with locked():
        uplink, pool = network.choose()
        record = Record(
            id=new_id(),
            pid=os.getpid(),
            boot=boot_id(),
            host_net=current(),
            uplink=uplink,
            pool=pool,
            socket_gid=group.choose({record.socket_gid for record in records()}),
            before=takedown.how_it_is(),
        )
        return record, Claim.make(record)


def _describe(record: Record, gpus: tuple[SimulatedGpu, ...], lab: Lab) -> SandboxInfo:
    """Write the files that tell others of the sandbox."""
    lab_file = record.run_dir / "lab.toml"
    info = SandboxInfo(
        id=record.id,
        docker_host=f"unix://{record.socket}",
        address=network.addresses(record)[1],
        netns=str(record.netns),
        socket_gid=record.socket_gid,
        registry=registry.REGISTRY,
        base_image=registry.BASE_IMAGE,
        lab_image=registry.LAB_IMAGE,
        lab_file=str(lab_file),
        gpus=gpus,
        state_dir=str(record.run_dir),
    )
    lab_text = lab_of_sandbox(os.environ, lab)
    if "@" in lab_text:  # a password in an address: the member's to read, and nobody else's
        lab_file.touch(mode=0o640)
        os.chown(lab_file, 0, record.socket_gid)
    lab_file.write_text(lab_text)
    Path(info.info_file).write_text(json.dumps(info.to_json()))
    return info


def _machines_lab(environ: Mapping[str, str]) -> Lab:
    """The lab's values on this machine; raises SandboxError for a file that can't be read."""
    try:
        return load_lab(shared_lab_files(environ), {})
    except ScenarioError as error:
        raise SandboxError(str(error)) from error


def lab_of_sandbox(environ: Mapping[str, str], lab: Lab) -> str:
    """The sandbox's own lab file: its base image, and what containers can reach as well.

    That is the lab's mirrors, the proxies of the environment, and an address outside: the
    lab's, else where this machine gets its own packages.
    """
    outside = lab.outside or lab.apt_mirror or base_image.own_mirror()
    values = {
        "base_image": registry.BASE_IMAGE,
        "apt_mirror": lab.apt_mirror,
        "pip_index": lab.pip_index,
        "outside": outside,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if value]
    proxies = {
        key: environ.get(f"{key}_proxy") or environ.get(f"{key.upper()}_PROXY") or ""
        for key in ("http", "https")
    }
    usable = {key: url for key, url in proxies.items() if url and not dockerd.on_loopback(url)}
    if usable:
        lines.append("[proxy]")
        lines += [f"{key} = {json.dumps(url)}" for key, url in usable.items()]
    return "\n".join(lines) + "\n"


@contextmanager
def _ending_signals_raise() -> Iterator[None]:
    """Turn the signals that would end us on the spot into an exception, which cleans up.

    The first of them does: a second one must not come between that exception and its cleaning up.
    """
    ours = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]

    def leave(number: int, _: FrameType | None) -> NoReturn:
        for other in ours:
            signal.signal(other, _wait)
        raise SystemExit(128 + number)

    with _handling(dict.fromkeys(ours, leave)):
        yield


def _wait(_number: int, _frame: FrameType | None) -> None:
    """We are ending already. Not SIG_IGN, which the programs that we start would inherit."""


@contextmanager
def _only_ours_to_write() -> Iterator[None]:
    """Have what is made, by our programs too, written by nobody else, whatever root's umask is.

    The command that uses the sandbox has the umask of whoever started it.
    """
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put signals off until the block is through: a second Ctrl-C leaves nothing behind either."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    with _handling(dict.fromkeys((*_ENDING, signal.SIGINT), note)):
        yield
    if came:
        signal.raise_signal(came[0])


@contextmanager
def _handling(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Have these handlers meanwhile, where they can be had: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
