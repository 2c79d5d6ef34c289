"""A registry with the base image in it, so that ``docker pull`` really pulls."""

from __future__ import annotations

import http.client
import io
import os
import platform
import re
import socket
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lifecycle.machine.network_namespace import socket_in
from lifecycle.sandbox import base_image
from lifecycle.sandbox.cache import Cache
from lifecycle.sandbox.dockerd import Engine
from lifecycle.sandbox.record import Record
from lifecycle.sandbox.shell import SandboxError, run, wait_until

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

PORT = 5000
REGISTRY = f"127.0.0.1:{PORT}"
BASE_IMAGE = f"{REGISTRY}/library/debian:{base_image.SUITE}"
LAB_IMAGE = f"{REGISTRY}/lab/base"
_IMAGE = "lifecycle/registry"
LAB_VERSIONS = ("1.0", "2.0")  # the last is latest
_PROGRAM = "/usr/bin/docker-registry"
_CONFIG_FILE = "/etc/registry.yml"
_FORMAT = 1  # of what is cached; a higher one makes all anew
_CONFIG = f"""\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: /var/lib/registry}}
  delete: {{enabled: true}}
http: {{addr: ":{PORT}"}}
"""
Say = Callable[[str], None]


def start(record: Record, engine: Engine, cache: Cache, apt_mirror: str, *, say: Say) -> None:
    """Have the registry answer, with the base images in it.

    They are made of what ``apt_mirror`` has, where the lab has one. The store is always a copy,
    so that nothing pushed into a sandbox gets into the cache.
    """
    shut = record.data_dir / "registry"
    shut.mkdir(mode=0o700)  # what is pushed is nobody else's to read
    store = shut / "store"
    store.mkdir()
    _load_image(record, engine, cache, say)
    _run(engine, store)
    name = f"store-{_FORMAT}-{base_image.key(apt_mirror)}.tar"
    if kept := cache.get(name):
        _unpack(kept, store)
    if not wait_until(partial(_answers, str(record.netns)), limit=20):
        raise SandboxError("the sandbox's registry gave no answer in 20 s")
    if kept:
        return
    with cache.making(name, lambda: say("Waiting for another sandbox's base image")):
        if kept := cache.get(name):
            _unpack(kept, store)
        else:
            _fill(record, engine, base_image.mirrors(apt_mirror), say=say)
            cache.put(name, partial(_pack, store))


def _pack(store: Path, part: Path) -> None:
    with tarfile.open(part, "w") as tar:
        tar.add(store, arcname=".")


def _unpack(kept: Path, store: Path) -> None:
    with tarfile.open(kept) as tar:
        # Our own archive, as it was packed. Debian 12's Python 3.11.2 knows no filters yet, and
        # later ones ask for a choice.
        tar.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        tar.extractall(store)  # noqa: S202


def _fill(record: Record, engine: Engine, mirrors: base_image.Mirrors, *, say: Say) -> None:
    """Push the base image and two versions of the lab's, then forget them here."""
    base_image.make(record, engine, BASE_IMAGE, mirrors, say=say)
    say("Pushing the base image into the sandbox's registry")
    versions = [f"{LAB_IMAGE}:{version}" for version in LAB_VERSIONS]
    container = engine.docker("create", BASE_IMAGE, what="the base image can't be used").strip()
    for image, version in zip(versions, LAB_VERSIONS, strict=True):
        change = f"ENV LAB_BASE={version}"
        what = f"{image} can't be made"
        engine.docker("commit", "--change", change, container, image, what=what)
    engine.docker("rm", container, what="a container can't be removed")
    latest = f"{LAB_IMAGE}:latest"
    engine.docker("tag", versions[-1], latest, what=f"{latest} can't be made")
    images = [BASE_IMAGE, *versions, latest]
    for image in images:
        engine.docker("push", "--quiet", image, what=f"{image} can't be pushed")
    engine.docker("rmi", *images, what="the base images can't be removed")


