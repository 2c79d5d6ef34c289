"""What may be mounted of the machine: nothing behind which the engine's own lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lifecycle.run.requests.mounts import (
    behind,
    first_missing,
    folders,
    kind_objection,
    link_objection,
    objection,
)

OWN = ("/run/docker.sock", "/srv/data")


@pytest.mark.parametrize(
    "source",
    [
        "/srv/data",
        "/srv/data/volumes/v/_data",
        "/srv",
        "/",
        "//srv/./x/../data/",
        "/run/docker.sock",
    ],
)
@pytest.mark.parametrize("real", [True, False])
def test_a_path_that_is_holds_or_is_in_a_place_of_the_engine_is_refused(
    source: str,
    real: bool,  # noqa: FBT001
) -> None:
    assert "is the engine's own" in objection(source, OWN, real=real)


@pytest.mark.parametrize(
    "source", ["/proc", "/proc/sys", "/sys/", "/sys/fs/cgroup", "/dev", "/dev/pts/0", "//sys"]
)
@pytest.mark.parametrize("real", [True, False])
def test_what_the_kernel_shows_of_everybody_is_mounted_nowhere(
    source: str,
    real: bool,  # noqa: FBT001
) -> None:
    assert "everybody's programs" in objection(source, OWN, real=real)


@pytest.mark.parametrize(
    "kind", ["proc", "sysfs", "cgroup", "cgroup2", "devpts", "debugfs", "securityfs", "what"]
)
@pytest.mark.parametrize("key", ["type", "Type"])
def test_a_volume_of_the_kernel_s_own_is_not_made(key: str, kind: str) -> None:
    assert f"a volume of type {kind} is not made" in kind_objection({key: kind})


@pytest.mark.parametrize("kind", ["", "none", "tmpfs", "nfs", "nfs4", "cifs", "ext4", "fuse.sshfs"])
def test_one_of_folders_disks_and_servers_is(kind: str) -> None:
    assert kind_objection({"type": kind}) == kind_objection({"o": "size=1m"}) == ""


@pytest.mark.parametrize(
    "source",
    [
        "/srv/database",
        "/home",
        "/run/docker.sock.old",
        "/dev/shm",
        "/dev/dri",
        "/process",
        "/system",
    ],
)
def test_a_path_beside_them_is_not(source: str) -> None:
    assert objection(source, OWN, real=True) == ""


@pytest.mark.parametrize(
    "source",
    ["/proc/self/cwd", "/proc/1/root", "/proc/thread-self/root/x", "/proc/x/../self/fd/3", "LINK"],
)
def test_a_path_through_a_process_s_folder_means_something_else_to_the_engine(
    source: str, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to("/proc/self")
    asked = source.replace("LINK", f"{tmp_path}/link/cwd")
    assert "a process's folder" in objection(asked, OWN, real=True)


def test_links_are_followed_as_the_engine_follows_them(tmp_path: Path) -> None:
    own = tmp_path / "engine"
    (own / "deep").mkdir(parents=True)
    (tmp_path / "to").symlink_to("engine/deep")
    (tmp_path / "again").symlink_to(f"{tmp_path}/to")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("to", "again", "to/..", "again/x/.."):
        assert "engine's own" in objection(f"{tmp_path}/{name}", (str(own),), real=True), name
    assert objection(f"{tmp_path}/loop", (str(own),), real=True) != ""
    assert objection(f"{tmp_path}/new", (str(own),), real=True) == ""


@pytest.mark.parametrize("source", ["/x\0y", "/" + "x" * 300])
def test_a_path_that_can_t_be_one_is_refused_in_a_sentence(source: str) -> None:
    assert "a mount of" in objection(source, OWN, real=True)


def test_a_link_that_only_the_engine_can_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(_path: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "readlink", closed)
    assert "can't be followed" in objection(f"{tmp_path}/closed/link", OWN, real=True)


def test_a_disk_of_the_machine_is_no_folder(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    try:
        os.mknod(disk, 0o060600, os.makedev(7, 0))
    except PermissionError:  # as anybody but root: one that is there
        disk = next(d for d in Path("/dev").iterdir() if d.is_block_device())
    assert "is a disk" in objection(str(disk), OWN, real=True)


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ({"type": "none", "o": "bind", "device": "/srv/data"}, {"/srv/data"}),
        ({"type": "nfs", "o": "bind", "device": "srv/data"}, {"/srv/data"}),
        ({"Device": "/srv/data"}, {"/srv/data"}),
        ({"type": "overlay", "o": "lowerdir=/a:/srv/data"}, {"/a", "/srv/data"}),
        ({"o": "ro,upperdir=srv/data,workdir=/w"}, {"/srv/data", "/w"}),
        ({"o": "lowerdir=/s\\rv/data"}, {"/srv/data"}),
        ({"mountpoint": "/srv/data"}, {"/srv/data"}),
        ({"o": "dir=a=/srv/data"}, {"/a", "/srv/data"}),
        ({"o": "bind,/srv/data"}, {"/srv/data"}),
        ({"device": ""}, set()),
        ({"type": "tmpfs", "o": "size=1m,uid=1000"}, set()),
        ({"type": "nfs", "o": "addr=10.0.0.1,rw", "device": ":/srv/data"}, {"/:/srv/data"}),
    ],
)
def test_what_a_volume_s_options_mount_is_looked_at_in_every_spelling(
    options: dict[str, str], paths: set[str]
) -> None:
    assert set(behind(options)) == paths


def test_a_container_mounts_its_binds_and_what_its_volumes_are_made_of() -> None:
    mount = {
        "Type": "volume",
        "Target": "/x",
        "VolumeOptions": {"DriverConfig": {"Options": {"device": "/d"}}},
    }
    host = {"Binds": ["/a:/b", "name:/c"], "Mounts": [mount, {"Type": "bind", "Source": "/e"}]}
    assert set(folders({"HostConfig": host})) == {"/a", "/d", "/e"}


def test_of_a_path_that_is_not_there_the_uppermost_folder_is_what_the_engine_makes(
    tmp_path: Path,
) -> None:
    (tmp_path / "there").mkdir()
    assert first_missing(f"{tmp_path}/there") == ""
    assert first_missing(f"{tmp_path}/there/new/deep") == f"{tmp_path}/there/new"
    assert first_missing(f"{tmp_path}/there/../new/") == f"{tmp_path}/new"


def test_a_container_that_is_started_again_by_the_engine_mounts_no_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    assert link_objection(f"{tmp_path}/there") == ""
    assert link_objection(f"{tmp_path}/new") == ""
    for source in ("link", "link/deep", "there/../link"):
        assert f"name {tmp_path}/there" in link_objection(f"{tmp_path}/{source}"), source
    assert "a process's folder" in link_objection("/proc/self/cwd")


@pytest.mark.parametrize(
    "place",
    [
        *("/run/systemd", "/run/dbus/x", "/run/podman", "/run/netns/y", "/run/buildkit"),
        *("/run/user", "/run/user/1000", "/run/user/0/podman/podman.sock", "/var/lib"),
        *("/var/lib/containers/storage", "/var/lib/lxd/unix.socket", "/var/snap/lxd/common"),
        *("/var/snap", "//run/user/1000", "/run/./user/../user/7"),
        *("/var/run/user/7", "/var/run/systemd/private"),
    ],
)
def test_where_a_service_of_the_machine_is_spoken_to_is_mounted_nowhere(place: str) -> None:
    assert "a service of the machine" in objection(place, OWN, real=False)


@pytest.mark.parametrize(
    "place",
    [
        "/run/users",
        "/run/lock",
        "/var/lib/mysql",
        "/var/lib/containersx",
        "/var/snap/lxdx",
        "/home",
    ],
)
def test_a_folder_beside_it_is(place: str) -> None:
    assert objection(place, OWN, real=False) == ""
