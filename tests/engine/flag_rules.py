"""Which flags go together in one line, which are in none, and what may honestly go unseen."""

from __future__ import annotations

from dataclasses import dataclass

NOT_DRAWN = {
    "--name": "it is in every line, and hold passes over it: NAME stands for it",
    "--cidfile": "a file that the making leaves; hold looks at what is there later",
    "--gpus": "only an engine with a toolkit takes it: tests/engine/test_gpus.py",
}
"""Flags of run and create that promise something and are not drawn, with the reason."""

EXEC_NOT_DRAWN = {
    "--interactive": "each exec that is drawn has -d, which attaches no standard input",
}
"""The same of exec."""

HONEST = (
    "^nobody tried to connect$",
    "^no write was tried there$",
    "^no file was sent through it$",
    "^the container is not running",
    "^it is not running$",
    "^on a user's network the engine's own resolver",
    "^process 1 is another's, as the container has no process numbers of its own$",
    "^its cgroup namespace hides the path$",
    "can't be read inside$",
)
"""Why something may not have been seen: hold neither writes nor connects, the rest is rare."""


@dataclass(frozen=True)
class Apart:
    """Two things of a line that do not go together: ``--flag``, or ``--flag PATTERN``."""

    one: str
    others: tuple[str, ...]
    why: str


_NOT_OWN = "--network (bridge|host|none|container:.*)"
APART = (
    Apart("--rm true", ("--restart (always|unless-stopped|on-failure.*)",), "refused by the CLI"),
    Apart("--cpus", ("--cpu-period", "--cpu-quota"), "refused: two ways to say one thing"),
    Apart("--no-healthcheck true", ("--health-.*",), "refused by the CLI"),
    Apart("--ip", (_NOT_OWN,), "only a network of one's own gives the address that is asked for"),
    Apart("--ip6", (_NOT_OWN,), "as --ip"),
    Apart("--link-local-ip", (_NOT_OWN,), "as --ip"),
    Apart("--network-alias", (_NOT_OWN,), "as --ip"),
    Apart("--log-driver none", ("--log-opt",), "refused: that driver has no options"),
    Apart("--uts host", ("--hostname", "--domainname"), "refused: the name is the machine's"),
    Apart(
        "--shm-size",
        ("--ipc (none|host|container:.*)",),
        "taken, and broken: there is then no /dev/shm, or it is another's",
    ),
    Apart(
        "--network (none|host)",
        ("--publish", "--publish-all true"),
        "taken, and broken: the engine passes over the ports",
    ),
    Apart("--network", ("--network",), "older engines take one, newer ones never one twice"),
    Apart(
        "--ipc (host|container:.*)",
        (r"--sysctl (kernel|fs)\..*",),
        "refused, or set for that container",
    ),
    Apart(
        "--network (host|container:.*)",
        (r"--sysctl net\..*",),
        "refused, or set for that container",
    ),
    Apart(
        "--publish-all true",
        ("--expose .*/sctp",),
        "refused where the kernel has no SCTP",
    ),
    Apart("--network (host|none)", ("--link",), "refused: there are no links, or no network"),
    Apart(
        "--network container:.*",
        (
            "--link",
            "--hostname",
            "--publish",
            "--publish-all true",
            "--dns",
            "--add-host",
            "--expose",
        ),
        "refused: they are that container's own",
    ),
)
