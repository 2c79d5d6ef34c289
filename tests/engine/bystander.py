"""Somebody else's things on the engine, and all of them that a command could change."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.engine.harness import docker


@dataclass
class Bystander:
    """Somebody's container, image, volume and network."""

    name: str
    id: str
    image_id: str

    def state(self) -> dict[str, Any]:
        """All of it that a command could change."""
        seen = json.loads(docker("inspect", self.id))[0]
        kept = ("Name", "State", "RestartCount", "HostConfig", "ExecIDs")
        networks = {k: v["EndpointID"] for k, v in seen["NetworkSettings"]["Networks"].items()}
        return {
            **{key: seen[key] for key in kept},
            "networks": networks,
            "image": self.tags(),
            "volume": docker("volume", "inspect", "-f", "{{.CreatedAt}}", f"{self.name}-v"),
            "network": docker("network", "inspect", "-f", "{{.Id}}", f"{self.name}-n"),
            "files": docker("exec", self.id, "ls", "-A", "/v"),
        }

    def tags(self) -> list[str]:
        """The image's id and its tags, but for those that other tests give it meanwhile."""
        shown = docker(
            "inspect", "-f", "{{.Id}}{{range .RepoTags}} {{.}}{{end}}", f"{self.name}/i:1"
        )
        mine = self.name.removesuffix("-by")
        return [t for t in shown.split() if mine in t or not re.match("t[0-9a-f]{12}", t)]

    def written(self, line: str, image: str) -> str:
        """A line with its words replaced: name, id, prefixes, image."""
        words = {
            "PREFIX": self.id[:12],
            "SHORT": self.id[:4],
            "IMAGE": image,
            "IID": self.image_id.removeprefix("sha256:")[:12],
            "ID": self.id,
            "BY": self.name,
        }
        for word, value in words.items():
            line = line.replace(word, value)
        return line


def made(word: str, image: str) -> Bystander:
    """Make them as a neighbour would."""
    docker("volume", "create", f"{word}-v")
    docker("network", "create", f"{word}-n")
    docker("tag", image, f"{word}/i:1")
    run = ("run", "-d", f"--name={word}", f"--network={word}-n", "-v", f"{word}-v:/v")
    identity = docker(*run, f"{word}/i:1", "sleep", "600")
    return Bystander(word, identity, docker("inspect", "-f", "{{.Id}}", f"{word}/i:1"))


def removed(one: Bystander) -> None:
    """The neighbour removes what they made, as far as it is there."""
    docker("rm", "-f", one.name, check=False)
    docker("rmi", f"{one.name}/i:1", check=False)
    docker("volume", "rm", f"{one.name}-v", check=False)
    docker("network", "rm", f"{one.name}-n", check=False)
