"""The base image: Debian, from a hub when one answers, otherwise made here."""

from __future__ import annotations

import hashlib
import os
import platform
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lifecycle.sandbox.cgroup import joined
from lifecycle.sandbox.dockerd import Engine
from lifecycle.sandbox.install import BASE, KEYRING, ensure
from lifecycle.sandbox.record import Record
from lifecycle.sandbox.shell import SandboxError, run

SUITE = "bookworm"
_HUB = "https://registry-1.docker.io/v2/"
_HUB_LIMIT = 3.0
_MIRROR = "http://deb.debian.org/debian"
_SECURITY = "http://deb.debian.org/debian-security"


def hub_answers() -> bool:
    """Whether Docker Hub can be reached, asked for three seconds at most.

    In a thread, because no limit of ours holds for looking up a name.
    """
    answers = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(_HUB, method="GET")
        try:
            urllib.request.urlopen(request, timeout=_HUB_LIMIT).close()  # noqa: S310, it is https
        except urllib.error.HTTPError as error:  # 401: it is there, and wants a token
            if error.headers.get("Docker-Distribution-Api-Version"):
                answers.set()
            error.close()
        except (OSError, ValueError):
            pass
        ended.set()

    ended = threading.Event()
    threading.Thread(target=ask, daemon=True).start()
    ended.wait(_HUB_LIMIT)
    return answers.is_set()


def key() -> str:
    """What a base image depends on: where the machine's packages come from, and its kind."""
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt").glob("sources.list.d/*"))]
    digest = hashlib.sha256()
    for file in sources:
        with suppress(OSError):
            digest.update(file.read_bytes())
    return f"{SUITE}-{platform.machine()}-{digest.hexdigest()[:12]}"


def make(
    record: Record, engine: Engine, image: str, *, hub: bool, say: Callable[[str], None]
) -> None:
    """Have the base image in the engine, under this name."""
    if hub:
        source = f"debian:{SUITE}"
        say(f"Pulling {source} from Docker Hub")
        try:
            engine.docker("pull", "--quiet", source, what=f"{source} can't be pulled")
        except SandboxError as error:
            say(f"{error}; making the base image here instead")
        else:
            engine.docker("tag", source, image, what="the base image can't be named")
            engine.docker("rmi", source, what="the base image can't be renamed")
            return
    ensure(BASE, say)
    say("Making the base image with mmdebstrap (about 15 s)")
    tar = record.data_dir / "base.tar"
    words = ("mmdebstrap", "--quiet", *_OPTIONS, "--keyring", str(KEYRING), SUITE, str(tar))
    temporary = {**os.environ, "TMPDIR": str(record.data_dir)}
    command = joined(record, *words, *sources())
    run(*command, what="mmdebstrap can't make the base image", environ=temporary)
    engine.docker(
        "import", "--change", 'CMD ["bash"]', str(tar), image, what="the base image can't be loaded"
    )
    tar.unlink()


# As in the hub's image: no translated package lists, and installs that don't wait for the disk.
# Without manuals it is pushed and pulled sooner.
_OPTIONS = (
    "--variant=minbase",
    "--format=tar",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
)


def sources() -> tuple[str, str, str]:
    """The lines of sources.list: the host's own mirrors, where it is a Debian with any."""
    mirror, security = _MIRROR, _SECURITY
    told = run(
        *("apt-get", "indextargets", "--format", "$(LABEL) $(COMPONENT) $(REPO_URI)"),
        "Created-By: Packages",
        what="apt-get can't tell the machine's mirrors",
    )
    for line in told.splitlines():
        label, _, rest = line.partition(" ")
        component, _, uri = rest.partition(" ")
        # Others (https without its certificates, a disk) would not work inside a bare image.
        if component == "main" and uri.startswith("http:"):
            if label == "Debian":
                mirror = uri
            elif label == "Debian-Security":
                security = uri
    return (
        f"deb {mirror} {SUITE} main",
        f"deb {mirror} {SUITE}-updates main",
        f"deb {security} {SUITE}-security main",
    )
