"""The 150 assertions of the bench, one list of data, and how each tool is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

NUMBERS = {"root": 0, "member": 4242}
"""Names of users, which are those of their groups, to numbers."""
_MODES = ("644", "640", "600", "755", "700")
_SYMBOLS = ("---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx")
_FILES = 31
_READ = 10
_WORKERS = 3
_MOUNTS = {"/scratch": "rw", "/sys": "ro", "/dev/shm": "rw", "/proc/sys": "ro"}
_ACCOUNT = {
    "exists": "true",
    "uid": "4242",
    "gid": "4242",
    "home": "/home/member",
    "groups": "member",
}
_PASSWD = {"uid": 1, "gid": 2, "home": 4}
"""How many fields of /etc/passwd stand between it and the name."""

Kind = Literal["file", "mount", "account", "process"]


@dataclass(frozen=True)
class Assertion:
    """One thing that must be so: ``key`` of the ``kind`` called ``name`` is ``value``."""

    kind: Kind
    name: str
    key: str
    value: str


def assertions() -> list[Assertion]:
    """All 150, which hold in a container of :func:`dockerfile`."""
    found = []
    for index in range(_FILES):
        path, owner, mode = _file(index)
        facts = {"exists": "true", "owner": owner, "group": owner, "mode": mode}
        facts |= {"contains": f"^number {index}$"} if index < _READ else {}
        found += [Assertion("file", path, key, value) for key, value in facts.items()]
    for target, access in _MOUNTS.items():
        facts = {"exists": "true", "access": access}
        found += [Assertion("mount", target, key, value) for key, value in facts.items()]
    found += [Assertion("account", "member", key, value) for key, value in _ACCOUNT.items()]
    found += [Assertion("process", name, "running", "true") for name in _workers()]
    return found


def one_false() -> list[Assertion]:
    """A few that hold, and a wrong mode."""
    of_two = [a for a in assertions() if a.name in {_file(0)[0], _file(1)[0]}]
    wrong = ("mode", _file(0)[2])
    return [replace(a, value="711") if (a.key, a.value) == wrong else a for a in of_two]


def _file(index: int) -> tuple[str, str, str]:
    """Path, owner and mode; those that are read are the user's own."""
    owner = "member" if index < _READ or index % 2 else "root"
    return f"/srv/bench/file-{index}", owner, _MODES[index % len(_MODES)]


def _workers() -> list[str]:
    return [f"worker-{index}" for index in range(_WORKERS)]


def dockerfile(base: str) -> str:
    """An image whose containers are as the list says, on a Debian base."""
    lines = [
        "set -eu",
        f"groupadd -g {NUMBERS['member']} member",
        f"useradd -m -u {NUMBERS['member']} -g member member",
        "mkdir -p /srv/bench",
    ]
    for index in range(_FILES):
        path, owner, mode = _file(index)
        lines.append(f"echo 'number {index}' > {path}")
        lines.append(f"chown {owner}:{owner} {path}; chmod {mode} {path}")
    lines += [f"cp /bin/sleep /usr/local/bin/{name}" for name in _workers()]
    *others, first = [f"{name} infinity" for name in _workers()]
    command = " & ".join([*others, f"exec {first}"])
    return f"""\
FROM {base}
RUN {"; ".join(lines)}
USER member
WORKDIR /home/member
CMD ["sh", "-c", "{command}"]
"""


def as_check(found: Iterable[Assertion]) -> dict[str, Any]:
    """The ``inside`` of a ``check`` step. A mount's existence is judged with its access."""
    inside: dict[str, Any] = {}
    for a in found:
        match a.kind:
            case "file":
                inside.setdefault("files", {}).setdefault(a.name, {})[a.key] = a.value
            case "mount" if a.key == "access":
                readonly = "true" if a.value == "ro" else "false"
                inside.setdefault("mounts", {})[a.name] = {"readonly": readonly}
            case "account" if a.key == "exists":
                inside["user"] = a.name
            case "account":
                inside[a.key] = [a.value] if a.key == "groups" else a.value
            case "process":
                inside.setdefault("processes", []).append(f"^{a.name}")
    return inside


def as_goss(found: Iterable[Assertion]) -> dict[str, Any]:
    """A gossfile."""
    goss: dict[str, dict[str, dict[str, Any]]] = {}
    for a in found:
        kind = "user" if a.kind == "account" else a.kind
        facts = goss.setdefault(kind, {}).setdefault(a.name, {})
        match a.key:
            case "exists" | "running":
                facts[a.key] = True
            case "mode":
                facts["mode"] = f"0{a.value}"
            case "contains":
                facts["contents"] = [f"/{a.value}/"]
            case "access":
                facts["opts"] = [a.value]
            case "uid" | "gid":
                facts[a.key] = int(a.value)
            case "groups":
                facts["groups"] = [a.value]
            case _:
                facts[a.key] = a.value
    return goss


def of_an_image(found: Iterable[Assertion]) -> list[Assertion]:
    """Those that an image can be asked: it has neither mounts nor processes."""
    return [a for a in found if a.kind in {"file", "account"}]


def as_structure_test(found: Sequence[Assertion]) -> dict[str, Any]:
    """A configuration of container-structure-test, with as few tests as can say it."""
    exist, content = [], []
    for (kind, name), group in groupby(found, key=lambda a: (a.kind, a.name)):
        facts = {a.key: a.value for a in group}
        if kind == "account":
            content += [_account_line(name, key, value) for key, value in facts.items()]
            continue
        exist.append(
            {
                "name": name,
                "path": name,
                "shouldExist": True,
                "uid": NUMBERS[facts["owner"]],
                "gid": NUMBERS[facts["group"]],
                "permissions": "-" + "".join(_SYMBOLS[int(digit)] for digit in facts["mode"]),
            }
        )
        if "contains" in facts:
            pattern = f"(?m){facts['contains']}"
            content.append({"name": name, "path": name, "expectedContents": [pattern]})
    return {
        "schemaVersion": "2.0.0",
        "fileExistenceTests": exist,
        "fileContentTests": content,
    }


def _account_line(name: str, key: str, value: str) -> dict[str, Any]:
    """A test of one field: a file is read sooner than a command is run."""
    path = "/etc/group" if key == "groups" else "/etc/passwd"
    match key:
        case "exists":
            pattern = f"^{name}:"
        case "groups":
            pattern = f"^{value}:"
        case _:
            pattern = f"^{name}:([^:]*:){{{_PASSWD[key]}}}{value}:"
    return {"name": key, "path": path, "expectedContents": [f"(?m){pattern}"]}


def holds(host: Any, a: Assertion) -> bool:
    """Ask testinfra's ``host`` for one."""
    match a.kind:
        case "file":
            return _file_holds(host.file(a.name), a)
        case "mount":
            mount = host.mount_point(a.name)
            return bool(mount.exists if a.key == "exists" else a.value in mount.options)
        case "account":
            value = getattr(host.user(a.name), a.key)
            return a.value in value if a.key == "groups" else str(value).lower() == a.value
        case "process":  # its own way is `ps`, which Debian's image has not
            return bool(host.run("grep -qx %s /proc/[0-9]*/comm", a.name).rc == 0)


def _file_holds(file: Any, a: Assertion) -> bool:
    match a.key:
        case "exists":
            return bool(file.exists)
        case "owner":
            return bool(file.user == a.value)
        case "mode":
            return bool(file.mode == int(a.value, 8))
        case "contains":
            return bool(file.contains(a.value))
        case _:
            return bool(file.group == a.value)
