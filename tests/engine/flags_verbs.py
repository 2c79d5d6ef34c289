"""The scenarios of test_flags_verbs.py: a line each, and what a lying docker does instead."""

from __future__ import annotations

from dataclasses import dataclass, field

RUN = "docker run -d --name MINE-{0} ${{{{ lab.base_image }}}} sleep 600"
CREATE = "docker create --name MINE-{0} ${{{{ lab.base_image }}}} sleep 600"
PLATFORMS = {
    "build": "docker build --platform {} -t MINE/platform .",
    "pull": "docker pull --platform {} ${{{{ lab.base_image }}}}",
    "import": "docker import --platform {} fs.tar MINE/platform",
}
"""Lines of a platform; this engine makes or takes an image of its own, whichever is written."""
CALLERS = "LIFECYCLE_TEST_WORD"
"""A variable that whoever runs the scenarios has."""
NOTHING = ["version"]
"""A lie that does nothing at all, and says that it went well."""


@dataclass(frozen=True)
class Line:
    """A docker line, what must be there before, and what is done in its stead.

    ``flags`` have a promise each that the true line keeps and the lie breaks. A number in ``lie``
    stands for a word of the line, counted from its end; ``prints`` is said instead of the truth.
    """

    name: str
    line: str
    flags: tuple[str, ...]
    lie: list[str | int] = field(default_factory=list)
    before: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    prints: str = ""
    spoils: str = ""
    """A file that is overwritten after the line was done in all other respects."""

    def __str__(self) -> str:
        return self.name


FROM = (("Dockerfile", "FROM ${{ lab.base_image }}"), ("vars", "A=1"))
STAGES = (
    "FROM ${{ lab.base_image }} AS small\nRUN true\nFROM small AS big\nARG WORD=none\n"
    "RUN echo ${WORD}\nUSER daemon"
)
SAY = (
    "docker run --name MINE-{0} ${{{{ lab.base_image }}}}"
    " bash -c 'echo one; echo two; echo three >&2'"
)
OLD = "2001-01-01T00:00:00.000000000Z one"
PACKED = ("tar -cf fs.tar vars",)
COMMIT = (
    "docker commit -a kim -m first -c 'ENV A=1' -c 'LABEL l=1' -c 'CMD [\"a\"]' -c 'USER kim'"
    " -c 'ENTRYPOINT [\"e\"]' -c 'EXPOSE 80' -c 'WORKDIR /w' -c 'VOLUME /d' -c 'ONBUILD RUN x'"
    " MINE-commit MINE/commit"
)
NETWORK = (
    "docker network create -d bridge --internal --attachable --label a.b=c"
    " -o com.docker.network.driver.mtu=1400 --subnet 172.31.78.0/24 --gateway 172.31.78.9"
    " --ip-range 172.31.78.0/28 --aux-address r=172.31.78.5 --ipam-driver default"
    " --ipam-opt k=v --ipv6 --subnet fd31:ffff::/64 MINE-create"
)
CONNECT = (
    "docker network connect --alias db --ip 172.31.79.9 --link-local-ip 169.254.8.7"
    " --link MINE-peer:li --driver-opt a=b MINE-lan MINE-connect"
)

