"""A shell that stays serves many looks, and is given up when it no longer sees what is so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lifecycle.engine.daemon import ExecOutcome
from lifecycle.facts.inside import Inside, Probe
from lifecycle.run.inside.shells import Looks
from tests.fakes.daemon import FakeDaemon

BASE = "debian:bookworm"


class Box:
    """A container with a shell; ``accounts`` are its users."""

    def __init__(self) -> None:
        self.daemon = FakeDaemon()
        self.daemon.make_image(BASE)
        self.id = self.daemon.create(BASE, "box")
        self.daemon.start(self.id)
        self.daemon.shells = []
        self.accounts = "kim:x:1500:1500::/home/kim:/bin/sh"
        self.files = {"/etc/shadow": "kim:$6$x:1::"}
        self.once = 0
        self.daemon.inside = self.answer
        self.looks = Looks(self.daemon)

    def answer(self, _: str, argv: Sequence[str], user: str) -> ExecOutcome:
        script = argv[-1]
        if script.startswith("cat -- "):
            return ExecOutcome(0, self.files.get(script.removeprefix("cat -- "), ""))
        self.once += script.endswith("\nexit 0")
        uid = 0 if user in {"0", "root"} else 1500
        parts = (
            "@@id",
            "@@cwd",
            "/",
            "@@files-end",
            "==> /proc/self/status <==",
            f"Uid:\t{uid}\t{uid}",
            "==> /etc/passwd <==",
            self.accounts,
            "==> /proc/sys/kernel/hostname <==",
            "box",
            "==> /dev/null <==\n",
        )
        return ExecOutcome(0, "\n".join(parts))

    def look(self, user: str = "", *, again: bool = False) -> Inside:
        return self.looks.inside(self.id, Probe(), user, again=again)

    @property
    def shells(self) -> int:
        assert self.daemon.shells is not None
        return len(self.daemon.shells)


@pytest.fixture
def box() -> Box:
    return Box()


def test_a_look_that_is_taken_once_needs_no_shell_that_stays(box: Box) -> None:
    assert (box.look().uid, box.shells, box.once) == (1500, 0, 1)


def test_a_second_look_begins_one_though_nobody_said_that_it_would_come(box: Box) -> None:
    box.look()
    assert (box.look().uid, box.shells, box.once) == (1500, 1, 1)


def test_one_shell_serves_all_looks_of_one_user(box: Box) -> None:
    assert [box.look(again=True).uid for _ in range(3)] == [1500] * 3
    assert (box.shells, box.once) == (1, 0)
    assert box.look().uid == 1500, "the last one, too"
    assert (box.shells, box.once) == (1, 0)


def test_each_user_has_a_shell_of_their_own(box: Box) -> None:
    assert [box.look(u, again=True).uid for u in ("", "root", "", "root")] == [1500, 0, 1500, 0]
    assert box.shells == 2


def test_where_accounts_have_changed_another_shell_is_begun(box: Box) -> None:
    box.look(again=True)
    box.accounts += "\nlee:x:1501:1501::/home/lee:/bin/sh"
    found = box.look(again=True)
    assert [a.name for a in found.accounts] == ["kim", "lee"]
    assert box.shells == 2
    assert box.daemon.shells is not None
    assert [s.closed for s in box.daemon.shells] == [True, False]


def test_one_that_has_ended_is_begun_anew(box: Box) -> None:
    box.look(again=True)
    assert box.daemon.shells is not None
    box.daemon.shells[0].ended = True
    assert box.look(again=True).uid == 1500
    assert (box.shells, box.once) == (2, 0)


def test_where_none_can_stay_each_look_is_taken_by_itself(box: Box) -> None:
    box.daemon.shells = None
    assert [box.look(again=True).uid for _ in range(2)] == [1500, 1500]
    assert box.once == 2


def test_one_that_prints_no_look_is_given_up(box: Box) -> None:
    box.look(again=True)
    box.daemon.inside = lambda *_: ExecOutcome(0, "no shell at all")
    assert box.look(again=True).unseen
    assert box.daemon.shells is not None
    assert all(s.closed for s in box.daemon.shells)


def test_a_file_is_read_with_root_s_shell_where_there_is_one(box: Box) -> None:
    box.look("root", again=True)
    assert box.looks.text(box.id, "/etc/shadow") == "kim:$6$x:1::"
    assert box.daemon.shells is not None
    assert box.daemon.shells[0].asked[-1] == "cat -- /etc/shadow"


def test_without_root_s_shell_the_engine_is_asked(box: Box) -> None:
    box.look(again=True)
    box.daemon.files[box.id]["/etc/shadow"] = b"by the engine \xff"
    assert box.looks.text(box.id, "/etc/shadow") == "by the engine \N{REPLACEMENT CHARACTER}"
    assert box.looks.text(box.id, "/nothing") == ""


def test_a_shell_that_reads_nothing_is_given_up_and_the_engine_asked(box: Box) -> None:
    box.look("0", again=True)
    box.files.clear()
    box.daemon.files[box.id]["/etc/shadow"] = b"by the engine"
    assert box.looks.text(box.id, "/etc/shadow") == "by the engine"
    assert box.daemon.shells is not None
    assert box.daemon.shells[0].closed


def test_root_s_shell_runs_a_script_and_without_one_nothing_is_run(box: Box) -> None:
    assert box.looks.ask_root(box.id, "cat -- /etc/shadow") == ""
    box.look("0", again=True)
    assert box.looks.ask_root(box.id, "cat -- /etc/shadow") == "kim:$6$x:1::"


def test_those_of_a_container_that_is_to_be_stopped_are_ended_and_no_others(box: Box) -> None:
    other = box.daemon.create(BASE, "other")
    box.daemon.start(other)
    box.look(again=True)
    box.look("0", again=True)
    box.looks.inside(other, Probe(), again=True)
    box.looks.leave(box.id)
    assert box.daemon.shells is not None
    assert [s.closed for s in box.daemon.shells] == [True, True, False]
    assert box.look(again=True).uid == 1500, "and may be begun again"


def test_another_container_s_shell_is_not_asked(box: Box) -> None:
    box.look("root", again=True)
    other = box.daemon.create(BASE, "other")
    assert box.looks.text(other, "/etc/shadow") == ""
    assert box.daemon.shells is not None
    assert not box.daemon.shells[0].closed


def test_all_are_closed_at_the_end(box: Box) -> None:
    box.look(again=True)
    box.look("root", again=True)
    box.looks.close()
    assert box.daemon.shells is not None
    assert [s.closed for s in box.daemon.shells] == [True, True]
    assert box.look(again=True).uid == 1500, "and may be begun again"


def test_what_is_prepared_serves_the_first_look(box: Box) -> None:
    box.looks.prepare(box.id, ("", "root"))
    assert box.shells == 2
    assert [box.look(user).uid for user in ("", "root")] == [1500, 0]
    assert (box.shells, box.once) == (2, 0)


def test_a_shell_that_was_prepared_before_the_accounts_changed_serves_no_look(box: Box) -> None:
    box.looks.prepare(box.id, ("",))
    box.accounts += "\nlee:x:1501:1501::/home/lee:/bin/sh"
    assert [a.name for a in box.look().accounts] == ["kim", "lee"]
    assert box.daemon.shells is not None
    assert [s.closed for s in box.daemon.shells] == [True, False]


def test_nothing_is_prepared_where_a_shell_is_open_or_all_are_closed(box: Box) -> None:
    box.look(again=True)
    box.looks.prepare(box.id, ("",))
    assert box.shells == 1
    box.looks.close()
    box.looks.prepare(box.id, ("", "root"))
    assert box.shells == 1


def test_where_no_shell_can_be_prepared_the_look_is_taken_by_itself(box: Box) -> None:
    box.daemon.shells = None
    box.looks.prepare(box.id, ("",))
    assert (box.look().uid, box.once) == (1500, 1)
