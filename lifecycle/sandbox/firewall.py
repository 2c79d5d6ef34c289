"""What a sandbox opens on the host, which is the way out and the answers, and how it is closed.

Nothing else may use that opening: no other machine, container or namespace reaches a sandbox,
and where the host forwarded nothing before, it forwards nothing for others now.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from lifecycle.sandbox.record import LINK, NAME, Record
from lifecycle.sandbox.shell import SandboxError, run

_TABLES = frozenset({"filter", "nat", "mangle"})
# Bridges of engines and of virtual machines: what is behind them is no way out.
_INNER = ("docker", "br-", "podman", "cni", "virbr", "lxcbr", "lxdbr", "incusbr", LINK)
_SYSCTL = Path("/proc/sys")
Rules = dict[str, list[str]]


def open_way(record: Record, host: str, inside: str) -> None:
    """Let the sandbox out, and in only what answers it.

    The accepting rules come first in their chain, because another engine's policy for the rest is
    to drop. The refusing one is in a table that is asked earlier, so that nobody's acceptance
    counts there, whichever was made first.
    """
    link, note = record.link, f"-m comment --comment {record.name}"
    answers, new = "-m conntrack --ctstate RELATED,ESTABLISHED", "-m conntrack --ctstate NEW"
    accepted = [
        f"-I FORWARD -{way} {note} -j ACCEPT"
        for device in ways_out()
        for way in (
            f"i {link} -o {device} -s {inside}",
            f"i {device} -o {link} -d {inside} {answers}",
        )
    ]
    closed = [shut for shut in (link, *_closed(record)) if (_SYSCTL / _forwarding(shut)).exists()]
    _restore(
        record,
        {
            "mangle": [
                f"-I FORWARD -o {link} -m conntrack ! --ctstate RELATED,ESTABLISHED {note} -j DROP"
            ],
            "nat": [f"-A POSTROUTING -s {record.uplink} ! -o {link} {note} -j MASQUERADE"],
            "filter": [*accepted, *(f"-A FORWARD -i {shut} {note} -j DROP" for shut in closed)],
        },
    )
    # The same from within, where nobody else's rules are: only what is meant for this end, and
    # begun by the other one. A neighbour could send more, had it a route.
    _restore(
        record,
        {
            "mangle": [
                f"-A PREROUTING -i eth0 ! -d {inside} -j DROP",
                f"-A PREROUTING -i eth0 ! -s {host} {new} -j DROP",
            ]
        },
        netns=str(record.netns),
    )
    for device in closed:
        (_SYSCTL / _forwarding(device)).write_text("1")


def _closed(record: Record) -> list[str]:
    """The devices that forwarded nothing before there was any sandbox."""
    ways = ways_out()
    return [way for way in ways if record.before.network.get(_forwarding(way)) == "0"]


def ways_out() -> list[str]:
    """The devices that lead out of the host: those with a router, and its own nets."""
    routes = json.loads(_ip("-j", "-4", "route", "show", "table", "all") or "[]")
    devices: dict[str, None] = {}
    for route in routes:
        hops = [route, *route.get("nexthops", ())]
        for hop in hops:
            device = hop.get("dev", "")
            inner = device.startswith(_INNER) and not hop.get("gateway")
            local = route.get("type") in {"local", "broadcast"} or device in {"", "lo"}
            if not (inner or local or device.startswith(LINK)):
                devices[device] = None
    return list(devices)


def forwarding() -> dict[str, str]:
    """Which devices forwarded before any sandbox: one that a sandbox has opened says so itself."""
    opened = {
        words[words.index("-i") + 1]
        for words in map(shlex.split, saved().get("filter", ()))
        if "-i" in words and words[-1] == "DROP" and any(w.startswith(NAME) for w in words)
    }
    return {
        _forwarding(device): "0" if device in opened else value
        for device in ways_out()
        if (value := _value(_forwarding(device)))
    }


def _forwarding(device: str) -> str:
    """A device's own setting: the one for all would open every device there is."""
    return f"net/ipv4/conf/{device}/forwarding"


def _value(name: str) -> str:
    try:
        return (_SYSCTL / name).read_text().strip()
    except OSError:
        return ""


def remove_rules(record: Record) -> None:
    """Remove exactly the host's rules that bear the sandbox's name."""
    for table, lines in saved().items():
        for rule in lines:
            words = shlex.split(rule)
            if words[0] == "-A" and record.name in words:
                what = "the sandbox's firewall rules can't be removed"
                run("iptables", "-w", "-t", table, "-D", *words[1:], what=what)


def missing_tables() -> tuple[str, ...]:
    """The tables that the host has not; iptables makes them with the first rule."""
    tables = saved()
    return tuple(sorted(name for name in _TABLES if _only_ours(tables.get(name, []))))


def _only_ours(lines: Iterable[str]) -> bool:
    """Whether a table holds nothing, or nothing but what sandboxes have put there."""
    return _is_empty(line for line in lines if f"--comment {NAME}" not in line)


def _is_empty(lines: Iterable[str]) -> bool:
    return all(line.startswith(":") and line.split()[1] == "ACCEPT" for line in lines)


def remove_tables(tables: Sequence[str]) -> None:
    """Remove the tables that came with our rules, when nobody else uses them by now."""
    for table, lines in saved().items():
        if table in tables and _is_empty(lines) and shutil.which("nft"):
            with suppress(SandboxError):  # the older iptables keeps its tables in the kernel
                run("nft", "delete", "table", "ip", table, what=f"table {table} is left")


def saved() -> Rules:
    """Each table's chains and rules. To ask for one table by name would make it."""
    if not shutil.which("iptables-save"):
        return {}
    rules: Rules = {}
    for line in run("iptables-save", what="the firewall's rules can't be read").splitlines():
        if line.startswith("*"):
            lines = rules.setdefault(line[1:], [])
        elif line.startswith((":", "-A")):
            lines.append(line)
    return rules


def _restore(record: Record, rules: Rules, *, netns: str = "") -> None:
    """Add rules, each table's all at once."""
    file = record.data_dir / "firewall.rules"
    file.write_text("".join(f"*{t}\n" + "\n".join([*r, "COMMIT", ""]) for t, r in rules.items()))
    enter = ("nsenter", f"--net={netns}", "--") if netns else ()
    what = "the sandbox's firewall rules can't be made"
    run(*enter, "iptables-restore", "--wait", "--noflush", str(file), what=what)
    file.unlink()


def _ip(*words: str) -> str:
    return run("ip", *words, what="the host's routes can't be read")
