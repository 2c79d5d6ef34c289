"""What a classic build makes is told by its stream, and believed where the engine says the same."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.engine.daemon import EngineError
from lifecycle.run.ownership.ledger import Entry
from lifecycle.run.requests.classic_build import ClassicBuild
from lifecycle.run.requests.messages import Messages
from tests.fakes.gate import stream
from tests.unit.run.requests.fakes import Docker, Run, image_id

BASE, A, B, C = (image_id(digit) for digit in "0abc")
ONE, TWO, VICTIM = "1" * 64, "2" * 64, "e" * 64
BUILT = """\
Step 1/4 : FROM debian:bookworm
 ---> 000000000000
Step 2/4 : RUN true
 ---> Using cache
 ---> aaaaaaaaaaaa
Step 3/4 : RUN echo hello
 ---> Running in 111111111111
hello
Removing intermediate container 111111111111
 ---> bbbbbbbbbbbb
Step 4/4 : COPY x /x
 ---> cccccccccccc
Successfully built cccccccccccc
"""


class Build:
    """A build that is read, on an engine that has what it made."""

    def __init__(self, engine: Docker, run: Run) -> None:
        self.engine = engine
        engine.tag("0", "debian:bookworm")
        engine.tag("a", Parent=BASE)
        engine.add("container", "victim", "e", Image=BASE, Config={"Cmd": ["sh"]})
        before = run.ownership.before
        self.noted: list[Entry] = []
        self.found: list[Any] = []
        self.read = ClassicBuild(run.ownership.daemon, before, self.noted.append, self.found.append)
        engine.tag("b", Parent=A, Container=ONE)
        engine.tag("c", Parent=B)
        self.container("1", A, "echo hello")

    def container(self, digit: str, image: str, command: str, *, runs: bool = False) -> None:
        config = {"Cmd": ["/bin/sh", "-c", command]}
        state = {"Running": runs}
        self.engine.add("container", "", digit, Image=image, Config=config, State=state)

    def hear(self, text: str) -> None:
        """Lines as the stream brings them: one message each."""
        for line in text.splitlines(keepends=True):
            self.read.hear({"stream": line})

    @property
    def made(self) -> list[tuple[str, str]]:
        return [(e.kind, e.id) for e in self.noted]


@pytest.fixture
def build(run: Run) -> Build:
    return Build(run.engine, run)


MADE = [("container", ONE), ("image", B), ("image", C)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_container_and_each_image_that_was_not_there_is_noted(build: Build, end: str) -> None:
    build.hear(BUILT.replace("\n", end))
    assert build.made == MADE
    assert build.read.result == C


def test_an_engine_that_does_not_tell_of_what_container_an_image_is_tells_its_command(
    build: Build,
) -> None:
    build.engine.tag("b", Container="")
    build.engine.histories[B] = ("base", "/bin/sh -c echo hello")
    build.hear(BUILT)
    assert build.made == MADE


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_stream_may_come_in_pieces(build: Build, size: int) -> None:
    answer = stream(*({"stream": line} for line in BUILT.splitlines(keepends=True)))
    messages = Messages()
    for at in range(0, len(answer), size):
        for said in messages.feed(answer[at : at + size]):
            build.read.hear(said)
    assert build.made == MADE
    assert messages.succeeded


def test_a_line_may_come_in_pieces(build: Build) -> None:
    for letter in BUILT:
        build.read.hear({"stream": letter})
    assert build.made == MADE


def test_a_container_is_noted_as_soon_as_its_line_is_there(build: Build) -> None:
    build.hear(BUILT.partition("hello\nRemoving")[0])
    assert build.made == MADE[:1]


PRINTED = [
    " ---> eeeeeeeeeeee",
    " ---> Running in eeeeeeeeeeee",
    " ---> Using cache",
    "Step 9/9 : FROM debian:bookworm",
    "Step 9/9 : RUN sh\n ---> Running in eeeeeeeeeeee",
    "Step 9/9 : FROM scratch\n ---> eeeeeeeeeeee",
    "Removing intermediate container eeeeeeeeeeee",
    "Successfully built eeeeeeeeeeee",
    "Successfully tagged theirs:latest",
]


@pytest.mark.parametrize("printed", PRINTED)
@pytest.mark.parametrize("running", ["container of the step", "container that is gone"])
@pytest.mark.parametrize("image", [BASE, A])
def test_what_a_program_prints_in_the_builder_s_words_is_nobody_s(
    build: Build, printed: str, running: str, image: str
) -> None:
    """The victim began during the build, of the image that the step stands on."""
    build.engine.remove("container", VICTIM)
    build.read._there.clear()
    build.container("e", image, "sh")
    layer = {"Container": VICTIM} if printed != PRINTED[0] else {"History": ["#(nop) COPY x /x"]}
    build.engine.tag("e", Parent=image, **layer)
    if running == "container that is gone":
        build.engine.remove("container", ONE)
    before, hello, after = BUILT.partition("hello\nRemoving")
    build.hear(f"{before}{printed}\n{hello}{after}")
    assert build.made == [one for one in MADE if one[1] in (B, C) or running.endswith("step")]
    assert build.read.result == C


@pytest.mark.parametrize(
    ("command", "short"),
    [("sh", VICTIM[:12]), ("echo hello", TWO[:12]), ("echo other", "3" * 12), ("sh", "9" * 12)],
    ids=["was there", "of another image", "of another command", "is not there"],
)
def test_a_container_that_is_not_the_step_s_is_not_noted(
    build: Build, command: str, short: str
) -> None:
    build.container("2", A, command)
    build.container("3", BASE, "echo hello")
    build.hear("Step 1/2 : FROM debian:bookworm\n ---> 000000000000\n")
    build.hear(f"Step 2/2 : RUN {command}\n ---> Running in {short}\n")
    assert build.made == []


@pytest.mark.parametrize(
    ("instruction", "command"),
    [
        ("RUN echo hello", ["/bin/sh", "-c", "echo hello"]),
        ("RUN echo  hello   \\  there", ["/bin/sh", "-c", "echo  hello     there"]),
        ('RUN ["echo", "a b"]', ["echo", "a b"]),
        ("COPY x /x", ["/bin/sh", "-c", "#(nop) COPY file:abc in /x "]),
        ("ENV A=1", ["/bin/sh", "-c", "#(nop) ", "ENV A=1"]),
    ],
)
def test_a_step_s_command_is_known_as_the_builder_writes_it(
    build: Build, instruction: str, command: list[str]
) -> None:
    build.engine.add("container", "", "2", Image=BASE, Config={"Cmd": command})
    build.hear("Step 1/2 : FROM debian:bookworm\n ---> 000000000000\n")
    build.hear(f"Step 2/2 : {instruction}\n ---> Running in 222222222222\n")
    assert build.made == [("container", TWO)]


def test_an_image_that_has_a_name_or_was_there_or_stands_on_another_is_not_noted(
    build: Build,
) -> None:
    build.engine.tag("b", "lee/x:1")
    build.hear(BUILT)
    assert build.made == [("container", ONE), ("image", C)]


def test_a_base_that_a_line_only_names_is_not_one(build: Build) -> None:
    build.hear("Step 1/2 : FROM debian:bookworm\n ---> aaaaaaaaaaaa\n")
    build.hear("Step 2/2 : COPY x /x\n ---> bbbbbbbbbbbb\n")
    assert build.made == []


def test_a_later_stage_may_stand_on_an_earlier_one(build: Build) -> None:
    build.engine.tag("d", Parent=C)
    build.hear(BUILT.rpartition("Successfully")[0])
    build.hear("Step 5/6 : FROM debian as x\n ---> cccccccccccc\nStep 6/6 : COPY y /\n")
    build.hear(" ---> dddddddddddd\nSuccessfully built dddddddddddd\n")
    assert build.made == [*MADE, ("image", image_id("d"))]
    assert build.read.result == image_id("d")


def test_a_stage_may_be_called_by_its_name_and_have_a_platform(build: Build) -> None:
    build.hear("Step 1/3 : FROM --platform=linux/amd64 debian:bookworm AS one\n")
    build.hear(" ---> 000000000000\nStep 2/3 : FROM one\n ---> 000000000000\n")
    build.engine.tag("d", Parent=BASE)
    build.hear("Step 3/3 : COPY x /\n ---> dddddddddddd\n")
    assert build.made == [("image", image_id("d"))]


def test_an_image_from_scratch_is_noted(build: Build) -> None:
    build.engine.tag("d", Parent="")
    build.hear("Step 1/2 : FROM scratch\n ---> \nStep 2/2 : COPY x /\n ---> dddddddddddd\n")
    assert build.made == [("image", image_id("d"))]


@pytest.mark.parametrize("fails", [True, False])
def test_what_a_base_does_on_build_is_noted_and_prints_nothing_that_counts(
    build: Build,
    fails: bool,  # noqa: FBT001
) -> None:
    on_build = {"OnBuild": ["COPY . /app", "RUN make all", "ENV A=1"]}
    build.engine.tag("0", Config=on_build)
    build.engine.tag("5", Parent=BASE)
    build.container("6", image_id("5"), "make all")
    build.hear("Step 1/2 : FROM debian:bookworm\n# Executing 3 build triggers\n")
    build.hear(" ---> Running in 666666666666\n")
    build.hear("Step 2/2 : RUN sh\n ---> Running in eeeeeeeeeeee\n ---> 555555555555\n")
    assert build.made == [("container", "6" * 64)]
    if not fails:
        build.engine.tag("6", Parent=image_id("5"), Container="6" * 64)
        build.engine.tag("7", Parent=image_id("6"))
        build.hear("Removing intermediate container 666666666666\n ---> 777777777777\n")
        made = [("image", image_id(digit)) for digit in "567"]
        assert build.made == [("container", "6" * 64), *made]
        build.engine.tag("d", Parent=image_id("7"))
        build.hear("Step 2/2 : COPY x /\n ---> dddddddddddd\n")
        assert build.made[-1] == ("image", image_id("d"))


@pytest.mark.parametrize("aux", [{"ID": C}, {"ID": C, "more": 1}])
def test_the_image_is_told_beside_what_is_printed(build: Build, aux: Any) -> None:
    build.read.hear({"aux": aux})
    assert build.read.result == C


@pytest.mark.parametrize("aux", [None, [], "x", {"ID": 1}, {"id": C}, {}])
def test_an_aux_of_another_shape_tells_nothing(build: Build, aux: Any) -> None:
    build.read.hear({"aux": aux})
    assert build.read.result == ""


def test_a_base_that_was_pulled_is_told_by_the_engine_and_not_by_a_program(build: Build) -> None:
    text = "Status: Downloaded newer image for base:1"
    build.read.hear({"stream": f"{text}\n"})
    assert build.read.pulled == []
    build.read.hear({"status": text})
    assert build.read.pulled == ["base:1"]


def test_an_engine_that_does_not_answer_now_ends_no_build(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_name: str) -> None:
        raise EngineError("away")

    with monkeypatch.context() as patch:
        patch.setattr(build.engine, "container", away)
        build.hear(BUILT)
    assert ("image", B) in build.made
    assert build.read.untold


def test_a_build_all_of_which_was_told_leaves_nothing_to_look_for(build: Build) -> None:
    build.hear(BUILT)
    assert not build.read.untold


def test_what_prints_much_is_not_asked_about_line_by_line(build: Build) -> None:
    build.container("1", A, "echo hello", runs=True)
    build.hear(BUILT.partition("hello\nRemoving")[0])
    asked = len(build.engine.questions)
    build.hear("a line\n" * 1000)
    assert len(build.engine.questions) == asked


def test_a_line_without_an_end_is_not_kept_whole(build: Build) -> None:
    for _ in range(100):
        build.read.hear({"stream": "x" * 65536})
    assert len(build.read._text) <= 65536


# -- what was there ---------------------------------------------------------------------------


def ids(found: list[Any]) -> list[str]:
    return [str(image["Id"]) for image in found]


def test_what_a_build_stands_on_and_finds_in_the_cache_is_told_as_found(build: Build) -> None:
    build.hear("Step 1/2 : FROM debian:bookworm\n ---> 000000000000\n")
    assert ids(build.found) == [BASE]
    build.hear("Step 2/2 : ENV A=1\n ---> Using cache\n ---> aaaaaaaaaaaa\n")
    assert ids(build.found) == [BASE, A]
    assert build.made == []


def test_a_base_that_the_build_itself_pulled_was_not_there(build: Build) -> None:
    build.read.hear({"status": "Status: Downloaded newer image for debian:bookworm"})
    build.hear("Step 1/1 : FROM debian:bookworm\n ---> 000000000000\n")
    assert build.found == []


def test_what_a_build_makes_was_not_there(build: Build) -> None:
    build.hear(BUILT)
    assert build.made == MADE
    assert not {B, C} & set(ids(build.found))
