"""What the CLI refuses over several words together."""

from __future__ import annotations

from lifecycle.command.line import CommandError, DockerLine
from lifecycle.command.naming import container_of


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
