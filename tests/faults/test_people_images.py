"""The library's Dockerfile makes the same person in every kind of base image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.engine.harness import Place, docker
from tests.engine.people import Person, build, dockerfile

pytestmark = pytest.mark.engine

# Images of other distributions can't be had everywhere, so these are in their manner.
PREPARED = """FROM {base}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      sudo vim-tiny busybox-static && rm -rf /var/lib/apt/lists/*
"""
UBUNTU = """FROM {prepared}
RUN groupadd -g 1000 ubuntu && useradd -m -u 1000 -g 1000 -G adm,sudo -s /bin/bash ubuntu && \
    echo mine > /home/ubuntu/kept
"""
ALPINE = """FROM {prepared}
RUN mkdir /store && mv /usr/sbin/useradd /usr/sbin/usermod /usr/sbin/groupadd /usr/bin/sudo \
      /bin/bash /store && rm -r /etc/skel /usr/bin/getent /usr/bin/apt-get /usr/sbin/adduser && \
    mkdir /busybox && busybox --install -s /busybox && ln -sf /bin/busybox /bin/sh && \
    printf '#!/bin/sh\\ntest "$1 $2" = "add --no-cache" && shift 2 || exit 2\\n\
for one; do case $one in bash|shadow|sudo|vim) ;; *) echo "no package $one"; exit 1;; esac; done\\n\
cd /store && mv useradd usermod groupadd /usr/sbin && mv sudo /usr/bin && mv bash /bin\\n\
' > /usr/bin/apk && chmod +x /usr/bin/apk
ENV PATH=/busybox:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""
FEDORA = """FROM {prepared}
RUN mkdir /store && mv /usr/bin/passwd /usr/bin/sudo /store && ln -sf bash /bin/sh && \
    rm /usr/bin/apt-get /usr/sbin/adduser /usr/sbin/addgroup && ln -s useradd /usr/sbin/adduser && \
    groupdel sudo && groupadd -g 10 wheel 2>/dev/null || groupmod -n wheel uucp; \
    printf '#!/bin/sh\\ntest "$1" = clean && exit 0\\ntest "$1 $2" = "install -y" && shift 2\\n\
for one; do case $one in --setopt=*|bash|shadow-utils|/usr/bin/passwd|sudo|vim-minimal) ;; \
*) echo "No match for argument: $one"; exit 1;; esac; done\\n\
cd /store && mv passwd sudo /usr/bin\\n' > /usr/bin/dnf && chmod +x /usr/bin/dnf
"""
NEITHER = """FROM {prepared}
RUN rm /usr/bin/apt-get /usr/bin/sudo
"""
KIM = Person("kim", 12345, 12345, "lab")
LOOK = """
id -u; id -g; id -un; id -gn; echo "$HOME"; stat -c '%u:%g' "$HOME"; touch ~/mine && echo mine
sudo -n true 2>&1 | tail -n 1; grep -c "^[^:]*:[^:]*:$(id -u):" /etc/passwd
"""


@dataclass(frozen=True)
class Bases:
    """Base images by their manner, and where more can be made."""

    place: Place
    names: dict[str, str]

    def of(self, manner: str, person: Person) -> list[str]:
        """What the image of a person answers, built on the base of that manner."""
        tag = f"{self.place.word}/of-{person.name}"
        build(tag, self.place.folder, dockerfile(self.names[manner], person))
        try:
            name = f"--name={self.place.word}-look"
            return docker("run", "--rm", name, tag, "bash", "-c", LOOK).splitlines()
        finally:
            docker("rmi", "-f", tag)


@pytest.fixture(scope="module")
def bases(shared_place: Place, base_image: str) -> Iterator[Bases]:
    """The base images, built once."""
    word, folder = shared_place.word, shared_place.folder
    prepared = f"{word}/prepared"
    build(prepared, folder, PREPARED.format(base=base_image))
    names = {"debian": prepared}
    manners = {"ubuntu": UBUNTU, "alpine": ALPINE, "fedora": FEDORA, "neither": NEITHER}
    for manner, text in manners.items():
        names[manner] = f"{word}/{manner}"
        build(names[manner], folder, text.format(prepared=prepared))
    yield Bases(shared_place, names)
    for name in reversed(names.values()):
        docker("rmi", "-f", name)


def expected(person: Person, group: str = "") -> list[str]:
    """The answers that are right: one user of that uid, who has a home and must say a password."""
    home = f"/home/{person.name}"
    ids = [str(person.uid), str(person.gid), person.name, group or person.group]
    owner = f"{person.uid}:{person.gid}"
    return [*ids, home, owner, "mine", "sudo: a password is required", "1"]


@pytest.mark.parametrize("manner", ["debian", "ubuntu", "alpine", "fedora"])
def test_a_person_is_made_in_an_image_of_each_family(bases: Bases, manner: str) -> None:
    assert bases.of(manner, KIM) == expected(KIM)


@pytest.mark.parametrize("manner", ["debian", "ubuntu", "alpine", "fedora"])
def test_the_uid_of_a_huge_directory_fits_each_family(bases: Bases, manner: str) -> None:
    kim = Person("kim", 1234567890, 1234567891, "lab")
    assert bases.of(manner, kim) == expected(kim)


def test_who_has_the_uid_and_the_gid_becomes_the_person(bases: Bases) -> None:
    kim = Person("kim", 1000, 1000, "kim")
    assert bases.of("ubuntu", kim) == expected(kim, group="ubuntu")


def test_who_has_the_uid_is_put_into_the_persons_group(bases: Bases) -> None:
    kim = Person("kim", 1000, 5000, "lab")
    assert bases.of("ubuntu", kim) == expected(kim)


def test_a_gid_that_another_group_has_is_used(bases: Bases) -> None:
    kim = Person("kim", 5000, 1000, "lab")
    assert bases.of("ubuntu", kim) == expected(kim, group="ubuntu")


def test_a_group_name_with_another_gid_is_left_alone(bases: Bases) -> None:
    kim = Person("kim", 5000, 5001, "ubuntu")
    assert bases.of("ubuntu", kim) == expected(kim, group="kim")


def test_a_group_name_that_no_image_allows_gives_way_to_the_persons(bases: Bases) -> None:
    kim = Person("kim", 5000, 5001, "domain users")
    assert bases.of("ubuntu", kim) == expected(kim, group="kim")


def test_a_name_with_another_uid_is_given_up(bases: Bases) -> None:
    ubuntu = Person("ubuntu", 5000, 5000, "lab")
    assert bases.of("ubuntu", ubuntu) == expected(ubuntu)


def test_a_name_and_a_uid_of_two_users_become_one(bases: Bases) -> None:
    backup = Person("backup", 1000, 1000, "lab")
    assert bases.of("ubuntu", backup) == expected(backup, group="ubuntu")


def test_a_base_of_no_known_family_is_told(bases: Bases) -> None:
    with pytest.raises(AssertionError, match="no apt-get, apk or dnf in the base image"):
        bases.of("neither", KIM)
