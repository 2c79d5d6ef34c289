"""The project's own frame: layers, lock, sessions, and the environment that they share."""

from __future__ import annotations

import importlib.util
import os
import pwd
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import environment

ROOT = Path(environment.__file__).parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pinned}


def checkout(at: Path, pyproject: str = "", lock: str = "nox==1\n") -> Path:
    """Write the two files that an environment depends on."""
    at.mkdir(exist_ok=True)
    required = '[project]\nname = "x"\n[build-system]\nrequires = []\n[tool.hatch]\n'
    (at / "pyproject.toml").write_text(required + pyproject)
    (at / "requirements.lock").write_text(lock)
    return at


def finished(path: Path) -> Path:
    """Lay out what `is_made` looks for."""
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").symlink_to(sys.executable)
    (path / environment.STAMP).touch()
    return path


def test_every_module_of_the_package_is_in_the_import_contract() -> None:
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    found = {path.stem for path in (ROOT / "lifecycle").glob("[a-z]*")}
    assert found == set(layers)


def test_the_lock_satisfies_every_dependency() -> None:
    project = PYPROJECT["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = pins()
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)])


def test_every_session_says_in_one_line_what_it_is_for() -> None:
    listing = subprocess.run(
        [sys.executable, "-m", "nox", "-f", str(ROOT / "noxfile.py"), "--list"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    sessions = [line for line in listing.splitlines() if line.startswith(("- ", "* "))]
    names = [line.split()[1] for line in sessions]
    kept = ["my-env", "server", "sandbox", "tests", "faults", "lint", "bench", "mutants", "docs"]
    assert names == kept
    assert all(" -> " in line for line in sessions)


def test_another_lock_is_another_environment(tmp_path: Path) -> None:
    before = environment.key(checkout(tmp_path))
    assert environment.key(checkout(tmp_path, lock="nox==2\n")) != before


def test_a_setting_of_a_linter_keeps_the_environment(tmp_path: Path) -> None:
    before = environment.key(checkout(tmp_path))
    assert environment.key(checkout(tmp_path, pyproject="[tool.ruff]\nline-length = 9\n")) == before


def test_a_made_environment_is_used_without_calling_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout(tmp_path)
    monkeypatch.setattr(environment, "make", lambda path, _root: finished(path))
    first = environment.ready(root)
    monkeypatch.setattr(environment, "make", lambda *_: pytest.fail("made twice"))
    assert environment.ready(root) == first
    assert first.parent == root / ".nox"


def test_an_interrupted_environment_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout(tmp_path)

    def interrupted(path: Path, _root: Path) -> None:
        (path / "bin").mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environment.ready(root)
    remade: list[Path] = []
    monkeypatch.setattr(environment, "make", lambda path, _root: remade.append(path))
    assert [environment.ready(root)] == remade


def test_a_checkout_that_cannot_be_written_leaves_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "checkout"
    checkout(root)
    (root / ".nox").write_text("a file, so that no folder can be made there, not even by root")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chosen = environment.first_writable(environment.folders(root))
    assert chosen == tmp_path / "cache" / "docker-lifecycle"


def test_without_any_place_the_error_names_each_and_what_to_set(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    with pytest.raises(environment.NoEnvironmentError, match=r"file.*XDG_CACHE_HOME"):
        environment.first_writable([occupied])


def test_a_python_without_ensurepip_uses_its_own_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(environment, "has_module", lambda name: name == "pip")
    monkeypatch.setattr(environment, "run", lambda *command: commands.append(command))
    pip = environment.make_empty(tmp_path / "e")
    assert "--without-pip" in commands[0]
    assert pip[1:4] == ["-m", "pip", "--python"]


def test_without_ensurepip_pip_and_root_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "has_module", lambda _name: False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(environment.NoEnvironmentError, match=r"apt-get install python3\.\d+-venv"):
        environment.make_empty(tmp_path / "e")


def test_the_package_is_compiled_anew_where_its_text_has_changed(tmp_path: Path) -> None:
    module = tmp_path / "lifecycle" / "inner" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("value = 1\n")
    compiled = Path(importlib.util.cache_from_source(str(module)))
    environment.compile_package(tmp_path)
    before = compiled.read_bytes()
    module.write_text("value = 22\n")
    os.utime(module, (1, 1))
    environment.compile_package(tmp_path)
    assert compiled.read_bytes() != before


def test_a_module_that_cannot_be_compiled_stops_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lifecycle").mkdir()
    (tmp_path / "lifecycle" / "broken.py").write_text("value =\n")
    environment.compile_package(tmp_path)
    assert capfd.readouterr() == ("", "")


ME = pwd.getpwuid(os.geteuid()).pw_name
NOT_NEEDED = {
    "lifecycle --help": (
        ["--help"],
        ["asyncio", "difflib", "inspect", "subprocess", "tempfile", "tomllib", "typing_extensions"],
    ),
    "explain": (
        ["explain", "error.txt"],
        ["docker", "dockerfile_parse", "http", "jinja2", "pydantic", "ruamel", "urllib.request"],
    ),
    "check": (
        ["check", "scenario.yaml"],
        ["docker", "h11", "http", "lifecycle.engine", "lifecycle.gate", "lifecycle.run.steps"],
    ),
    "promises": (
        ["promises", "--", "docker", "run", "-d", "nginx"],
        ["docker", "http", "jinja2", "lifecycle.engine", "pydantic", "ruamel"],
    ),
    "run": (
        ["run", "--user", ME, "scenario.yaml"],
        ["pyte", "xdist", "_pytest.unittest", "_pytest.junitxml"],
    ),
}
IN_NONE_BUT_RUN = ["h11", "pyte", "pytest", "requests", "rich", "testcontainers", "urllib3"]
LOADED = """
import atexit, sys
from pathlib import Path

def note():
    Path("loaded").write_text("\\n".join(sys.modules))

sys.argv[0] = "lifecycle"
atexit.register(note)
from lifecycle.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("command", NOT_NEEDED)
def test_a_command_loads_only_what_it_needs(tmp_path: Path, command: str) -> None:
    words, unneeded = NOT_NEEDED[command]
    (tmp_path / "error.txt").write_text("docker: command not found\n")
    (tmp_path / "scenario.yaml").write_text("scenario: One step\nsteps:\n  - docker ps\n")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOCKER_HOST": "unix:///nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = set((tmp_path / "loaded").read_text().split())
    assert done.returncode == (1 if command == "run" else 0), done.stderr
    missing = [] if command == "run" else IN_NONE_BUT_RUN
    assert loaded & {*unneeded, *missing} == set()
