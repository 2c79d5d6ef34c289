"""A disposable Docker engine of our own, apart from any engine that the machine has.

It has its own network namespace, socket, data, containerd, control group and registry, and takes
all of them down again, however it ends. What a killed one left, the next one removes.
"""

from __future__ import annotations

import grp
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from lifecycle.engine.sandbox import base, dockerd, install, network, registry, storage, takedown
from lifecycle.engine.sandbox.cache import user_cache
from lifecycle.engine.sandbox.gpus import install_hook, simulated
from lifecycle.engine.sandbox.info import SandboxInfo, SimulatedGpu, load_info
from lifecycle.engine.sandbox.record import (
    Record,
    boot_id,
    host_network,
    locked,
    new_id,
    records,
    start_time,
    unrecorded,
)
from lifecycle.engine.sandbox.shell import SandboxError

__all__ = [
    "SandboxError",
    "SandboxInfo",
    "SimulatedGpu",
    "load_info",
    "open_sandbox",
    "sweep_sandboxes",
]

Say = Callable[[str], None]
Handler = Callable[[int, FrameType | None], None]
_FIRST_GID = 64100
_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def open_sandbox(*, gpus: int = 0, say: Say) -> Iterator[SandboxInfo]:
    """Have a disposable engine for the length of the block; ``gpus`` simulated ones, if any.

    SIGTERM and SIGHUP end the block as SystemExit, unless the program already handles them.
    Raises SandboxError when no engine can be had, and at the end when something was left.
    """
    install.require_root()
    with _ending_signals_raise(), ExitStack() as reap:
        sweep_sandboxes(say=say)
        cache = user_cache(os.environ)
        kept = registry.cached_store(cache)
        hub = not kept and base.hub_answers()
        install.ensure(install.ENGINE if kept or hub else (*install.ENGINE, *install.BASE), say)
        record = _claim()
        try:
            size = storage.make(record)
            where = f" (its data in memory, {size} GiB at most)" if size else ""
            say(f"Starting a private engine{where}")
            network.make(record)
            devices = simulated(record, gpus)
            dockerd.start(record, install_hook(record, devices), reap)
            engine = dockerd.Engine(record)
            registry.start(record, engine, cache, hub=hub, say=say)
            yield _describe(record, devices)
        finally:
            with _undisturbed():
                problems = takedown.take_down(record)
            for problem in problems:
                say(f"The sandbox left something behind: {problem}")
        if problems:
            raise SandboxError("; ".join(problems))


def sweep_sandboxes(*, say: Say) -> list[str]:
    """Take down what killed sandboxes left; returns their ids. A live one is never touched."""
    if os.geteuid() != 0 or not takedown.any_left():
        return []
    with locked():
        dead = [_adopt(record) for record in records() if not record.is_alive()]
        lost = unrecorded()
        for sandbox in lost:
            try:
                takedown.remove_folders(sandbox)
            except (SandboxError, OSError) as error:
                say(f"Still there: {error}")
    for record in dead:
        say(f"Removing what the killed sandbox {record.id} left")
        for problem in takedown.take_down(record):
            say(f"Still there: {problem}")
    return [*(record.id for record in dead), *lost]


def _claim() -> Record:
    """Choose what is free and write down that it is taken, before any of it is made."""
    with locked():
        uplink, pool = network.choose()
        taken = {group.gr_gid for group in grp.getgrall()}
        taken |= {record.socket_gid for record in records()}
        record = Record(
            id=new_id(),
            pid=os.getpid(),
            started=start_time(os.getpid()),
            boot=boot_id(),
            host_net=host_network(),
            uplink=uplink,
            pool=pool,
            socket_gid=next(gid for gid in range(_FIRST_GID, 65534) if gid not in taken),
            before=takedown.how_it_is(),
        )
        record.write()
    return record


def _adopt(record: Record) -> Record:
    """Make a dead owner's sandbox ours to take down, so that nobody else does at the same time."""
    mine = replace(record, pid=os.getpid(), started=start_time(os.getpid()), boot=boot_id())
    mine.write()
    return mine


def _describe(record: Record, gpus: tuple[SimulatedGpu, ...]) -> SandboxInfo:
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
    lab_file.write_text(_lab(os.environ))
    Path(info.info_file).write_text(json.dumps(info.to_json()))
    return info


def _lab(environ: Mapping[str, str]) -> str:
    """The lab's settings: the base image, and the proxies that containers can reach as well."""
    lines = [f'base_image = "{registry.BASE_IMAGE}"']
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
    """Turn the signals that would end us on the spot into an exception, which cleans up."""

    def leave(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    with _handling({n: leave for n in _ENDING if signal.getsignal(n) is signal.SIG_DFL}):
        yield


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
