"""The verbs that act on containers."""

from __future__ import annotations

from dataclasses import replace

from lifecycle.command import name_rules, verb_promises
from lifecycle.command.flag_row import (
    HOST,
    INSPECT,
    SEEN_ON_HOST,
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
    switch,
    value,
    when_given,
)
from lifecycle.command.flags import checks
from lifecycle.command.flags.run import CLIENT, CREATE, RUN
from lifecycle.command.values import basic, detach_keys, env_files, logs

FORMAT = "how the answer is printed"
COPIED = "who owns the copy; expect: inside or host: files says it"
READ = "the verb's own promise reads it"

_CONTAINER = Arg("CONTAINER", name_rules.thing("container", "uses"))
_CONTAINERS = Arg("CONTAINER", name_rules.thing("container", "uses"), many=True)
_IMAGE = Arg("IMAGE", name_rules.image("uses"))
_COMMAND = Arg("COMMAND", optional=True, many=True)
_STARTED = Each("container.started", "container", "uses")


def _state(state: str) -> Each:
    return Each("container.state", "container", "uses", expected=state)


def _alias(name: str, *more: str) -> tuple[str, ...]:
    return tuple(f"container {n}" for n in (name, *more))


_FORMAT = (
    switch("--no-trunc", none=FORMAT),
    value("--format", none=FORMAT),
)
_PS: tuple[Flag, ...] = (
    *_FORMAT,
    switch("--all", "-a", none=FORMAT),
    many("--filter", "-f", read=basic.key_value, names=name_rules.filter_value, none=FORMAT),
    value("--last", "-n", read=basic.integer, none=FORMAT),
    switch("--latest", "-l", none=FORMAT),
    switch("--quiet", "-q", none=FORMAT),
    switch("--size", "-s", none=FORMAT),
)
_EXEC: tuple[Flag, ...] = (
    switch("--detach", "-d", none=CLIENT),
    value("--detach-keys", read=detach_keys.read, none=CLIENT),
    many("--env", "-e", read=basic.variable, says=(Says("exec.env", HOST, by_key),)),
    many("--env-file", says=(Says("exec.env", HOST, by_key),), lines=env_files.variables),
    switch("--interactive", "-i", says=(Says("exec.stdin", INSPECT),)),
    switch(
        "--privileged",
        says=(Says("exec.privileged", INSPECT),),
        untested="not every test machine may give all capabilities",
    ),
    switch("--tty", "-t", says=(Says("exec.tty", INSPECT),)),
    value("--user", "-u", says=(Says("exec.user", SEEN_ON_HOST),)),
    value("--workdir", "-w", says=(Says("exec.workdir", HOST),)),
)
_SIGNAL = value(
    "--signal",
    "-s",
    read=basic.signal_number,
    says=(Says("container.signal", HOST),),
)
_STOP: tuple[Flag, ...] = (
    replace(_SIGNAL, untested="engines before Docker 23 pass over it"),
    value(
        "--timeout",
        "-t",
        read=basic.integer,
        aliases=("--time",),
        none="how long it may take",
    ),
)
_UPDATED = frozenset(
    {"--blkio-weight", "--cpu-period", "--cpu-quota", "--cpu-rt-period", "--cpu-rt-runtime"}
    | {"--cpu-shares", "--cpus", "--cpuset-cpus", "--cpuset-mems", "--memory"}
    | {"--memory-reservation", "--memory-swap", "--pids-limit", "--restart"}
)
_UPDATE: tuple[Flag, ...] = (
    *(f for f in CREATE if f.long in _UPDATED),
    *(replace(f, source="hidden") for f in CREATE if f.long == "--kernel-memory"),
)