def _load_image(record: Record, engine: Engine, cache: Cache, say: Say) -> None:
    """Have the registry's own image in the engine."""
    name = f"registry-{_FORMAT}-{platform.machine()}.tar"
    kept = cache.get(name)
    if not kept:
        with cache.making(name, lambda: say("Waiting for another sandbox's registry image")):
            kept = cache.get(name) or cache.put(name, partial(_make_image, record))
    changes = (
        f'ENTRYPOINT ["{_PROGRAM}", "serve", "{_CONFIG_FILE}"]',
        "ENV OTEL_TRACES_EXPORTER=none",
        f"EXPOSE {PORT}",
    )
    flags = [word for change in changes for word in ("--change", change)]
    engine.docker("import", *flags, str(kept), _IMAGE, what="the registry's image can't be loaded")


def _make_image(record: Record, part: Path) -> None:
    """Debian's registry and the libraries it is linked with: no more is needed to serve."""
    folder = record.data_dir / "registry-package"
    folder.mkdir()
    apt = ("apt-get", "-q", "-o", "APT::Sandbox::User=root")
    download = (*apt, "download", "docker-registry")
    what = "Debian's docker-registry can't be fetched"
    try:
        run(*download, what=what, cwd=folder)
    except SandboxError:  # the lists of packages are missing, or older than the mirror
        run(*apt, "update", what="apt-get update failed")
        run(*download, what=what, cwd=folder)
    package = next(folder.glob("*.deb"))
    run("dpkg-deb", "--extract", str(package), str(folder), what="dpkg-deb can't unpack it")
    program = folder / _PROGRAM.removeprefix("/")
    linked = run("ldd", str(program), what="the registry's libraries can't be told")
    with tarfile.open(part, "w") as tar:
        tar.add(program, arcname=_PROGRAM)
        for library in re.findall(r"(/\S+) \(0x", linked):
            tar.add(Path(library).resolve(), arcname=library)
        config = tarfile.TarInfo(_CONFIG_FILE.removeprefix("/"))
        config.size = len(_CONFIG)
        tar.addfile(config, io.BytesIO(_CONFIG.encode()))


def _run(engine: Engine, store: Path) -> None:
    """Run the registry through testcontainers, as a service of any scenario is run.

    It listens on the loopback of the namespace alone: there the engine is, whose pulls and pushes
    reach it, and neither the host's users, nor other machines, nor containers.
    """
    with _testcontainers(engine) as container:
        registry = container(_IMAGE, docker_client_kw={"environment": engine.environ})
        registry.with_name("lifecycle-registry").with_kwargs(network_mode="host")
        registry.with_env("REGISTRY_HTTP_ADDR", REGISTRY)
        registry.with_volume_mapping(store, "/var/lib/registry", "rw").start()
        registry.get_docker_client().client.close()


@contextmanager
def _testcontainers(engine: Engine) -> Iterator[type[DockerContainer]]:
    """testcontainers, with no image of its own and no other engine than this one in mind.

    It can be told only through its module's settings and our environment, both put back.
    """
    from testcontainers.core.config import testcontainers_config as config
    from testcontainers.core.container import DockerContainer

    saved, environ = copy(config.__dict__), dict(os.environ)
    try:
        config.__dict__.update(
            _ryuk_disabled=True,
            hub_image_name_prefix="",
            tc_properties={},
            _docker_auth_config=None,
        )
        os.environ.update(engine.environ)
        yield DockerContainer
    except Exception as error:
        raise SandboxError(f"the sandbox's registry did not start: {error}") from error
    finally:
        config.__dict__.clear()
        config.__dict__.update(saved)
        os.environ.clear()
        os.environ.update(environ)


def _answers(netns: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
    try:
        connection.sock = socket_in(netns, socket.AF_INET, socket.SOCK_STREAM)
        connection.sock.settimeout(2)
        connection.sock.connect(("127.0.0.1", PORT))
        connection.request("GET", "/v2/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
