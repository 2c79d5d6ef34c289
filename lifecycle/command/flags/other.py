"""The verbs that act on networks, volumes, registries and the engine itself."""

from __future__ import annotations

from lifecycle.command import name_rules, verb_promises
from lifecycle.command.flag_row import (
    INSPECT,
    LOOKS,
    Arg,
    Each,
    Flag,
    Says,
    Verb,
    by_key,
    changes,
    looks_at,
    makes,
    many,
    pairs,
    switch,
    value,
)
from lifecycle.command.flags.container import FORMAT, READ
from lifecycle.command.flags.run import CREATE
from lifecycle.command.line import RefKind
from lifecycle.command.values import basic, networks

SWARM = "needs a swarm"
CLUSTER = "for volumes of a swarm only"
LOGIN = "what the client stores, not what the engine does"
PRUNED = "prune removes other people's things; remove yours by name"

_FILTER = many("--filter", "-f", read=basic.key_value, none=FORMAT)
_FORMAT = value("--format", none=FORMAT)
_FORMAT_F = value("--format", "-f", none=FORMAT)
_QUIET = switch("--quiet", "-q", none=FORMAT)
_NETWORK = Arg("NETWORK", name_rules.thing("network", "uses"))
_NETWORKS = Arg("NETWORK", name_rules.thing("network", "uses"), many=True)
_CONTAINER = Arg("CONTAINER", name_rules.thing("container", "uses"))

_NETWORK_CREATE: tuple[Flag, ...] = (
    switch("--attachable", says=(Says("network.attachable"),)),
    pairs("--aux-address", read=basic.pair, says=(Says("network.aux_address", INSPECT, by_key),)),
    value(
        "--config-from",
        says=(Says("network.config_from"),),
        names=name_rules.thing("network", "uses"),
    ),
    switch("--config-only", says=(Says("network.config_only"),)),
    value("--driver", "-d", says=(Says("network.driver"),)),
    many("--gateway", read=basic.address, says=(Says("network.gateway"),)),
    switch("--ingress", says=(Says("network.ingress"),), untested=SWARM),
    switch("--internal", says=(Says("network.internal"),)),
    many("--ip-range", read=basic.subnet, says=(Says("network.ip_range"),)),
    value("--ipam-driver", says=(Says("network.ipam_driver"),)),
    pairs("--ipam-opt", read=basic.pair, says=(Says("network.ipam_options", INSPECT, by_key),)),
    switch("--ipv4", says=(Says("network.ipv4"),), untested="the CLI refuses it before Docker 28"),
    switch("--ipv6", says=(Says("network.ipv6"),)),
    many("--label", read=basic.pair, says=(Says("network.labels", INSPECT, by_key),)),
    pairs("--opt", "-o", read=basic.pair, says=(Says("network.options", INSPECT, by_key),)),
    value("--scope", says=(Says("network.scope"),), untested=SWARM),
    many("--subnet", read=basic.subnet, says=(Says("network.subnet"),)),
)
_VOLUME_CREATE: tuple[Flag, ...] = (
    value("--availability", none=CLUSTER),
    value(
        "--driver",
        "-d",
        says=(Says("volume.driver"),),
        untested="kept, but never broken, where local is the only driver",
    ),
    value("--group", none=CLUSTER),
    many("--label", read=basic.pair, says=(Says("volume.labels", INSPECT, by_key),)),
    value("--limit-bytes", read=basic.size, none=CLUSTER),
    pairs("--opt", "-o", read=basic.pair, says=(Says("volume.options", INSPECT, by_key),)),
    value("--required-bytes", read=basic.size, none=CLUSTER),
    value("--scope", none=CLUSTER),
    pairs("--secret", none=CLUSTER),
    value("--sharing", none=CLUSTER),
    many("--topology-preferred", none=CLUSTER),
    many("--topology-required", none=CLUSTER),
    value("--type", none=CLUSTER),
    value("--name", names=name_rules.new_volume, none=READ, source="hidden"),
)
_PRUNE: tuple[Flag, ...] = (
    many("--filter", none=PRUNED),
    switch("--force", "-f", none=PRUNED),
)
_PRUNE_ALL: tuple[Flag, ...] = (*_PRUNE, switch("--all", "-a", none=PRUNED))
_TYPES = (
    *("config", "container", "image", "network", "node", "plugin", "secret", "service", "task"),
    "volume",
)

_CONNECTED = frozenset({"--ip", "--ip6", "--link", "--link-local-ip"})
"""Flags that say of a further network what those of run say of the first."""

