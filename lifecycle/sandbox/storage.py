"""Where a sandbox keeps images and containers, and how that is deleted for certain."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from lifecycle.machine.procfs import mount_lines
from lifecycle.sandbox.record import Record
from lifecycle.sandbox.shell import SandboxError, run

_GIB = 1 << 30
_PLENTY = 8 * _GIB
_MNT_DETACH = 2


def make(record: Record) -> int:
    """Have the sandbox's data in memory where there is plenty; returns its size in GiB or 0.

    Thousands of small files are made for an image and deleted with it: on a disk that trims
    each freed block, the end of a sandbox took longer than its use.
    """
    record.data_dir.mkdir(mode=0o711)
    size = _available() // 2
    if size * 2 < _PLENTY:
        return 0
    # Not /dev/shm: some machines mount it without exec or suid.
    options = f"size={size},mode=711"
    what = "the sandbox's data folder can't be made"
    run("mount", "-t", "tmpfs", "-o", options, record.name, str(record.data_dir), what=what)
    return size // _GIB


def _available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def delete(folder: Path) -> None:
    """Delete a folder once nothing is mounted on it or in it.

    A volume can be somebody's own folder, mounted there: what can't be unmounted is not deleted.
    """
    unmount(folder)
    if folder.exists():
        shutil.rmtree(folder)


def unmount(folder: Path) -> None:
    """Unmount everything on a folder or in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    for point in reversed(_mounted(folder)):
        if libc.umount2(point, _MNT_DETACH) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise SandboxError(f"{os.fsdecode(point)} can't be unmounted: {reason}")
    if _mounted(folder):
        raise SandboxError(f"something is being mounted in {folder}")


def _mounted(folder: Path) -> list[bytes]:
    """The mount points on a folder and in it, in the order they were mounted."""
    top = os.fsencode(folder)
    text = os.fsdecode(Path("/proc/self/mountinfo").read_bytes())
    points = [os.fsencode(line.target) for line in mount_lines(text)]
    return [point for point in points if point == top or point.startswith(top + b"/")]
