"""Every promise field's rule."""

from __future__ import annotations

from collections.abc import Mapping

from lifecycle.checks import (
    command_output,
    container,
    environment,
    execs,
    gpus,
    identity,
    image,
    lifetime,
    limits,
    logs,
    mount_options,
    mounts,
    namespaces,
    network,
    networks_volumes_images,
    ports,
    security,
)
from lifecycle.checks.rules import Rule, ThingRule

RULES: Mapping[str, Rule | ThingRule] = {
    **command_output.RULES,
    **container.RULES,
    **environment.RULES,
    **environment.THING_RULES,
    **execs.THING_RULES,
    **gpus.RULES,
    **identity.RULES,
    **image.RULES,
    **image.THING_RULES,
    **lifetime.RULES,
    **limits.RULES,
    **logs.RULES,
    **mount_options.RULES,
    **mounts.RULES,
    **namespaces.RULES,
    **network.RULES,
    **networks_volumes_images.RULES,
    **ports.RULES,
    **security.RULES,
}


def row_of(field: str) -> str:
    """The field whose rule judges a promise: ``container.env`` that of ``container.env.HOME``.

    Empty for a field that nothing judges.
    """
    while field and field not in RULES:
        field = field.rpartition(".")[0]
    return field
