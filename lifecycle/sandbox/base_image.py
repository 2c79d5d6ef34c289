"""The base image: Debian, made here of the lab's packages or the machine's own, else pulled."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lifecycle.sandbox.cgroup import joined
from lifecycle.sandbox.dockerd import Engine
from lifecycle.sandbox.install import BASE, KEYRING, ensure
from lifecycle.sandbox.record import Record
from lifecycle.sandbox.shell import SandboxError, run

SUITE = "bookworm"
_NONE_KNOWN = (
    "no mirror of Debian is known here: apt of this machine names none by http, and apt_mirror of "
    "lab.toml is not set"
)


@dataclass(frozen=True)
class Mirrors:
    """Where packages come from, each an address or empty.

    ``debian`` and ``security`` are Debian's, ``any`` is what this machine itself installs from.
    """

    debian: str = ""
    security: str = ""
    any: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The lines of sources.list; none where no mirror of Debian is known."""
        if not self.debian:
            return ()
        security = f"deb {self.security} {SUITE}-security main"
        return (
            f"deb {self.debian} {SUITE} main",
            f"deb {self.debian} {SUITE}-updates main",
            *((security,) if self.security else ()),
        )


def mirrors(apt_mirror: str) -> Mirrors:
    """The lab's mirror, else what apt of this machine names."""
    return chosen(apt_mirror, _indexes() + _indexes("--no-release-info"))


def own_mirror() -> str:
    """Where this machine itself installs from; empty where apt names nothing by http."""
    return chosen("", _indexes("--no-release-info")).any


def _indexes(*more: str) -> str:
    """A line an index of packages: the label of its release, its component, its address.

    Apt knows the label of those only that it has fetched; without labels it names all.
    """
    words = ("apt-get", "indextargets", "--format", "$(LABEL) $(COMPONENT) $(REPO_URI)")
    with suppress(SandboxError):  # another distribution
        return run(*words, *more, "Created-By: Packages", what="apt-get can't tell its mirrors")
    return ""


_LABELS = {"debian": "Debian", "debian-security": "Debian-Security"}
"""What the last part of an address means where apt knows no label: Debian's mirrors all have it."""


def chosen(apt_mirror: str, indexes: str) -> Mirrors:
    """The mirrors to use, of the lab's own setting and the lines that apt told.

    Others (https without its certificates, a disk, one that wants a password) would not work
    inside a bare image, or would be read by everybody there.
    """
    addresses: dict[str, str] = {}
    for line in indexes.splitlines():
        label, _, rest = line.partition(" ")
        component, _, address = rest.partition(" ")
        if component == "main" and _is_plain(address):
            named = label if label in _LABELS.values() else _LABELS.get(_last_part(address), "any")
            addresses.setdefault(named, address)
            addresses.setdefault("any", address)
    debian, security = addresses.get("Debian", ""), addresses.get("Debian-Security", "")
    if _is_plain(apt_mirror):
        debian, security = (f"{apt_mirror.rstrip('/')}/{part}" for part in _LABELS)
    return Mirrors(debian, security, addresses.get("any", ""))


def _is_plain(address: str) -> bool:
    return address.startswith("http:") and "@" not in address


def _last_part(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


def key(apt_mirror: str) -> str:
    """What a base image depends on: where its packages come from, and the machine's kind."""
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt").glob("sources.list.d/*"))]
    digest = hashlib.sha256()
    for file in lists:
        with suppress(OSError):
            digest.update(file.read_bytes())
    digest.update(apt_mirror.encode())
    return f"{SUITE}-{platform.machine()}-{digest.hexdigest()[:12]}"


def make(
    record: Record, engine: Engine, image: str, apt_mirrors: Mirrors, *, say: Callable[[str], None]
) -> None:
    """Have the base image in the engine, under this name."""
    if not apt_mirrors.sources:
        _pull(engine, image, say)
        return
    ensure(BASE, say)
    say("Making the base image with mmdebstrap (about 15 s)")
    tar = record.data_dir / "base.tar"
    words = ("mmdebstrap", "--quiet", *_OPTIONS, "--keyring", str(KEYRING), SUITE, str(tar))
    temporary = {**os.environ, "TMPDIR": str(record.data_dir)}
    command = joined(record, *words, *apt_mirrors.sources)
    run(*command, what="mmdebstrap can't make the base image", environ=temporary)
    engine.docker(
        "import", "--change", 'CMD ["bash"]', str(tar), image, what="the base image can't be loaded"
    )
    tar.unlink()


def _pull(engine: Engine, image: str, say: Callable[[str], None]) -> None:
    """Have it from wherever the engine itself looks for an image of that name."""
    source = f"debian:{SUITE}"
    say(f"Pulling {source}: {_NONE_KNOWN}")
    failed = f"{_NONE_KNOWN}; and {source} can't be pulled either"
    engine.docker("pull", "--quiet", source, what=failed)
    engine.docker("tag", source, image, what="the base image can't be named")
    engine.docker("rmi", source, what="the base image can't be renamed")


# As in Debian's own image: no translated package lists, and installs that don't wait for the disk.
# Without manuals it is pushed and pulled sooner.
_OPTIONS = (
    "--variant=minbase",
    "--format=tar",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
)
