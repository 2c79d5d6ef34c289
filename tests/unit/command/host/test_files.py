"""A script that stands in the scenario is read as a line is, where a line runs it."""

from __future__ import annotations

import shlex

import pytest

from lifecycle.command.host.files import around_in_files

HOST = "set -e\nexport DOCKER_HOST=unix:///run/user/1000/docker.sock\ndocker rm -f web\n"
SUDO = "#!/usr/bin/env bash\n# cleans up\nsudo docker stop $(docker ps -aq)\n"
MAKE = "DATE := 1\nclean: all\n\t@sudo docker rm -f web\n"
EXPORT = "export DOCKER_HOST=tcp://gpu2:2375\nclean:\n\tdocker rm -f web\n"
PYTHON = "import docker\nc = docker.DockerClient(base_url='unix://var/run/docker.sock')\n"
INNER = "set -x\n. ./lib/env.sh\n"
PRUNE = "#!/bin/sh\n# sudo is not needed, see DOCKER_HOST\ndocker system prune -af\ncrontabs=1\n"
CLEAN = "all: web\n# sudo make all\nweb:\n\tdocker ps -aq | xargs docker rm\n"

AROUND = [
    ("bash clean.sh", {"clean.sh": HOST}, "clean.sh", "`unix:///run/user/1000/docker.sock`"),
    ("./clean.sh all", {"clean.sh": SUDO}, "./clean.sh", "`sudo` runs what follows as somebody"),
    ("sh -ex clean.sh", {"clean.sh": SUDO}, "clean.sh", "`sudo`"),
    (
        "timeout 60 bash ./clean.sh",
        {"clean.sh": "podman rm x"},
        "./clean.sh",
        "`podman` is another",
    ),
    ("bash -c 'true && source clean.sh'", {"clean.sh": HOST}, "clean.sh", "`unix://"),
    ("make clean", {"Makefile": MAKE}, "Makefile", "`sudo`"),
    ("make -f my.mk", {"my.mk": EXPORT}, "my.mk", "`DOCKER_HOST`"),
    ("python3 t.py", {"t.py": PYTHON}, "t.py", "`unix://var/run/docker.sock` is the engine"),
    ("./t.py", {"t.py": f"#!/usr/bin/env python3\n{PYTHON}"}, "./t.py", "`unix://"),
    ("bash a.sh", {"a.sh": INNER, "lib/env.sh": HOST}, "./lib/env.sh", "`unix://"),
]


def found(line: str, files: dict[str, str]) -> str:
    told = around_in_files(
        tuple(shlex.split(line)), lambda name: files.get(name.removeprefix("./"))
    )
    assert told is None or told.kind == "around"
    return told.sentence if told else ""


@pytest.mark.parametrize(("line", "files", "name", "why"), AROUND)
def test_a_written_script_that_gets_round_the_gate_is_found_where_it_is_run(
    line: str, files: dict[str, str], name: str, why: str
) -> None:
    sentence = found(line, files)
    assert f"in {name}, " in sentence
    assert why in sentence


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("bash clean.sh", {"clean.sh": PRUNE}),
        ("make clean", {"Makefile": CLEAN}),
        ("cat clean.sh", {"clean.sh": HOST}),
        ("bash other.sh", {"clean.sh": HOST}),
        ("bash clean.sh notes.txt", {"clean.sh": "cat $1\n", "notes.txt": "never use sudo\n"}),
        ("docker-compose up", {"docker-compose.yml": "environment: [DOCKER_HOST=x]\n"}),
        ("bash a.sh", {"a.sh": "bash a.sh\n"}),
    ],
)
def test_a_file_that_is_not_run_or_keeps_to_the_gate_is_left_to_the_gate(
    line: str, files: dict[str, str]
) -> None:
    assert not found(line, files)
