"""Values of flags, read as the docker CLI reads them."""

from __future__ import annotations

import ipaddress
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from lifecycle.command.values.structured import Structured

_BOOLS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_INTEGER = re.compile(
    r"[+-]?(0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO](_?[0-7])+|[0-9](_?[0-9])*)"
)
_OLD_OCTAL = re.compile(r"([+-]?)0_?([0-7](?:_?[0-7])*)")
_SIZE = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?) ?(?P<unit>.*)"
)
_UNIT = re.compile(r"b?|(?P<prefix>[kmgtp])(?:i?b)?", re.IGNORECASE)
_DURATION = re.compile(r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+|[-+]?0")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3}|/[0-9]+)?")
_THING_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_MAX_INT = 2**63 - 1
_NANO = 10**9


class ImpossibleError(ValueError):
    """A value that the CLI or the daemon is sure to refuse."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def boolean(text: str) -> bool:
    """``true`` and ``false`` in the spellings of Go."""
    if text not in _BOOLS:
        raise ImpossibleError("not a boolean", "write true or false")
    return _BOOLS[text]


def integer(text: str) -> int:
    """A whole number, also hexadecimal, octal or binary."""
    if _INTEGER.fullmatch(text) is None:
        raise ImpossibleError("not a whole number")
    octal = _OLD_OCTAL.fullmatch(text)
    try:
        number = int(octal[1] + octal[2].replace("_", ""), 8) if octal else int(text, 0)
    except ValueError:
        raise ImpossibleError("not a whole number") from None
    if not -_MAX_INT - 1 <= number <= _MAX_INT:
        raise ImpossibleError("a number out of range")
    return number


def between(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers of a range."""

    def read(text: str) -> int:
        number = integer(text)
        if not low <= number <= high:
            raise ImpossibleError(f"out of range, {low} to {high} is possible")
        return number

    return read


def size(text: str) -> int:
    """A size in bytes: ``512m``, ``1.5g``, ``64kb``, ``1 GiB``."""
    match = _SIZE.fullmatch(text)
    unit = _UNIT.fullmatch(match["unit"]) if match else None
    if match is None or unit is None:
        raise ImpossibleError("not a size", "a size is a number and b, k, m, g, t or p: 512m")
    factor = 1024 ** (1 + "kmgtp".index(unit["prefix"].lower())) if unit["prefix"] else 1
    try:
        number = int(Fraction(match["number"]) * factor) if _sane(match["number"]) else -1
    except ValueError:
        number = -1
    if not 0 <= number <= _MAX_INT:
        raise ImpossibleError("a size out of range")
    return number


def swap_size(text: str) -> int:
    """A size, or -1 for no limit."""
    return -1 if text == "-1" else size(text)


def decimal(text: str) -> int:
    """A decimal number of CPUs, in billionths."""
    if _DECIMAL.fullmatch(text) is None or not _sane(text):
        raise ImpossibleError("not a number", "write a number of CPUs: 1.5")
    try:
        nano = Fraction(text) * _NANO
    except (ValueError, ZeroDivisionError):
        raise ImpossibleError("not a number", "write a number of CPUs: 1.5") from None
    if nano.denominator != 1:
        raise ImpossibleError("too precise")
    return int(nano)


def _sane(text: str) -> bool:
    """Whether a number's exponent is small enough to compute with."""
    return re.search(r"[eE][+-]?0*[1-9][0-9]{2}", text) is None


def duration(text: str) -> str:
    """A duration in Go's spelling: ``1m30s``."""
    if _DURATION.fullmatch(text) is None:
        raise ImpossibleError("not a duration", "a duration has a unit: 5s, 1m30s, 500ms")
    return text


_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6}
_NANOSECONDS |= {"s": _NANO, "m": 60 * _NANO, "h": 3600 * _NANO}


def nanoseconds(text: str) -> int:
    """A duration in nanoseconds, as the engine keeps it."""
    parts = re.findall(r"([0-9.]{1,99})([a-zµμ]+)", duration(text))
    total = sum(Fraction(number) * _NANOSECONDS[unit] for number, unit in parts)
    if total > _MAX_INT or (total and text.startswith("-")):
        raise ImpossibleError("a duration out of range")
    if 0 < total < _NANOSECONDS["ms"]:
        raise ImpossibleError("a duration of less than 1ms")
    return int(total)


def one_of(*known: str) -> Callable[[str], str]:
    """A reader of words from a list."""

    def read(text: str) -> str:
        if text not in known:
            raise ImpossibleError(
                "not a known value", f"{', '.join(k for k in known if k)} are known"
            )
        return text

    return read


def namespace(*known: str) -> Callable[[str], str]:
    """A reader of namespaces: one of a list, or another container's."""

    def read(text: str) -> str:
        if text not in known and not re.fullmatch("container:.+", text):
            words = ", ".join((*(k for k in known if k), "container:NAME"))
            raise ImpossibleError("not a namespace", f"{words} are known")
        return text

    return read


def pair(text: str) -> tuple[str, str]:
    """``KEY=VALUE``; a lone ``KEY`` has an empty value."""
    key, _, value = text.partition("=")
    if not key:
        raise ImpossibleError("the name is empty", "write KEY=VALUE")
    return key, value


