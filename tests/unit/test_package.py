"""What a person gets who installs the package, or unpacks its source."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import noxfile
from lifecycle import __version__

ROOT = Path(noxfile.__file__).parent
TOLD = {"LICENSE", "CHANGELOG.md", "SECURITY.md"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive, made once."""
    folder = tmp_path_factory.mktemp("built")
    make = (sys.executable, "-m", "hatchling", "build", "-d", str(folder))
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    return folder


def in_wheel(built: Path) -> dict[str, bytes]:
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_wheel_has_licence_changes_and_where_to_report_a_weakness(built: Path) -> None:
    assert {name.rpartition("/")[2] for name in in_wheel(built)} >= TOLD


def test_a_wheel_says_its_version_and_its_licence(built: Path) -> None:
    [metadata] = [text for name, text in in_wheel(built).items() if name.endswith("/METADATA")]
    told = Parser().parsestr(metadata.decode(), headersonly=True)
    assert (told["Version"], told["License-Expression"]) == (__version__, "Apache-2.0")
    assert told["License-File"] == "LICENSE"


def test_a_wheel_has_the_library_and_all_that_the_code_reads_beside_itself(built: Path) -> None:
    have = in_wheel(built)
    library = {f"lifecycle/library/{path.name}" for path in (ROOT / "scenarios").iterdir()}
    files = (p for p in (ROOT / "lifecycle").rglob("*") if p.suffix in {".toml", ".css", ".j2"})
    read = {str(path.relative_to(ROOT)) for path in files}
    assert len(read) > 10
    assert library | read <= have.keys()


def test_a_source_archive_has_what_makes_the_environment_and_all_that_is_told(built: Path) -> None:
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    assert top >= TOLD | {"README.md", "CONTRIBUTING.md", "noxw", "noxfile.py", "requirements.lock"}