LINES = [
    Line(
        "create",
        NETWORK,
        (
            *("-d", "--internal", "--attachable", "--label", "-o", "--subnet", "--gateway"),
            *("--ip-range", "--aux-address", "--ipam-driver", "--ipam-opt", "--ipv6"),
        ),
        ["network", "create", "--config-only", "--ipam-driver", "null", -1],
    ),
    Line(
        "template",
        "docker network create --config-only MINE-template",
        ("--config-only",),
        ["network", "create", -1],
    ),
    Line(
        "copied",
        "docker network create --config-from MINE-model MINE-copied",
        ("--config-from",),
        ["network", "create", -1],
        ("docker network create --config-only --subnet 172.31.75.0/24 MINE-model",),
    ),
    Line(
        "connect",
        CONNECT,
        ("--alias", "--ip", "--link-local-ip", "--link", "--driver-opt"),
        ["network", "connect", -2, -1],
        (
            "docker network create --subnet 172.31.79.0/24 MINE-lan",
            "docker run -d --name MINE-peer --network MINE-lan ${{ lab.base_image }} sleep 600",
            RUN.format("connect"),
        ),
    ),
    Line(
        "disconnect",
        "docker network disconnect bridge MINE-disconnect",
        ("network disconnect",),
        [*NOTHING],
        (RUN.format("disconnect"),),
    ),
    Line(
        "join",
        "docker network connect MINE-net2 MINE-join",
        ("network connect",),
        [*NOTHING],
        ("docker network create MINE-net2", RUN.format("join")),
    ),
    Line(
        "gone-net",
        "docker network rm MINE-gone-net",
        ("network rm",),
        [*NOTHING],
        ("docker network create MINE-gone-net",),
    ),
    Line(
        "store",
        "docker volume create -d local --label a.b=c -o type=tmpfs -o device=tmpfs MINE-store",
        ("--label", "-o"),
        ["volume", "create", "--label", "a.b=d", -1],
    ),
    Line(
        "gone-vol",
        "docker volume rm MINE-gone-vol",
        ("volume rm",),
        [*NOTHING],
        ("docker volume create MINE-gone-vol",),
    ),
    Line("no-vol", "docker volume create MINE-no-vol", ("volume create",), [*NOTHING]),
    Line("no-net", "docker network create MINE-no-net", ("network create",), [*NOTHING]),
    Line(
        "named",
        "docker rename MINE-named MINE-renamed",
        ("rename",),
        [*NOTHING],
        (CREATE.format("named"),),
    ),
    Line("held", "docker pause MINE-held", ("pause",), [*NOTHING], (RUN.format("held"),)),
    Line(
        "freed",
        "docker unpause MINE-freed",
        ("unpause",),
        [*NOTHING],
        (RUN.format("freed"), "docker pause MINE-freed"),
    ),
    Line(
        "hup",
        "docker kill -s HUP MINE-hup",
        ("-s",),
        ["kill", "-s", "USR1", -1],
        (RUN.format("hup"),),
    ),
    Line("killed", "docker kill MINE-killed", ("kill",), [*NOTHING], (RUN.format("killed"),)),
    Line("ended", "docker stop -t 0 MINE-ended", ("stop",), [*NOTHING], (RUN.format("ended"),)),
    Line(
        "anew",
        "docker restart -t 0 MINE-anew",
        ("restart",),
        [*NOTHING],
        (RUN.format("anew"),),
    ),
    Line(
        "taken",
        "docker rm -v MINE-taken",
        ("-v",),
        ["rm", -1],
        ("docker create -v /anonymous --name MINE-taken ${{ lab.base_image }}",),
    ),
    Line(
        "waited",
        "docker wait MINE-waited",
        ("wait",),
        before=("docker run -d --name MINE-waited ${{ lab.base_image }} bash -c 'exit 7'",),
        prints="0",
    ),
    Line(
        "listed",
        "docker top MINE-listed -o pid,comm",
        ("top",),
        before=(RUN.format("listed"),),
        prints="PID COMMAND",
    ),
    Line(
        "ports",
        "docker port MINE-ports 80",
        ("port",),
        before=("docker run -d -p 80 --name MINE-ports ${{ lab.base_image }} sleep 600",),
        prints="0.0.0.0:1",
    ),
    Line(
        "updated",
        "docker update --memory 64m --memory-swap 64m --cpus 0.5 --restart always MINE-updated",
        ("--memory", "--memory-swap", "--cpus", "--restart"),
        [*NOTHING],
        (RUN.format("updated"),),
    ),
    Line(
        "entered",
        "docker exec -d -e B=2 --env-file vars -w /srv -u daemon MINE-entered sleep 60",
        ("-e", "--env-file", "-w", "-u"),
        ["exec", "-d", -3, "sleep", "60"],
        (RUN.format("entered"),),
        FROM,
    ),
    Line(
        "built",
        "docker build --label a.b=c --iidfile id -t MINE/built .",
        ("--label", "--iidfile"),
        ["build", "--label", "a.b=d", "-t", -2, "."],
        files=FROM,
    ),
    Line(
        "commit",
        COMMIT,
        ("-a", "-m", "-c"),
        ["commit", "-a", "lee", "-m", "second", -2, -1],
        (CREATE.format("commit"),),
    ),
    Line(
        "import",
        "docker import -m hello -c 'ENV A=1' fs.tar MINE/import",
        ("-m", "-c"),
        ["import", "-m", "bye", -2, -1],
        PACKED,
        FROM,
    ),
    Line(
        "tagged",
        "docker tag ${{ lab.base_image }} MINE/tagged",
        ("tag",),
        [*NOTHING],
    ),
    Line(
        "untagged",
        "docker rmi MINE/untagged",
        ("rmi",),
        [*NOTHING],
        ("docker tag ${{ lab.base_image }} MINE/untagged",),
    ),
    Line(
        "exported",
        "docker export -o MINE-exported.tar MINE-exported",
        ("-o",),
        [*NOTHING],
        (CREATE.format("exported"),),
    ),
    Line(
        "copied-in",
        "docker cp vars MINE-copied-in:/srv/vars",
        ("cp",),
        [*NOTHING],
        (CREATE.format("copied-in"),),
        FROM,
    ),
    Line(
        "numbered",
        "docker create --cidfile id --name MINE-numbered ${{ lab.base_image }}",
        ("--cidfile",),
        spoils="id",
    ),
    Line(
        "another-id",
        "docker build --iidfile id -t MINE/another-id .",
        ("--iidfile",),
        files=FROM,
        spoils="id",
    ),
    Line(
        "staged",
        "docker build --target small -t MINE/staged .",
        ("--target",),
        ["build", "-t", -2, "."],
        files=(("Dockerfile", STAGES),),
    ),
    Line(
        "argued",
        "docker build --build-arg WORD=yes -t MINE/argued .",
        ("--build-arg",),
        ["build", "--build-arg", "WORD=no", "-t", -2, "."],
        files=(("Dockerfile", STAGES),),
    ),
    Line(
        "handed",
        f"docker run -d -e {CALLERS} -e {CALLERS}_NOT --name MINE-handed"
        " ${{ lab.base_image }} sleep 600",
        ("-e",),
        ["run", "-d", "-e", f"{CALLERS}=other", "--name", -4, -3, "sleep", "600"],
    ),
    Line(
        "passed",
        f"docker exec -d -e {CALLERS} MINE-passed sleep 60",
        ("-e",),
        ["exec", "-d", -3, "sleep", "60"],
        (RUN.format("passed"),),
    ),
    Line(
        "whole",
        "docker logs MINE-whole",
        ("logs",),
        ["logs", "--tail", "2", -1],
        (SAY.format("whole"),),
    ),
    Line(
        "last-said",
        "docker logs --tail 2 -t MINE-last-said",
        ("--tail", "-t", "logs"),
        ["logs", -1],
        (SAY.format("last-said"),),
    ),
    Line(
        "lately-said",
        "docker logs --since 2020-01-01 --until 2100-01-01T00:00:00Z MINE-lately-said",
        ("--since", "logs"),
        before=(SAY.format("lately-said"),),
        prints=OLD,
    ),
    Line(
        "sooner-said",
        "docker logs --until 2100-01-01 MINE-sooner-said",
        ("--until", "logs"),
        before=(SAY.format("sooner-said"),),
        prints=OLD.replace("2001", "2101"),
    ),
    Line(
        "followed",
        "docker logs -f --details --since 10m MINE-followed",
        ("logs", "--since"),
        before=(SAY.format("followed"),),
        prints=OLD,
    ),
]