VERBS: tuple[Verb, ...] = (
    Verb(
        "run",
        RUN,
        (_IMAGE, _COMMAND),
        interspersed=False,
        aliases=_alias("run"),
        check=checks.a_network_is_described_once,
        does=makes(
            "container",
            needs_image=True,
            starts=True,
            touches=("container",),
            opens_on="start",
            command="container.command",
        ),
        sample="image COMMAND",
        special=verb_promises.made,
    ),
    Verb(
        "create",
        CREATE,
        (_IMAGE, _COMMAND),
        interspersed=False,
        aliases=_alias("create"),
        check=checks.a_network_is_described_once,
        does=makes(
            "container", needs_image=True, touches=("container",), command="container.command"
        ),
        sample="image COMMAND",
        special=verb_promises.made,
    ),
    Verb(
        "exec",
        _EXEC,
        (_CONTAINER, Arg("COMMAND"), Arg("ARG", optional=True, many=True)),
        interspersed=False,
        aliases=_alias("exec"),
        does=changes("container", opens_on="exec_start", command="exec.command"),
        sample="CONTAINER COMMAND",
        special=verb_promises.executed,
    ),
    Verb(
        "start",
        (
            switch("--attach", "-a", none=CLIENT),
            value("--checkpoint", none="where it goes on from; needs CRIU, which is experimental"),
            value("--checkpoint-dir", none="where the checkpoint is"),
            value("--detach-keys", read=detach_keys.read, none=CLIENT),
            switch("--interactive", "-i", none=CLIENT),
        ),
        (_CONTAINERS,),
        aliases=_alias("start"),
        says=(_STARTED,),
        does=changes("container", starts=True, opens_on="start"),
        sample="CONTAINER",
    ),
    Verb(
        "stop",
        _STOP,
        (_CONTAINERS,),
        aliases=_alias("stop"),
        says=(_state("exited"),),
        does=changes("container", ends=True),
        sample="CONTAINER",
    ),
    Verb(
        "restart",
        _STOP,
        (_CONTAINERS,),
        aliases=_alias("restart"),
        says=(
            _STARTED,
            Each("container.restarted", "container", "uses"),
        ),
        does=changes("container", ends=True, starts=True),
        sample="CONTAINER",
    ),
    Verb(
        "kill",
        (_SIGNAL,),
        (_CONTAINERS,),
        aliases=_alias("kill"),
        does=changes("container", ends=True),
        sample="CONTAINER",
        special=verb_promises.killed,
    ),
    Verb(
        "rm",
        (
            switch("--force", "-f", none="that it may be running"),
            switch("--link", "-l", none="a link by its two names is removed, no container"),
            switch("--volumes", "-v", says=(Says("container.volumes_removed", INSPECT),)),
        ),
        (Arg("CONTAINER", name_rules.thing("container", "destroys"), many=True),),
        aliases=_alias("rm", "remove"),
        says=(
            Each(
                "container.exists",
                "container",
                "destroys",
                expected=False,
                unless=("--link",),
            ),
        ),
        does=changes("container", ends=True),
        sample="CONTAINER",
    ),
    Verb(
        "rename",
        (),
        (
            Arg("CONTAINER", name_rules.thing("container", "destroys")),
            Arg("NEW_NAME", name_rules.new_container),
        ),
        aliases=_alias("rename"),
        says=(
            Each("container.exists", "container", "destroys", expected=False),
            Each("container.exists", "container", "creates"),
        ),
        does=changes("container", ends=True),
        sample="CONTAINER NEW",
        special=verb_promises.renamed,
    ),
    Verb(
        "pause",
        (),
        (_CONTAINERS,),
        aliases=_alias("pause"),
        says=(_state("paused"),),
        does=changes("container"),
        sample="CONTAINER",
    ),
    Verb(
        "unpause",
        (),
        (_CONTAINERS,),
        aliases=_alias("unpause"),
        says=(_state("running"),),
        does=changes("container"),
        sample="CONTAINER",
    ),
    Verb(
        "wait",
        (),
        (_CONTAINERS,),
        aliases=_alias("wait"),
        says=(Each("container.exit_printed", "container", "uses"),),
        does=changes("container"),
        sample="CONTAINER",
    ),
    Verb(
        "update",
        _UPDATE,
        (_CONTAINERS,),
        aliases=_alias("update"),
        does=changes("container"),
        sample="CONTAINER",
    ),
    Verb(
        "port",
        (),
        (_CONTAINER, Arg("PRIVATE_PORT", optional=True)),
        aliases=_alias("port"),
        does=looks_at("container"),
        sample="CONTAINER",
        special=verb_promises.port_listed,
    ),
    Verb(
        "top",
        (),
        (_CONTAINER, Arg("PS_OPTION", optional=True, many=True)),
        interspersed=False,
        aliases=_alias("top"),
        says=(Each("container.process_listed", "container", "uses"),),
        does=looks_at("container"),
        sample="CONTAINER",
    ),
    Verb(
        "logs",
        (
            switch("--details", none=FORMAT),
            switch("--follow", "-f", none=CLIENT),
            value("--since", read=logs.moment, says=(Says("container.log.since"),)),
            value(
                "--tail",
                "-n",
                read=logs.lines,
                says=(Says("container.log.tail", INSPECT, logs.last),),
            ),
            switch(
                "--timestamps", "-t", says=(Says("container.log.timestamps", INSPECT, when_given),)
            ),
            value("--until", read=logs.moment, says=(Says("container.log.until"),)),
        ),
        (_CONTAINER,),
        aliases=_alias("logs"),
        does=looks_at("container"),
        sample="CONTAINER",
        special=verb_promises.logged,
    ),
    Verb(
        "attach",
        (
            value("--detach-keys", read=detach_keys.read, none=CLIENT),
            switch("--no-stdin", none=CLIENT),
            switch("--sig-proxy", none=CLIENT),
        ),
        (_CONTAINER,),
        aliases=_alias("attach"),
        says=(Each("container.same_process", "container", "uses"),),
        does=changes("container", opens_on="attach"),
        sample="CONTAINER",
    ),
    Verb(
        "cp",
        (
            switch("--archive", "-a", none=COPIED),
            switch("--follow-link", "-L", none="which file is copied, not where to"),
            switch("--quiet", "-q", none=CLIENT),
        ),
        (Arg("SRC", name_rules.copied), Arg("DEST", name_rules.copied)),
        aliases=_alias("cp"),
        check=checks.one_side_is_a_container,
        does=changes("container"),
        sample="CONTAINER:/path copy",
        special=verb_promises.copied,
    ),
    Verb(
        "export",
        (value("--output", "-o", says=(Says("file.exists", HOST),)),),
        (_CONTAINER,),
        aliases=_alias("export"),
        does=changes("container", slow=True),
        sample="CONTAINER",
    ),
    Verb(
        "diff",
        (),
        (_CONTAINER,),
        aliases=_alias("diff"),
        does=looks_at("container"),
        sample="CONTAINER",
    ),
    Verb(
        "stats",
        (
            *_FORMAT,
            switch("--all", "-a", none=FORMAT),
            switch("--no-stream", none=FORMAT),
        ),
        (Arg("CONTAINER", name_rules.thing("container", "uses"), optional=True, many=True),),
        aliases=_alias("stats"),
        does=looks_at("container"),
        sample="",
    ),
    Verb(
        "ps",
        _PS,
        (),
        aliases=_alias("ls", "list", "ps"),
        does=looks_at("container"),
        sample="",
    ),
    Verb(
        "container inspect",
        (value("--format", "-f", none=FORMAT), switch("--size", "-s", none=FORMAT)),
        (_CONTAINERS,),
        does=looks_at("container"),
        sample="CONTAINER",
    ),
)
