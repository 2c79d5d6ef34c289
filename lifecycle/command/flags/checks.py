"""What the CLI refuses over several words together."""

from __future__ import annotations

from lifecycle.command.line import CommandError, DockerLine
from lifecycle.command.name_rules import container_of
from lifecycle.command.values.networks import network


def one_side_is_a_container(line: DockerLine) -> None:
    """Docker cp copies between the host and one container."""
    source, destination = (container_of(a) for a in line.args)
    if source and destination:
        raise CommandError(
            "copying between containers is not supported",
            word=line.first_arg,
            hint="copy to a file here first",
        )
    if not source and not destination:
        raise CommandError(
            "docker cp copies from or to a container, and neither side names one",
            word=line.first_arg,
            hint="write CONTAINER:PATH on one side",
        )


_PER_NETWORK = {
    "alias": "--network-alias",
    "ip": "--ip",
    "ip6": "--ip6",
    "link-local-ip": "--link-local-ip",
    "mac-address": "--mac-address",
}
"""Keys of the long form of --network, and the flags that say the same of the first network."""


def a_network_is_described_once(line: DockerLine) -> None:
    """What the first --network says itself, no flag beside it may say too."""
    first = next((o for o in line.options if o.flag == "--network"), None)
    attachment = network(first.value) if first else None
    for key, flag in _PER_NETWORK.items():
        beside = next((o for o in line.options if o.flag == flag), None)
        if attachment and attachment.values(key) and beside:
            raise CommandError(
                f"conflicting options: cannot specify both {flag} and per-network {key}",
                word=beside.word,
                hint=f"write {key} in one of the two places",
            )