def variable(text: str) -> tuple[str, str | None]:
    """An environment variable; a lone name takes its value from the caller's environment."""
    key, equals, value = text.partition("=")
    if not key:
        raise ImpossibleError("invalid environment variable", "write NAME=VALUE")
    return key, value if equals else None


def option(text: str) -> tuple[str, str]:
    """``KEY=VALUE`` where the value must be there."""
    return pair(key_value(text))


def key_value(text: str) -> str:
    """A ``KEY=VALUE`` where the value must be there."""
    if "=" not in text:
        raise ImpossibleError("not KEY=VALUE")
    return text


def thing_name(text: str) -> str:
    """The name of a container or a volume to be made."""
    if _THING_NAME.fullmatch(text) is None:
        raise ImpossibleError(
            f"invalid name ({text})",
            "a name has two or more of [a-zA-Z0-9_.-] and starts with a letter or digit",
        )
    return text


def is_thing_name(text: str) -> bool:
    """Whether a container or volume may have this name."""
    return _THING_NAME.fullmatch(text) is not None


def address(text: str) -> str:
    """An IP address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ImpossibleError("not an IP address") from None


def mac_address(text: str) -> str:
    """A MAC address."""
    if re.fullmatch(r"[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){4}", text) is None:
        raise ImpossibleError("not a MAC address", "write six pairs: 92:d0:c6:0a:29:33")
    return text


def extra_host(text: str) -> str:
    """``HOST:IP`` or ``HOST=IP`` of --add-host."""
    match = re.fullmatch(r"([^=:]+)[=:](.+)", text)
    if match is None:
        raise ImpossibleError("not HOST:IP")
    if match[2] != "host-gateway":
        address(match[2].removeprefix("[").removesuffix("]"))
    return text


@dataclass(frozen=True)
class RestartPolicy(Structured):
    """What ``--restart`` says: a policy's name, and how often it tries where it counts, else 0."""

    name: str
    retries: int


def restart_policy(text: str) -> RestartPolicy:
    """``NAME``, or ``on-failure:RETRIES``."""
    name, colon, count = text.partition(":")
    if name not in ("", "no", "always", "unless-stopped", "on-failure"):
        raise ImpossibleError(
            "not a restart policy", "no, always, unless-stopped and on-failure[:N] are known"
        )
    if colon and (name != "on-failure" or re.fullmatch("[0-9]{1,18}", count) is None):
        raise ImpossibleError("a retry count is a whole number after on-failure:")
    return RestartPolicy(name or "no", int(count) if colon else 0)


def stream(text: str) -> str:
    """A standard stream for --attach."""
    if text.lower() not in ("stdin", "stdout", "stderr"):
        raise ImpossibleError("not a stream", "STDIN, STDOUT and STDERR are known")
    return text.lower()


def sysctl(text: str) -> tuple[str, str]:
    """A sysctl that belongs to a namespace of the container."""
    name, equals, value = text.partition("=")
    known = ("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall")
    more = ("kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced")
    if not equals or not (name in known + more or name.startswith(("net.", "fs.mqueue."))):
        raise ImpossibleError(
            f"sysctl {name} is not allowed", "net.*, fs.mqueue.* and kernel.shm* are"
        )
    return name, value


def cgroup_rule(text: str) -> str:
    """A device cgroup rule."""
    if re.fullmatch(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}", text) is None:
        raise ImpossibleError("not a device rule", "write for example: c 1:3 rwm")
    return text


def link(text: str) -> str:
    """``CONTAINER[:ALIAS]``."""
    if not text or text.count(":") > 1:
        raise ImpossibleError("not CONTAINER[:ALIAS]")
    return text


def subnet(text: str) -> str:
    """A network in CIDR form, as the engine writes it."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ImpossibleError("not a subnet", "write for example 172.28.0.0/16") from None


def signal_number(text: str) -> int:
    """A signal by number or name, with or without SIG: ``15``, ``TERM``, ``SIGRTMIN+3``."""
    if re.fullmatch("[0-9]{1,2}", text):
        return between(1, 64)(text)
    name = text.upper().removeprefix("SIG")
    base, plus, more = name.partition("+")
    if plus and base == "RTMIN" and re.fullmatch("[0-9]{1,2}", more):
        return between(1, 64)(str(34 + int(more)))
    known = {s.name.removeprefix("SIG"): int(s) for s in signal.Signals}
    if name not in known:
        raise ImpossibleError("not a signal", "write for example TERM, HUP or 9")
    return known[name]


def platform(text: str) -> str:
    """``OS[/ARCHITECTURE[/VARIANT]]``, the architecture in Docker's own word."""
    system, slash, rest = text.partition("/")
    machine, _, variant = rest.partition("/")
    if not system or (slash and not machine):
        raise ImpossibleError("not a platform", "write for example linux/amd64")
    machine = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return "/".join(part for part in (system, machine, variant) if part)


def filled(text: str) -> str:
    """Any text but the empty one."""
    if not text:
        raise ImpossibleError("the value is empty")
    return text
