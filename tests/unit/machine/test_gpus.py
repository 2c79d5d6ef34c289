"""The GPUs of a machine."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pynvml
import pytest

from lifecycle.machine import gpus
from lifecycle.machine.gpus import Gpu, Gpus, host_gpus, parse_smi_list

SMI = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-48aeb943-9458-4282-da24-e5f49e0db44b)
  MIG 3g.20gb     Device  0: (UUID: MIG-a5bd5ac0-fb15-5a26-b3b4-6f8a3ec0b1d3)
  MIG 1g.5gb      Device  1: (UUID: MIG-GPU-48aeb943-9458-4282-da24-e5f49e0db44b/7/0)
GPU 1: NVIDIA GeForce RTX 3090 (Lab) (UUID: GPU-0e9b2e38-9d1c-6a1e-4b9a-f9fca5a6a4a1)
"""


def test_the_list_of_nvidia_smi_is_read_with_its_mig_devices() -> None:
    assert parse_smi_list(SMI) == (
        Gpu(0, "GPU-48aeb943-9458-4282-da24-e5f49e0db44b", "NVIDIA A100-SXM4-40GB"),
        Gpu(0, "MIG-a5bd5ac0-fb15-5a26-b3b4-6f8a3ec0b1d3", "NVIDIA A100-SXM4-40GB MIG 3g.20gb"),
        Gpu(
            0,
            "MIG-GPU-48aeb943-9458-4282-da24-e5f49e0db44b/7/0",
            "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
        ),
        Gpu(1, "GPU-0e9b2e38-9d1c-6a1e-4b9a-f9fca5a6a4a1", "NVIDIA GeForce RTX 3090 (Lab)"),
    )


@pytest.mark.parametrize("text", ["", "No devices found.\n", "NVIDIA-SMI has failed\n"])
def test_other_output_of_nvidia_smi_names_no_gpu(text: str) -> None:
    assert parse_smi_list(text) == ()


def test_a_list_with_carriage_returns_reads_the_same() -> None:
    assert parse_smi_list(SMI.replace("\n", "\r\n")) == parse_smi_list(SMI)


def test_simulated_gpus_say_so_in_their_names() -> None:
    found = host_gpus([{"name": "NVIDIA A100", "uuid": "GPU-1"}, {}, {"name": "SIMULATED X"}])
    assert found.source == "simulated"
    assert all("SIMULATED" in one.name for one in found.items)
    assert found.items[0] == Gpu(0, "GPU-1", "SIMULATED NVIDIA A100")
    assert len({one.uuid for one in found.items}) == 3


def test_a_sandbox_that_simulates_none_has_none() -> None:
    assert host_gpus([]) == Gpus("simulated", (), "the sandbox simulates no GPU")


def test_a_machine_without_a_driver_says_why_it_has_no_gpu() -> None:
    found = host_gpus()
    if found.items:
        pytest.skip("this machine has GPUs")
    assert found.source == "none"
    assert found.reason


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("LIBRARY_NOT_FOUND", "no NVIDIA driver on this machine: libnvidia-ml.so.1 was not found"),
        ("DRIVER_NOT_LOADED", "its kernel module is not loaded"),
        ("LIB_RM_VERSION_MISMATCH", "the machine needs a reboot"),
        ("NO_PERMISSION", "may not open the NVIDIA devices"),
        ("GPU_IS_LOST", "the NVIDIA driver cannot be asked: GPU is lost"),
    ],
)
def test_every_failure_of_the_driver_is_a_sentence(
    code: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise pynvml.NVMLError(getattr(pynvml, f"NVML_ERROR_{code}"))

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = host_gpus()
    assert found.source == "none"
    assert sentence in found.reason


def fake_smi(folder: Path, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_nvidia_smi_is_asked_where_the_library_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "_from_nvml", lambda: Gpus("none", (), "no library"))
    (tmp_path / "list").write_text(SMI)
    fake_smi(tmp_path, f'test "$1" = -L && /bin/cat {tmp_path}/list')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host_gpus() == Gpus("nvidia-smi", parse_smi_list(SMI))


def test_what_nvidia_smi_says_instead_of_a_list_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "_from_nvml", lambda: Gpus("none", (), "no library"))
    fake_smi(tmp_path, "echo NVIDIA-SMI has failed; exit 9")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host_gpus() == Gpus("none", (), "no library; nvidia-smi says: NVIDIA-SMI has failed")
