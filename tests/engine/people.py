"""People whom a test makes: an own /etc/passwd for what acts as them, and a Dockerfile for them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lifecycle.scenario.errors import Mark
from lifecycle.scenario.lab import Lab
from lifecycle.scenario.templates import library, render_file
from tests.engine.harness import Place, Ran, docker

PRIVATE = """
mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group || exit 99
if test -s "$3"; then mount --bind "$3" /etc/login.defs || exit 99; fi
shift 3 && exec "$@"
"""


@dataclass(frozen=True)
class Person:
    """Somebody, as NSS would tell of them; ``groups`` are the other ones, by their names."""

    name: str
    uid: int
    gid: int
    group: str
    groups: tuple[tuple[str, int], ...] = ()
    umask: str = ""
    home: str = ""


def dockerfile(base: str, person: Person) -> str:
    """What the library's template makes for a person."""
    me = {"name": person.name, "uid": person.uid, "gid": person.gid, "group": person.group}
    values = {"lab": Lab(base_image=base).model_dump(), "me": me}
    return render_file("user.Dockerfile.j2", library(), values, Mark("test", 1, 1))


def build(tag: str, folder: Path, text: str) -> None:
    """Build an image of a Dockerfile in a folder of its own, without cache or leftovers."""
    context = folder / f"build-{secrets.token_hex(4)}"
    context.mkdir()
    file = context / "dockerfile"
    file.write_text(text)
    docker("build", "-q", "--force-rm", "-t", tag, "-f", str(file), str(context))


def run_as(
    place: Place, person: Person, *words: str, caller: Mapping[str, str] | None = None
) -> Ran:
    """`lifecycle run --user` by root on a machine where NSS knows that person.

    Only these processes see them: their /etc/passwd is another one.
    """
    files = [_passwd(place, person), _group(place, person), place.folder / "login.defs"]
    files[2].write_text(f"UMASK {person.umask}\n" if person.umask else "")
    run = place.run_words("--user", person.name, *words)
    private = ("unshare", "-m", "--", "sh", "-c", PRIVATE, "sh", *map(str, files))
    place.environ.update(caller or {})
    with place.started(*private, *run) as process:
        return place.ended(process)


def _passwd(place: Place, person: Person) -> Path:
    home = Path(person.home or place.folder / "home")
    home.mkdir(exist_ok=True)
    os.chown(home, person.uid, person.gid)
    line = f"{person.name}:x:{person.uid}:{person.gid}::{home}:/bin/bash\n"
    file = place.folder / "passwd"
    file.write_text(Path("/etc/passwd").read_text() + line)
    return file


def _group(place: Place, person: Person) -> Path:
    lines = [f"{person.group}:x:{person.gid}:"]
    lines += [f"{name}:x:{gid}:{person.name}" for name, gid in person.groups]
    file = place.folder / "group"
    file.write_text("\n".join([Path("/etc/group").read_text().rstrip(), *lines, ""]))
    return file
