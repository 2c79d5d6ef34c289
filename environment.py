"""The one environment that noxw and every Nox session share: made once, until the lock changes.

Only the standard library is imported here, and what itself needs no more: this file runs where
there is nothing but Python 3.11.
"""

from __future__ import annotations

import compileall
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lifecycle.machine.private_folders import why_unsafe

ROOT = Path(__file__).resolve().parent
STAMP = "made"
UNUSED_AFTER_S = 7 * 24 * 3600
INSTALL = (
    *("install", "-qq", "--no-input", "--disable-pip-version-check", "--progress-bar=off"),
    # The lock is complete, so there is nothing to resolve; `user = true` in a pip.conf would fail.
    *("--no-deps", "--no-user"),
)


class NoEnvironmentError(Exception):
    """The environment can't be made; the text says why and what to install."""


def main(words: Sequence[str]) -> int:
    """Become Nox in the environment, or with `--environment` only print where that is."""
    # A signal becomes an exception, so that subprocess ends the pip that is under way.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        environment = ready(ROOT)
        compile_package(ROOT)
    except NoEnvironmentError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    if words != ["--environment"]:
        python = str(environment / "bin" / "python")
        os.execv(python, [python, "-m", "nox", "-f", str(ROOT / "noxfile.py"), *words])
    print(environment)
    return 0


def ready(root: Path) -> Path:
    """Return the environment of this checkout, after making it if it is not there."""
    name = f"environment-py{sys.version_info[0]}.{sys.version_info[1]}-{key(root)}"
    for folder in folders(root):
        if is_made(folder / name):
            refuse_unsafe(folder / name, root)
            return folder / name
    folder = first_writable(folders(root))
    refuse_unsafe(folder, root)
    with only_one(folder / f"{name}.lock"):
        if not is_made(folder / name):
            remove_unused(folder)
            make(folder / name, root)
    return folder / name


def compile_package(root: Path) -> None:
    """Leave the package compiled: who may only read this checkout would do it at every start."""
    if os.access(root / "lifecycle", os.W_OK):
        compileall.compile_dir(root / "lifecycle", quiet=2)  # what can't be compiled says so itself


def key(root: Path) -> str:
    """Hash all that an environment depends on: the lock, the project's metadata and its path."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    metadata = [pyproject["project"], pyproject["build-system"], pyproject["tool"]["hatch"]]
    parts = [str(root), (root / "requirements.lock").read_text(), json.dumps(metadata)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def folders(root: Path) -> tuple[Path, Path]:
    """Name where environments live: in the checkout, or else in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return root / ".nox", cache / "docker-lifecycle"


def refuse_unsafe(folder: Path, root: Path) -> None:
    """Run nothing that somebody else could have put there; who can change the checkout may."""
    reason = why_unsafe(folder, within=root if folder.is_relative_to(root) else None)
    if reason:
        raise NoEnvironmentError(reason)


def is_made(environment: Path) -> bool:
    """Tell a finished environment; one that was interrupted has no stamp."""
    made = (environment / STAMP).exists() and os.access(environment / "bin" / "python", os.X_OK)
    if made and os.access(environment, os.W_OK):
        os.utime(environment)
    return made


def first_writable(candidates: Sequence[Path]) -> Path:
    """Return the first folder in which an environment can be made."""
    refusals = []
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            refusals.append(str(error))
        else:
            if os.access(folder, os.W_OK | os.X_OK):
                return folder
            refusals.append(f"{folder} can't be written")
    raise NoEnvironmentError(
        f"no place for the environment: {'; '.join(refusals)}."
        " Set XDG_CACHE_HOME to a folder that you can write."
    )


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let one process at a time make an environment; the others wait and then find it made."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is making the environment; waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def remove_unused(folder: Path) -> None:
    """Remove environments of earlier locks that nobody has started for a week."""
    for environment in folder.glob("environment-*/"):
        if time.time() - environment.stat().st_mtime > UNUSED_AFTER_S:
            shutil.rmtree(environment, ignore_errors=True)
            environment.with_name(f"{environment.name}.lock").unlink(missing_ok=True)


def make(environment: Path, root: Path) -> None:
    """Make the environment: the lock's packages, then this checkout itself, then the stamp."""
    say(f"making the environment in {environment} (once)")
    started = time.monotonic()
    if environment.exists():
        shutil.rmtree(environment)
    pip = make_empty(environment)
    install(pip, "-r", str(root / "requirements.lock"))
    install(pip, "--no-build-isolation", "--editable", str(root))
    (environment / STAMP).touch()
    say(f"made it in {time.monotonic() - started:.0f} s")


def make_empty(environment: Path) -> list[str]:
    """Make the environment with no packages; return the pip command that installs into it."""
    python = str(environment / "bin" / "python")
    if not has_module("ensurepip") and not system_pip():
        install_venv_package()
    if has_module("ensurepip"):
        run(sys.executable, "-m", "venv", str(environment))
        return [python, "-m", "pip"]
    run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    return [sys.executable, "-m", "pip", "--python", python]


def has_module(name: str) -> bool:
    """Tell whether this Python has a module; Debian ships ensurepip and pip apart from it."""
    importlib.invalidate_caches()
    return importlib.util.find_spec(name) is not None


def system_pip() -> bool:
    """Tell whether this Python's own pip can install into another environment (22.3 and later)."""
    if not has_module("pip"):
        return False
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "help", "install"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "--python" in answer.stdout


def install_venv_package() -> None:
    """Install Debian's package with ensurepip, as root; otherwise say what to install."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEnvironmentError(
            f"{sys.executable} has neither ensurepip nor a pip of 22.3 or later, so no environment"
            f" can be made. On Debian or Ubuntu, as root: apt-get install {package}"
        )
    say(f"installing {package}: this Python has neither ensurepip nor pip")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    apt = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120")
    run(*apt, "update")
    run(*apt, "install", "--yes", "--no-install-recommends", package)
    if not has_module("ensurepip"):
        raise NoEnvironmentError(
            f"{package} is installed, and {sys.executable} still has no ensurepip"
        )


def install(pip: Sequence[str], *what: str) -> None:
    """Install with pip, whose own settings (PIP_INDEX_URL, pip.conf) name the mirror."""
    try:
        run(*pip, *INSTALL, *what)
    except NoEnvironmentError as error:
        advice = "A mirror is set with PIP_INDEX_URL or pip.conf, a proxy with https_proxy."
        raise NoEnvironmentError(f"{error}. {advice}") from None


def run(*command: str) -> None:
    """Run a command quietly; show what it wrote only when it fails."""
    ended = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode:
        sys.stderr.write(ended.stdout)
        what = " ".join(command[:4])
        raise NoEnvironmentError(
            f"`{what} ...` failed with exit code {ended.returncode}; see above"
        )


def say(text: str) -> None:
    """Tell a person at the terminal what happens."""
    print(f"noxw: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
