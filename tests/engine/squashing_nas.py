"""A NAS that squashes root, for tests: a folder served through FUSE, each request as its caller.

Whoever asks is acted for with their own uid and groups, and root as nobody, as an NFS server with
`root_squash` does; the file system behind it decides. Run it: EXPORT MOUNTPOINT, as root.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NOBODY = 65534
HEADER = struct.Struct("<IIQQIIII")
ATTR = struct.Struct("<6Q10I")
WRITES = 1 << 16
READY = "serving"
FLAGS = 2 | 4  # nosuid, nodev
NAMED = "<QQQQII"  # the head of an entry: nothing in it may be cached


def _attributes(path: str) -> bytes:
    s = os.lstat(path)
    whole = (int(s.st_atime), int(s.st_mtime), int(s.st_ctime))
    owner = (s.st_mode, s.st_nlink, s.st_uid, s.st_gid, 0, s.st_blksize, 0)
    return ATTR.pack(s.st_ino, s.st_size, s.st_blocks, *whole, 0, 0, 0, *owner)


def _groups(pid: int) -> list[int]:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("Groups:"):
                return [int(g) for g in line.split()[1:]]
    return []


@contextmanager
def _as_caller(uid: int, gid: int, pid: int) -> Iterator[None]:
    """Act as who asks; as nobody for root."""
    os.setgroups([] if uid == 0 else _groups(pid))
    os.setegid(gid if uid else NOBODY)
    os.seteuid(uid or NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _name(body: bytes, at: int = 0) -> str:
    return os.fsdecode(body[at:].split(b"\0")[0])


class Served:
    """The exported folder: requests by their opcode, each a method that returns the answer."""

    def __init__(self, export: str) -> None:
        self._paths = {1: export}
        self._open: dict[int, int] = {}
        self.asked: dict[int, Callable[[int, bytes], bytes | None]] = {
            1: self._lookup,
            2: lambda *_: None,  # forget
            3: lambda node, _: self._attr(node),
            4: self._setattr,
            5: lambda node, _: os.fsencode(os.readlink(self._paths[node])),  # noqa: PTH115 - bytes
            6: self._symlink,
            8: self._mknod,
            9: self._mkdir,
            10: lambda node, body: self._gone(os.unlink, node, body),
            11: lambda node, body: self._gone(os.rmdir, node, body),
            12: lambda node, body: self._rename(node, body, 8),
            14: self._opened,
            15: self._read,
            16: self._write,
            17: lambda *_: struct.pack("<5Q10I", *[1 << 20] * 5, 4096, 255, 4096, *[0] * 7),
            18: self._release,
            20: lambda *_: b"",  # fsync
            25: lambda *_: b"",  # flush
            26: lambda *_: struct.pack("<4I2H2I2H8I", 7, 31, WRITES, 0, 9, 9, WRITES, 1, *[0] * 10),
            27: lambda node, _: self._listed(node),
            28: self._list,
            29: lambda *_: b"",  # releasedir
            34: self._access,
            35: self._create,
            42: lambda *_: None,  # batch forget
            45: lambda node, body: self._rename(node, body, 16),
        }

    def _child(self, node: int, name: str) -> str:
        return f"{self._paths[node]}/{name}"

    def _entry(self, path: str) -> bytes:
        attributes = _attributes(path)
        known = next((n for n, p in self._paths.items() if p == path), None)
        node = known or max(self._paths) + 1
        self._paths[node] = path
        return struct.pack(NAMED, node, 0, 0, 0, 0, 0) + attributes

    def _lookup(self, node: int, body: bytes) -> bytes:
        return self._entry(self._child(node, _name(body)))

    def _attr(self, node: int) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + _attributes(self._paths[node])

    def _setattr(self, node: int, body: bytes) -> bytes:
        valid, _, _, size, _, atime, mtime = struct.unpack_from("<IIQQQQQ", body)
        mode, _, uid, gid = struct.unpack_from("<IIII", body, 68)
        path = self._paths[node]
        if valid & 6:
            os.lchown(path, uid if valid & 2 else -1, gid if valid & 4 else -1)
        if valid & 1:
            os.chmod(path, mode & 0o7777)  # noqa: PTH101 - a path
        if valid & 8:
            os.truncate(path, size)
        if valid & 0x180:
            os.utime(path)
        elif valid & 0x30:
            os.utime(path, (atime, mtime))
        return self._attr(node)

    def _symlink(self, node: int, body: bytes) -> bytes:
        path = self._child(node, _name(body))
        os.symlink(_name(body, body.index(b"\0") + 1), path)  # noqa: PTH211 - a path
        return self._entry(path)

    def _mknod(self, node: int, body: bytes) -> bytes:
        path = self._child(node, _name(body, 16))
        os.mknod(path, *struct.unpack_from("<II", body))
        return self._entry(path)

    def _mkdir(self, node: int, body: bytes) -> bytes:
        path = self._child(node, _name(body, 8))
        os.mkdir(path, struct.unpack_from("<I", body)[0])  # noqa: PTH102 - a path
        return self._entry(path)

    def _gone(self, remove: Callable[[str], None], node: int, body: bytes) -> bytes:
        path = self._child(node, _name(body))
        remove(path)
        self._paths = {n: p for n, p in self._paths.items() if p != path}
        return b""

    def _rename(self, node: int, body: bytes, at: int) -> bytes:
        old = self._child(node, _name(body, at))
        folder = struct.unpack_from("<Q", body)[0]
        new = self._child(folder, _name(body, body.index(b"\0", at) + 1))
        os.rename(old, new)  # noqa: PTH104 - a path
        self._paths = {n: new if p == old else p for n, p in self._paths.items() if p != new}
        return b""

    def _handle(self, file: int) -> bytes:
        handle = max(self._open, default=0) + 1
        self._open[handle] = file
        return struct.pack("<QII", handle, 1, 0)  # 1: past the kernel's cache

    def _opened(self, node: int, body: bytes) -> bytes:
        flags = struct.unpack_from("<I", body)[0]
        return self._handle(os.open(self._paths[node], flags & ~os.O_APPEND))

    def _create(self, node: int, body: bytes) -> bytes:
        flags, mode = struct.unpack_from("<II", body)
        path = self._child(node, _name(body, 16))
        file = os.open(path, (flags & ~os.O_APPEND) | os.O_CREAT, mode & 0o7777)
        return self._entry(path) + self._handle(file)

    def _read(self, _: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(self._open[handle], size, offset)

    def _write(self, _: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        done = os.pwrite(self._open[handle], body[40 : 40 + size], offset)
        return struct.pack("<II", done, 0)

    def _release(self, _: int, body: bytes) -> bytes:
        os.close(self._open.pop(struct.unpack_from("<Q", body)[0]))
        return b""

    def _listed(self, node: int) -> bytes:
        os.listdir(self._paths[node])  # noqa: PTH208 - whether they may
        return struct.pack("<QII", 0, 0, 0)

    def _list(self, node: int, body: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        answer = b""
        for at, name in enumerate([".", "..", *os.listdir(self._paths[node])], 1):  # noqa: PTH208
            raw = os.fsencode(name)
            entry = struct.pack("<QQII", at, at, len(raw), 0) + raw
            entry += b"\0" * (-len(entry) % 8)
            if at > offset and len(answer) + len(entry) <= size:
                answer += entry
        return answer

    def _access(self, node: int, body: bytes) -> bytes:
        wanted = struct.unpack_from("<I", body)[0]
        if not os.access(self._paths[node], wanted, effective_ids=True):
            raise PermissionError(errno.EACCES, "")
        return b""


def _answer(served: Served, request: bytes) -> bytes | None:
    _, opcode, unique, node, uid, gid, pid, _ = HEADER.unpack_from(request)
    try:
        if opcode not in served.asked:
            raise OSError(errno.ENOSYS, "")  # noqa: TRY301 - as any other failure
        with _as_caller(uid, gid, pid):
            body = served.asked[opcode](node, request[HEADER.size :])
    except OSError as error:
        return struct.pack("<IiQ", 16, -(error.errno or errno.EIO), unique)
    except (KeyError, ValueError):
        return struct.pack("<IiQ", 16, -errno.ESTALE, unique)
    return None if body is None else struct.pack("<IiQ", 16 + len(body), 0, unique) + body


def main(export: str, mountpoint: str) -> None:
    """Mount and serve until SIGTERM."""
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    if libc.mount(b"nas:/home", mountpoint.encode(), b"fuse.nas", FLAGS, options):
        raise OSError(ctypes.get_errno(), "mount")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.umask(0)
    served = Served(export)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    try:
        while True:
            answer = _answer(served, os.read(device, WRITES + 4096))
            if answer is not None:
                with suppress(FileNotFoundError):  # the caller was interrupted meanwhile
                    os.write(device, answer)
    finally:
        libc.umount2(mountpoint.encode(), 2)


if __name__ == "__main__":
    main(*sys.argv[1:])
