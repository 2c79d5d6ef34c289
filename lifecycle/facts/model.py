"""What was observed for one step, gathered once and then only read.

Expected values live in promises; here is only what is. Each subject's checks (container.py,
mounts.py, ...) are pure functions over these values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lifecycle.command.line import RefKind
from lifecycle.facts.host_files import HostFile
from lifecycle.facts.inside import Inside
from lifecycle.machine.gpus import Gpus
from lifecycle.machine.subject import Subject
from lifecycle.text.json_object import Json

SHADOW = "/etc/shadow"


@dataclass(frozen=True)
class World:
    """What surrounds every step: who acts, and how the engine relates to this machine."""

    subject: Subject
    gpus: Gpus
    shares_machine: bool
    remaps_users: str = ""
    address: str = "127.0.0.1"
    """Where published ports are reached from here."""
    netns: str = ""
    """The file of the engine's network namespace, where that is another one and known."""

    @property
    def no_host_side(self) -> str:
        """Why files and uids outside can't be compared with those inside; empty if they can."""
        if not self.shares_machine:
            return "the engine runs on another machine, so its files can't be seen from here"
        if self.remaps_users:
            return f"the engine remaps users ({self.remaps_users}), so uids differ on purpose"
        return ""


def as_found(_kind: RefKind, name: str) -> str:
    """The name map of an engine on which nothing was renamed."""
    return name


@dataclass(frozen=True)
class RoundTrip:
    """One bind mount, seen from both sides.

    ``inside_file_uid`` owns outside what was written inside; ``outside_file_uid`` owns inside
    what was written outside; ``error`` is why one of the two could not be made.
    """

    writer_uid: int
    inside_file_uid: int | None
    outside_file_uid: int | None
    error: str = ""
    untested: str = ""


@dataclass(frozen=True)
class Answer:
    """A published port, tried from outside: ``answered`` is None when it could not be tried.

    ``at`` tells of each place where it is published, by its host address and port.
    """

    answered: bool | None
    how: str
    at: Mapping[tuple[str, str], Answer] = field(default_factory=dict)


def together(answers: Sequence[Answer]) -> Answer:
    """Several as one: the first that failed, else the first that was not tried, else all."""
    for worst in (False, None):
        matching = [a for a in answers if a.answered is worst]
        if matching:
            return matching[0]
    return Answer(answered=True, how=", ".join(a.how for a in answers))


@dataclass
class ContainerFacts:
    """One container by its written name: ``now`` is None when it is gone."""

    name: str
    now: Json | None = None
    before: Json | None = None
    created: Json | None = None
    started: bool = False
    """Whether the engine reported its start during the step."""
    inside: Inside = field(default_factory=lambda: Inside(unseen="nobody asked the inside"))
    round_trips: Mapping[str, RoundTrip] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    paths: Mapping[str, bool] = field(default_factory=dict)
    signals: tuple[int, ...] | None = None
    """The signals that the engine reported it sent during the step; None when nobody asked."""
    image_ids: Mapping[str, str] = field(default_factory=dict)
    """Written image names to the ids they stand for now."""

    @property
    def inspect(self) -> Json | None:
        """The freshest inspect there is: of now, or for one that is gone, of its creation."""
        return self.now or self.created

    @property
    def is_up(self) -> bool:
        """Whether it runs now."""
        return bool(self.now and self.now["State"]["Running"])


@dataclass(frozen=True)
class ExecFacts:
    """One exec: its own inspect, and its process on the host where that could be read."""

    inspect: Json
    container_pid: int
    uid: int | None = None
    cwd: str | None = None
    env: Mapping[str, str] | None = None
    unseen: str = ""


@dataclass(frozen=True)
class LogFacts:
    """A container's log as the engine has it: its newest lines, each with its time before it.

    ``begun`` and ``ended`` are when the command that printed it did so; ``cut`` says that the log
    has older lines, and ``clock`` why the engine's times can't be compared with ours.
    """

    lines: tuple[str, ...]
    begun: float
    ended: float
    cut: bool = False
    clock: str = ""


@dataclass(frozen=True)
class PasswordFacts:
    """A user's hash before and after (None where there is no such line), and a login's outcome.

    ``authenticated`` is None where no login was tried, and ``how`` says why.
    """

    user: str
    before: str | None
    after: str | None
    authenticated: bool | None
    how: str


@dataclass
class Facts:
    """Everything observed for one step. Keys are written names."""

    world: World
    exit_code: int | None = None
    output: str = ""
    lost: int = 0
    """Bytes that were cut out of the output's middle."""
    screen: str = ""
    seconds: float | None = None
    """How long the command took; None while it goes on."""
    containers: dict[str, ContainerFacts] = field(default_factory=dict)
    images: dict[str, Json | None] = field(default_factory=dict)
    volumes: dict[str, Json | None] = field(default_factory=dict)
    networks: dict[str, Json | None] = field(default_factory=dict)
    files: dict[str, bool] = field(default_factory=dict)
    host_files: dict[str, HostFile] = field(default_factory=dict)
    """Paths of this machine that the author expects something of."""
    pushed: dict[str, str] = field(default_factory=dict)
    """Written image names to the digest that their registry gives; empty when it has none."""
    exec: ExecFacts | None = None
    new_execs: int = 0
    """How many execs the container gained in this step."""
    password: PasswordFacts | None = None
    written: Callable[[RefKind, str], str] = as_found
    """The author's name of a thing, from the one that the engine shows."""
    environ: Mapping[str, str] | None = None
    """The environment that the command got; None when another command than ours had it."""
    texts: dict[str, str] = field(default_factory=dict)
    """The beginning of each file that the command wrote an id to."""
    histories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What made each layer of an image, the oldest first, by the image's written name."""
    log: LogFacts | None = None
