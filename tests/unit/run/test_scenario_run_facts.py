"""What a run tells of where it ran is what the report's schema describes, all of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lifecycle.facts.model import World
from lifecycle.machine.gpus import Gpu, Gpus
from lifecycle.machine.subject import Subject
from lifecycle.report.document import to_json
from lifecycle.report.model import RunReport
from lifecycle.run.scenario_run import _facts
from lifecycle.run.session.session import Session
from tests.report_schema import faults

FULL = {"ServerVersion": "28.5.1", "ID": "A:B", "Driver": "overlay2", "CgroupVersion": "2"}
ONE = Gpus("nvml", (Gpu(0, "GPU-1", "NVIDIA H200"),))
NONE = Gpus("none", (), "no NVIDIA driver")


@pytest.mark.parametrize("info", [FULL, {}], ids=["a full answer", "an empty answer"])
@pytest.mark.parametrize("gpus", [ONE, NONE], ids=["a GPU", "no GPU"])
def test_what_is_told_of_engine_host_and_subject_is_in_the_schema(
    me: Subject, gpus: Gpus, info: dict[str, Any]
) -> None:
    daemon = SimpleNamespace(address="unix:///run/docker.sock", info=info, equals_root=True)
    world = World(me, gpus, shares_machine=True)
    told = _facts(cast("Session", SimpleNamespace(daemon=daemon, world=world)))
    document = to_json(
        RunReport(
            "r1",
            **told,
            scenarios=(),
            options={"strict": False, "gpu": "auto", "allow_foreign": []},
        )
    )
    assert faults(document) == []
    assert {key: document[key] for key in told} == told
