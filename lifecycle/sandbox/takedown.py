"""Taking a sandbox down: one way for every end, whether it got up, how it was used, who died.

Each undo looks for what is there, so it does no harm where its part was never made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lifecycle.machine.network_namespace import current, entrance, inside
from lifecycle.sandbox import cgroup, firewall, network, storage
from lifecycle.sandbox.claim import ROOTS, Claim, locked, records, sandboxes
from lifecycle.sandbox.record import Before, Record, boot_id
from lifecycle.sandbox.shell import SandboxError

_FORWARDERS = {"dockerd", "containerd", "conmon", "libvirtd"}
_SHIMS = Path("/run/containerd/s")  # fixed in containerd's shim

# What dockerd raises for the whole machine.
_KERNEL = ("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes")
# Folders that dockerd and containerd make wherever their own are said to be; innermost first.
_FOLDERS = ("/run/docker/plugins", "/run/docker", "/run/containerd/s", "/run/containerd")


def how_it_is() -> Before:
    """What to put back when the last sandbox is gone; call it under the lock."""
    others = records()
    here = [other for other in others if other.host_net == current()]
    return Before(
        kernel=others[0].before.kernel if others else _values(_KERNEL),
        absent=others[0].before.absent
        if others
        else tuple(folder for folder in _FOLDERS if not Path(folder).exists()),
        network=firewall.forwarding() | (here[0].before.network if here else {}),
        no_tables=here[0].before.no_tables if here else firewall.missing_tables(),
    )


def _values(names: tuple[str, ...]) -> dict[str, str]:
    return {name: Path("/proc/sys", name).read_text().strip() for name in names}


def take_down(record: Record, claim: Claim) -> list[str]:
    """Remove all of a sandbox; returns what could not be removed, and why."""
    try:
        cgroup.kill_all(record)
        cgroup.remove(record)  # which can't be while any is alive, in another pid namespace too
    except (SandboxError, OSError) as error:
        return [str(error)]  # nothing is safe to remove while an engine may be using it
    steps: tuple[Callable[[Record], None], ...] = (
        _disconnect,
        _remove_shim_sockets,
        lambda record: storage.delete(record.data_dir),
    )
    problems: list[str] = []
    for step in steps:
        try:
            step(record)
        except (SandboxError, OSError) as error:
            problems.append(str(error))
    if not problems:  # or the record stays, for the next sweep
        try:
            _finish(record, claim)
        except (SandboxError, OSError) as error:
            problems.append(str(error))
    return problems


def _finish(record: Record, claim: Claim) -> None:
    with locked():
        if record.boot == boot_id():
            _put_back(record)
        claim.remove_folders()


def any_left() -> bool:
    """Whether there is any sandbox on this machine, up or dead."""
    return any(root.exists() for root in ROOTS)


def _remove_shim_sockets(record: Record) -> None:
    """Remove the sockets of killed shims; their names are digests of what each served."""
    tasks = record.run_dir / "containerd" / "state" / "io.containerd.runtime.v2.task" / "moby"
    for folder in (record.data_dir / "docker" / "containers", tasks):
        for container in folder.glob("*"):
            served = f"{record.containerd_socket}/moby/{container.name}"
            (_SHIMS / hashlib.sha256(served.encode()).hexdigest()).unlink(missing_ok=True)


def _put_back(record: Record) -> None:
    """Put the machine's own settings back, when no other sandbox needs ours any longer.

    The kernel shows the others as well: their /run may be another one.
    """
    before = record.before
    if set(sandboxes()) <= {record.id} and cgroup.groups_of_sandboxes() <= {record.name}:
        for folder in before.absent:
            with suppress(OSError):  # another engine uses it by now
                Path(folder).rmdir()
        _set(before.kernel)
    _on_its_host(record, _put_network_back)


def _put_network_back(record: Record) -> None:
    if not network.others(record):
        firewall.remove_tables(record.before.no_tables)
        if not _relied_upon():
            _set(record.before.network)


def _disconnect(record: Record) -> None:
    _on_its_host(record, network.unplug)
    _on_its_host(record, firewall.remove_rules)


def _on_its_host(record: Record, act: Callable[[Record], None]) -> None:
    """Do it in the network that the sandbox was connected to, which needn't be ours.

    One that no process is in has gone, with all that was in it.
    """
    if record.host_net == current():
        act(record)
    elif record.boot == boot_id() and (netns := entrance(record.host_net)):
        inside(netns, lambda: act(record))


def _set(values: dict[str, str]) -> None:
    for name, value in values.items():
        file = Path("/proc/sys", name)
        with suppress(FileNotFoundError):  # a device that has gone
            if file.read_text().strip() != value:
                file.write_text(value)


def _relied_upon() -> bool:
    """Whether something else that forwards packets runs in the host's network.

    It may have been started meanwhile, and so have found forwarding as we had set it.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name = (process / "comm").read_text().strip()
            if name in _FORWARDERS and str((process / "ns/net").readlink()) == current():
                return True
    return False
