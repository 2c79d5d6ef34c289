"""Simulated GPUs, through the path that real ones take.

dockerd runs a program named ``nvidia-container-runtime-hook``, looked up on its own PATH,
before the first process of a container that was given GPUs. Ours is ``hook.py``.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

from lifecycle.sandbox.info import SimulatedGpu
from lifecycle.sandbox.record import Record

HOOK = "nvidia-container-runtime-hook"


def simulated(record: Record, count: int) -> tuple[SimulatedGpu, ...]:
    """So many GPUs, which nobody can take for real ones."""
    return tuple(
        SimulatedGpu(index, f"GPU-sim-{record.id}-{index:04d}", "SIMULATED H100")
        for index in range(count)
    )


def install_hook(record: Record, gpus: tuple[SimulatedGpu, ...]) -> Path:
    """Write the hook and return the folder that must come first on dockerd's PATH."""
    folder = record.data_dir / "bin"
    folder.mkdir()
    if gpus:
        listed = folder / "gpus.json"
        listed.write_text(json.dumps([asdict(gpu) for gpu in gpus]))
        program = Path(__file__).with_name("hook.py")
        words = shlex.join([sys.executable, "-IS", str(program), str(listed)])
        hook = folder / HOOK
        hook.write_text(f"#!/bin/sh\nexec {words}\n")
        hook.chmod(0o755)
    return folder