NETWORK: tuple[Verb, ...] = (
    Verb(
        "network create",
        _NETWORK_CREATE,
        (Arg("NETWORK", name_rules.thing("network", "creates")),),
        says=(Each("network.exists", "network", "creates"),),
        does=makes("network"),
        sample="NETWORK",
    ),
    Verb(
        "network connect",
        (
            many("--alias", says=(Says("container.alias", INSPECT, networks.an_alias),)),
            many("--driver-opt", says=(Says("container.network_option"),)),
            value(
                "--gw-priority",
                read=basic.integer,
                says=(Says("container.gateway_priority"),),
                untested="the CLI refuses it before Docker 28",
            ),
            *(f for f in CREATE if f.long in _CONNECTED),
        ),
        (_NETWORK, _CONTAINER),
        does=changes("container", "network"),
        sample="NETWORK CONTAINER",
        special=verb_promises.connected,
    ),
    Verb(
        "network disconnect",
        (switch("--force", "-f", none="that it may be stopped"),),
        (_NETWORK, _CONTAINER),
        does=changes("container", "network"),
        sample="NETWORK CONTAINER",
        special=verb_promises.disconnected,
    ),
    Verb(
        "network rm",
        (switch("--force", "-f", none="that it may be missing"),),
        (Arg("NETWORK", name_rules.thing("network", "destroys"), many=True),),
        aliases=("network remove",),
        says=(Each("network.exists", "network", "destroys", expected=False),),
        does=changes("network", ends=True),
        sample="NETWORK",
    ),
    Verb(
        "network ls",
        (_FILTER, _FORMAT, switch("--no-trunc", none=FORMAT), _QUIET),
        aliases=("network list",),
        does=looks_at("network"),
        sample="",
    ),
    Verb(
        "network inspect",
        (_FORMAT_F, switch("--verbose", "-v", none=FORMAT)),
        (_NETWORKS,),
        does=looks_at("network"),
        sample="NETWORK",
    ),
)

VOLUME: tuple[Verb, ...] = (
    Verb(
        "volume create",
        _VOLUME_CREATE,
        (Arg("VOLUME", name_rules.new_volume, optional=True),),
        says=(Each("volume.exists", "volume", "creates"),),
        does=makes("volume"),
        sample="VOLUME",
    ),
    Verb(
        "volume rm",
        (switch("--force", "-f", none="that it may be missing"),),
        (Arg("VOLUME", name_rules.thing("volume", "destroys"), many=True),),
        aliases=("volume remove",),
        says=(Each("volume.exists", "volume", "destroys", expected=False),),
        does=changes("volume", ends=True),
        sample="VOLUME",
    ),
    Verb(
        "volume ls",
        (switch("--cluster", none=CLUSTER), _FILTER, _FORMAT, _QUIET),
        aliases=("volume list",),
        does=looks_at("volume"),
        sample="",
    ),
    Verb(
        "volume inspect",
        (_FORMAT_F,),
        (Arg("VOLUME", name_rules.thing("volume", "uses"), many=True),),
        does=looks_at("volume"),
        sample="VOLUME",
    ),
)

ENGINE: tuple[Verb, ...] = (
    Verb(
        "inspect",
        (
            _FORMAT_F,
            switch("--size", "-s", none=FORMAT),
            value("--type", read=basic.one_of(*_TYPES), none=FORMAT),
        ),
        (Arg("NAME|ID", name_rules.anything, many=True),),
        does=LOOKS,
        sample="NAME",
    ),
    Verb(
        "info",
        (_FORMAT_F,),
        aliases=("system info",),
        does=looks_at("engine"),
        sample="",
    ),
    Verb(
        "version",
        (_FORMAT_F,),
        aliases=("--version", "-v"),
        does=looks_at("engine"),
        sample="",
    ),
    Verb(
        "system df",
        (_FORMAT, switch("--verbose", "-v", none=FORMAT)),
        does=looks_at("engine"),
        sample="",
    ),
    Verb(
        "events",
        (_FILTER, _FORMAT, value("--since", none=FORMAT), value("--until", none=FORMAT)),
        aliases=("system events",),
        does=looks_at("engine"),
        sample="",
    ),
    Verb(
        "login",
        (
            value("--password", "-p", none=LOGIN),
            switch("--password-stdin", none=LOGIN),
            value("--username", "-u", none=LOGIN),
        ),
        (Arg("SERVER", optional=True),),
        does=looks_at("engine"),
        sample="",
    ),
    Verb(
        "logout",
        (),
        (Arg("SERVER", optional=True),),
        does=looks_at("engine"),
        sample="",
    ),
)

_PRUNED: dict[RefKind, tuple[Flag, ...]] = {
    "container": _PRUNE,
    "image": _PRUNE_ALL,
    "network": _PRUNE,
    "volume": _PRUNE_ALL,
}

PRUNE: tuple[Verb, ...] = (
    *(
        Verb(
            f"{kind} prune",
            flags,
            refused=PRUNED,
            does=changes(kind, ends=True),
            sample="",
        )
        for kind, flags in _PRUNED.items()
    ),
    Verb(
        "system prune",
        (*_PRUNE_ALL, switch("--volumes", none=PRUNED)),
        refused=PRUNED,
        does=changes("container", "image", "volume", "network", ends=True),
        sample="",
    ),
    Verb(
        "builder prune",
        (*_PRUNE_ALL, value("--keep-storage", read=basic.size, none=PRUNED)),
        refused=PRUNED,
        does=changes("image", ends=True),
        sample="",
    ),
)

VERBS: tuple[Verb, ...] = (*NETWORK, *VOLUME, *ENGINE, *PRUNE)
