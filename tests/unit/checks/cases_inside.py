"""The rows that are seen inside the container or from outside it; see cases.py for their form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lifecycle.command.values.mounts import BindEnds, MountAccess
from lifecycle.facts.inside import NOT_ASKED
from lifecycle.facts.model import Answer, Facts, RoundTrip
from lifecycle.machine.gpus import Gpu, Gpus
from tests.unit.checks.cases import ALL, Case, mount, port
from tests.unit.checks.samples import GPUS, SEEN, UNSEEN, having, inspected, said, seeing, world

MIG = Gpus(
    "nvml",
    (Gpu(0, "GPU-aa", "NVIDIA H100"), Gpu(0, "MIG-11", "NVIDIA H100 MIG 1g.10gb")),
)
ENDED = "it ended before it could be asked"


def smi(*uuids: str, gpus: Gpus = GPUS, error: str = "") -> Facts:
    """``nvidia-smi -L`` inside on a host with these GPUs; no uuids and an error: it failed."""
    lines = None if error else tuple(_smi_line(u) for u in uuids)
    inside = replace(SEEN, gpus=lines, gpu_error=error)
    return having(inspected(), inside, around=world(gpus))


def _smi_line(uuid: str) -> str:
    start = "  MIG 1g.10gb     Device  0" if uuid.startswith("MIG") else "GPU 0: NVIDIA H100"
    return f"{start}: (UUID: {uuid})" if "MIG" in start else f"{start} (UUID: {uuid})"


def tripped(**trip: Any) -> Facts:
    trips = {"/workspace": RoundTrip(**trip)}
    return having(inspected(), round_trips=trips)


INSIDE = [
    Case(
        said("-t", "container.tty", True, "inside"),
        seeing(),
        seeing(pid1_has_tty=False),
        having(inspected(), UNSEEN),
        ENDED,
    ),
    Case(
        said("-h", "container.hostname", "h1", "inside"),
        seeing(),
        seeing(hostname="h2"),
        having(inspected(), UNSEEN),
        ENDED,
    ),
    Case(
        said("-e", "container.env.A", "1", "inside"),
        seeing(),
        seeing(env={}),
        having(inspected(), UNSEEN),
        ENDED,
    ),
    Case(
        said("-w", "container.workdir", "/workspace/", "inside"),
        seeing(),
        seeing(cwd="/"),
        having(inspected(), UNSEEN),
        ENDED,
    ),
    Case(
        said("-u UID:GID", "container.user", "1500:1600", "inside"),
        seeing(),
        seeing(gid=0),
        having(inspected(), UNSEEN),
        ENDED,
    ),
    Case(said("-u NAME", "container.user", "kim", "inside"), seeing(), seeing(user_name="lee")),
    Case(said("-u NAME:GROUP", "container.user", "kim:kim", "inside"), seeing(), seeing(groups={})),
    Case(said("-u :GID", "container.user", ":1600", "inside"), seeing(), seeing(gid=0)),
    Case(
        said("--shm-size", "container.shm_size", 65536 * 1024 - 1, "inside"),
        seeing(),
        seeing(mounts=()),
        having(inspected(), UNSEEN),
        ENDED,
    ),
    Case(
        said("-v", "container.mount", mount("bind", "/nas/kim"), "inside"),
        seeing(),
        seeing(mounts=()),
        having(inspected(), UNSEEN),
        ENDED,
    ),
    Case(
        said("-v ro", "container.mount", mount("bind", "/x", "/ro", readonly=True), "inside"),
        seeing(),
        seeing(mounts=(replace(SEEN.mounts[2], options=frozenset({"rw"})),)),
    ),
    Case(
        said("-v", "container.mount.access", MountAccess("/d", readonly=False), "inside"),
        seeing(writes={"/d": ""}),
        seeing(writes={"/d": "Permission denied"}),
        seeing(),
        "no write was tried there",
    ),
    Case(
        said("-v ro", "container.mount.access", MountAccess("/d", readonly=True), "inside"),
        seeing(writes={"/d": "Read-only file system"}),
        seeing(writes={"/d": ""}),
        having(inspected(), UNSEEN),
        ENDED,
    ),
    Case(
        said("-v FILE", "container.mount.access", MountAccess("/d", readonly=False), "inside"),
        seeing(writes={"/d": ""}),
        seeing(writes={"/d": "Permission denied"}),
        seeing(writes={"/d": "Not a directory"}),
        "it is no folder, so no file was written in it (Not a directory)",
    ),
    Case(
        said("--gpus all", "container.gpus.visible", ALL, "inside"),
        smi("GPU-bb", "GPU-aa"),
        smi("GPU-aa"),
        having(inspected(), UNSEEN, around=world(GPUS)),
        ENDED,
    ),
    Case(
        said("--gpus, no driver here", "container.gpus.visible", ALL, "inside"),
        smi("GPU-aa", "GPU-bb"),
        smi(error="nvidia-smi is not in the container"),
        seeing(),
        "no NVIDIA driver on this machine",
    ),
    Case(
        said("--gpus, not asked", "container.gpus.visible", ALL, "inside"),
        smi("GPU-aa", "GPU-bb"),
        smi("GPU-aa", "GPU-cc"),
        smi(error=NOT_ASKED),
        "nobody asked for its GPUs",
    ),
    Case(
        said("--gpus 1", "container.gpus.visible", replace(ALL, count=1), "inside"),
        smi("GPU-bb"),
        smi("GPU-cc"),
    ),
    Case(
        said("--gpus 1, MIG", "container.gpus.visible", replace(ALL, count=1), "inside"),
        smi("GPU-aa", "MIG-11", gpus=MIG),
        smi("GPU-aa", "GPU-bb", gpus=GPUS),
    ),
    Case(
        said(
            "--gpus device=1",
            "container.gpus.visible",
            replace(ALL, count=0, devices=("1",)),
            "inside",
        ),
        smi("GPU-bb"),
        smi("GPU-aa"),
    ),
    Case(
        said(
            "--gpus device=MIG",
            "container.gpus.visible",
            replace(ALL, count=0, devices=("MIG-11",)),
            "inside",
        ),
        smi("GPU-aa", "MIG-11", gpus=MIG),
        smi("GPU-aa", gpus=MIG),
    ),
    Case(
        said("cp", "container.path", "/dst", "inside"),
        having(inspected(), paths={"/dst": True}),
        having(inspected(), paths={"/dst": False}),
        having(inspected()),
        "the path was not looked at",
    ),
]

OUTSIDE = [
    Case(
        said("-p", "container.port.answers", port(), "host"),
        having(inspected(), answers={"8080/tcp": Answer(True, "connected to 127.0.0.1:8080")}),
        having(inspected(), answers={"8080/tcp": Answer(False, "127.0.0.1:8080 hung up")}),
        having(inspected(), answers={"8080/tcp": Answer(None, "it is not published now")}),
        "it is not published now",
    ),
    Case(
        said(
            "-v",
            "container.mount.round_trip",
            BindEnds("/nas/kim", "/workspace"),
            "host",
        ),
        tripped(writer_uid=1500, inside_file_uid=1500, outside_file_uid=1500),
        tripped(writer_uid=0, inside_file_uid=65534, outside_file_uid=1500),
        tripped(writer_uid=0, inside_file_uid=None, outside_file_uid=None, untested="it is a file"),
        "it is a file",
    ),
    Case(
        said(
            "-v, refused",
            "container.mount.round_trip",
            BindEnds("/nas/kim", "/workspace"),
            "host",
        ),
        tripped(writer_uid=0, inside_file_uid=0, outside_file_uid=1500),
        tripped(writer_uid=0, inside_file_uid=None, outside_file_uid=None, error="no space"),
        having(inspected(), around=world(remaps_users="rootless")),
        "the engine remaps users (rootless), so uids differ on purpose",
    ),
]
