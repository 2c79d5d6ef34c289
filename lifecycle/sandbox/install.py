"""Getting the programs that a sandbox needs, from the distribution."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lifecycle.sandbox.shell import SandboxError, run

Say = Callable[[str], None]

_PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker-cli",
    "ip": "iproute2",
    "iptables": "iptables",
    "nft": "nftables",
    "mmdebstrap": "mmdebstrap",
}
ENGINE = ("dockerd", "ip", "iptables", "nft")
BASE = ("mmdebstrap",)
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_POLICY = Path("/usr/sbin/policy-rc.d")
_FORBIDDEN = 101
_SHIM = f"""#!/bin/sh
# docker-lifecycle: no service starts while the sandbox installs docker.io
exit {_FORBIDDEN}
"""


def require_root() -> None:
    """Say so at once when the sandbox can't be made by this user."""
    if os.geteuid() != 0:
        raise SandboxError(
            "a sandbox needs root, to make a network namespace and to run an engine of its own; "
            "run it with sudo, or use the machine's engine with: nox -s my-env"
        )


def missing(programs: Sequence[str]) -> list[str]:
    """The packages that hold those programs that are not here."""
    packages = [_PACKAGES[name] for name in programs if not shutil.which(name)]
    if "mmdebstrap" in programs and not KEYRING.exists():
        packages.append("debian-archive-keyring")
    return packages


def ensure(programs: Sequence[str], say: Say) -> None:
    """Have the programs, by apt where there is one."""
    packages = missing(programs)
    if packages:
        _install(packages, say)
    if "dockerd" in programs and not shutil.which("docker"):
        _install([_PACKAGES["docker"]], say)  # a package of its own since Debian 13


def _install(packages: list[str], say: Say) -> None:
    if not shutil.which("apt-get"):
        raise SandboxError(
            f"the sandbox needs what Debian packages as {' '.join(packages)}, and installs it by "
            "itself on Debian and Ubuntu only; install it with this machine's package manager"
        )
    say(f"Installing {' '.join(packages)} from the distribution")
    remove_stale_shim()
    with _no_service_starts() as prefix:
        command = (*prefix, *_apt("install", "-y", "--no-install-recommends", *packages))
        what = f"apt-get can't install {' '.join(packages)}"
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            run(*command, what=what, environ=environ)
        except SandboxError:  # the lists of packages are missing, or older than the mirror
            run(*_apt("update"), what="apt-get update failed")
            run(*command, what=what, environ=environ)


def _apt(*words: str) -> tuple[str, ...]:
    return ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *words)


@contextmanager
def _no_service_starts() -> Iterator[tuple[str, ...]]:
    """Keep the packages from starting an engine; yields the words to put before apt-get.

    Debian asks /usr/sbin/policy-rc.d. Where the machine has one that would allow it, ours lies
    over it in apt-get's own mount namespace; where it has none, ours is there meanwhile.
    """
    if not _POLICY.exists():
        _write_shim(_POLICY)
        try:
            yield ()
        finally:
            _POLICY.unlink(missing_ok=True)
    elif subprocess.run([_POLICY, "docker", "start"], check=False).returncode == _FORBIDDEN:
        yield ()
    else:
        with tempfile.TemporaryDirectory(dir="/var/lib", prefix="lifecycle-policy-") as folder:
            shim = Path(folder) / _POLICY.name
            _write_shim(shim)
            lay_over = 'mount --bind "$0" "$1" && shift && exec "$@"'
            yield ("unshare", "--mount", "sh", "-c", lay_over, str(shim), str(_POLICY))


def _write_shim(file: Path) -> None:
    file.write_text(_SHIM)
    file.chmod(0o755)


def remove_stale_shim() -> None:
    """Remove our policy-rc.d where an install was killed before it could."""
    try:
        if _POLICY.read_text() == _SHIM:
            _POLICY.unlink()
    except (OSError, UnicodeDecodeError):
        return
