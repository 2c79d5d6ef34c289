"""What every test of diagnosis starts from."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.diagnosis.machine import Container, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which all is well."""
    built = Machine(tmp_path)
    built.file("etc/group", "root:x:0:\ndocker:x:999:lee,kim\n")
    built.file("home/kim/.profile")
    built.command("docker")
    return built


@pytest.fixture
def container() -> Container:
    """Makes a container's summary as the engine's list has it."""

    def make(name: str, state: str = "running", **more: Any) -> dict[str, Any]:
        status = {
            "running": "Up 2 hours",
            "exited": "Exited (137) 2 hours ago",
            "created": "Created",
        }
        return {
            "Id": "41f2ec5f38f40eb2340ef00fa45a28df22ef2812baae6d3990eae461ebd2a1b1",
            "Names": [f"/{name}"],
            "Image": "me/test",
            "Command": "bash",
            "State": state,
            "Status": status[state],
            "Ports": [],
            "Mounts": [],
            **more,
        }

    return make
