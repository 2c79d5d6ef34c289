"""The GPUs of this machine: from its driver, from nvidia-smi, or simulated."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lifecycle.machine.secret_variables import without_secrets

Source = Literal["nvml", "nvidia-smi", "simulated", "none"]

SIMULATED = "SIMULATED"
"""Stands in the name of every GPU that is not real, so that no report can hide it."""

_SMI_LIMIT = 30
"""Seconds that nvidia-smi may take: a driver that hangs hangs it."""
_GPU_LINE = re.compile(r"^GPU (?P<index>\d+): (?P<name>.*?) \(UUID: (?P<uuid>[^)]+)\)")
_MIG_LINE = re.compile(r"^\s+MIG (?P<profile>\S+)\s+Device\s+\d+: \(UUID: (?P<uuid>[^)]+)\)")


@dataclass(frozen=True)
class Gpu:
    """One GPU, or one MIG device of it (which has the GPU's index and the profile in its name)."""

    index: int
    uuid: str
    name: str


@dataclass(frozen=True)
class Gpus:
    """The GPUs, the source that lists them, and why there is none."""

    source: Source
    items: tuple[Gpu, ...]
    reason: str = ""


def host_gpus(simulated: Sequence[Mapping[str, Any]] | None = None) -> Gpus:
    """The GPUs of this machine; those of a sandbox that simulates some, when given."""
    if simulated is not None:
        items = tuple(_simulated(place, one) for place, one in enumerate(simulated))
        return Gpus("simulated", items, "" if items else "the sandbox simulates no GPU")
    gpus = _from_nvml()
    if gpus.source == "nvml" or shutil.which("nvidia-smi") is None:
        return gpus
    return _from_smi(gpus.reason)


def parse_smi_list(text: str) -> tuple[Gpu, ...]:
    """The GPUs and MIG devices in the output of ``nvidia-smi -L``."""
    gpus: list[Gpu] = []
    parent = Gpu(0, "", "")
    for line in text.splitlines():
        if gpu := _GPU_LINE.match(line):
            parent = Gpu(int(gpu["index"]), gpu["uuid"], gpu["name"])
            gpus.append(parent)
        elif mig := _MIG_LINE.match(line):
            gpus.append(_mig(parent, mig["uuid"], mig["profile"]))
    return tuple(gpus)


def _mig(parent: Gpu, uuid: str, profile: str) -> Gpu:
    return Gpu(parent.index, uuid, f"{parent.name} MIG {profile}")


def _simulated(place: int, one: Mapping[str, Any]) -> Gpu:
    name = str(one.get("name") or f"{SIMULATED} GPU")
    if SIMULATED not in name:
        name = f"{SIMULATED} {name}"
    index = int(one.get("index", place))
    return Gpu(index, str(one.get("uuid") or f"GPU-{SIMULATED}-{index}"), name)


def _from_nvml() -> Gpus:
    # Imported here: it is 6,000 lines that most commands never need.
    try:
        import pynvml
    except ImportError:
        return Gpus("none", (), "the Python package nvidia-ml-py is not installed")
    try:
        pynvml.nvmlInit()
        try:
            items = tuple(_devices(pynvml))
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        return Gpus("none", (), _sentence(pynvml, error))
    if not items:
        return Gpus("none", (), "the NVIDIA driver works, but it finds no GPU in this machine")
    return Gpus("nvml", items)


def _devices(nvml: Any) -> Iterator[Gpu]:
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        gpu = Gpu(index, nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle))
        yield gpu
        yield from _mig_devices(nvml, handle, gpu)


def _mig_devices(nvml: Any, handle: Any, parent: Gpu) -> Iterator[Gpu]:
    try:
        enabled, _ = nvml.nvmlDeviceGetMigMode(handle)
        count = nvml.nvmlDeviceGetMaxMigDeviceCount(handle) if enabled else 0
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound):
        return
    for place in range(count):
        try:
            mig = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)
        except nvml.NVMLError_NotFound:  # a place that no device takes
            continue
        # NVML names it "NVIDIA A100-SXM4-40GB MIG 1g.5gb", nvidia-smi by the profile alone.
        profile = nvml.nvmlDeviceGetName(mig).rpartition("MIG ")[2]
        yield _mig(parent, nvml.nvmlDeviceGetUUID(mig), profile)


def _sentence(nvml: Any, error: Exception) -> str:
    if isinstance(error, nvml.NVMLError_LibraryNotFound):
        return "no NVIDIA driver on this machine: libnvidia-ml.so.1 was not found"
    if isinstance(error, nvml.NVMLError_DriverNotLoaded):
        return "the NVIDIA driver is installed, but its kernel module is not loaded"
    if isinstance(error, nvml.NVMLError_LibRmVersionMismatch):
        return (
            "the NVIDIA driver's library and its kernel module are of different versions;"
            " the machine needs a reboot after the driver was updated"
        )
    if isinstance(error, nvml.NVMLError_NoPermission):
        return "this user may not open the NVIDIA devices (/dev/nvidia*)"
    return f"the NVIDIA driver cannot be asked: {error}"


def _from_smi(nvml_reason: str) -> Gpus:
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"],  # noqa: S607 - found where the person would find it
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SMI_LIMIT,
            check=False,
            env=without_secrets(os.environ),
        )
    except subprocess.TimeoutExpired:
        return Gpus(
            "none",
            (),
            f"nvidia-smi did not answer within {_SMI_LIMIT} s: a GPU may hang",
        )
    except OSError as error:
        return Gpus("none", (), f"{nvml_reason}; nvidia-smi cannot be run: {error}")
    if items := parse_smi_list(done.stdout):
        return Gpus("nvidia-smi", items)
    output = " ".join((done.stdout + done.stderr).split())
    return Gpus("none", (), f"{nvml_reason}; nvidia-smi says: {output or 'nothing'}")
