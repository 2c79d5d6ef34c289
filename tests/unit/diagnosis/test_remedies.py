"""A remedy is an act: none changes what was not shown, just now, to be the person's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any, get_args

import pytest

from lifecycle.diagnosis import catalog
from lifecycle.diagnosis.allowed_remedies import SHOWN, advised, filler
from lifecycle.diagnosis.case import Case
from lifecycle.diagnosis.catalog import Advice, Changes, Entry, Lang
from lifecycle.diagnosis.finding import Remedy, Symptom
from lifecycle.diagnosis.match import diagnose
from tests.unit.diagnosis.acts import ORDERS, PROSE, Act, acts
from tests.unit.diagnosis.machine import TCP_TABLE, Machine
from tests.unit.diagnosis.test_messages import IDS, MESSAGES

ENTRIES = catalog.entries()
EACH = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
CID = "41f2ec5f38f40eb2340ef00fa45a28df22ef2812baae6d3990eae461ebd2a1b1"
WHOSE = ("own", "run", "another", "unknown", "nobody knows")
STATES = ("running", "exited", "created")
SOURCES = ("/home/kim/work", "/home/kim/work/new", "/home/lee/data", "/mnt/nas/kim", "/srv/all")
LANGS: tuple[Lang, ...] = get_args(Lang)
OWNERS = {
    "/home/kim/work": 1000,
    "/home/kim": 1000,
    "/home/lee": 1001,
    "/home/lee/data": 1001,
    "/srv/all": 0,
    "/mnt": 0,
    "/mnt/nas": 0,
}


def described(machine: Machine, whose: str, state: str) -> None:
    """A container of whoever it is has the name, the port and the image; so have the files."""
    source = "/home/lee/data" if whose == "another" else "/home/kim/work"
    ours = whose == "own"
    machine.owners = {**OWNERS, "/home/kim/dockerfile": 1000 if ours else 1001}
    machine.file("home/kim/dockerfile", "FROM base\nRUN apt install –y sudo\n")
    bind = {"Type": "bind", "Source": source, "Destination": "/workspace", "RW": True}
    one = {
        "Id": CID,
        "Names": ["/my_test_c"],
        "Image": "kim/test",  # a tag of one's own name, which proves nothing
        "Command": "bash",
        "State": state,
        "Status": {"exited": "Exited (0) 2 hours ago"}.get(state, state),
        "Ports": [{"PublicPort": 8080, "Type": "tcp"}],
        "Mounts": [bind] if whose in ("own", "run", "another") else [],
        "Labels": {"owner": "kim"},  # nor does a label
    }
    machine.containers = None if whose == "nobody knows" else [one]
    machine.inspected = {CID: {"Config": {"User": "kim"}}}
    machine.made = {CID} if whose == "run" else set()
    uid = 1000 if ours else 1001
    machine.file("proc/net/tcp", TCP_TABLE.replace("1001", str(uid)))
    machine.file("proc/77/comm", "jupyter-lab\n")
    (machine.root / "proc/77/fd").mkdir(exist_ok=True)
    link = machine.root / "proc/77/fd/3"
    link.unlink(missing_ok=True)
    link.symlink_to("socket:[4242]")


def cases(machine: Machine, entry: Entry) -> Iterator[tuple[str, Case]]:
    """The finding in every situation, whatever its patterns could have caught."""
    groups = {name for p in (*entry.patterns, *entry.hints) for name in p.groupindex}
    values = {"name": "my_test_c", "id": CID[:12], "port": "8080", "path": "/workspace/f"}
    typed = ((), ("docker", "exec", "-ti", "my_test_c", "bash"))
    for whose, state in product(WHOSE, STATES):
        described(machine, whose, state)
        for source, words in product(SOURCES, typed):
            caught = {**dict.fromkeys(groups, "1234"), **values, "source": source}
            caught = {name: value for name, value in caught.items() if name in groups}
            yield whose, Case(Symptom("", words), "", "", caught, machine.facts())


def own_things(whose: str, source: str | None) -> set[str]:
    """What a line that ends, destroys or makes something may act on: what is Kim's."""
    own = {"/home/kim/work/new"}
    if whose in ("own", "run") and source in (None, "/home/kim/work"):
        own |= {"/workspace/f", "in my_test_c"}
    return own | {CID[:12], "dockerfile"} if whose == "own" else own


def wrong(advice: Advice, remedy: Remedy, own: set[str], entered: set[str]) -> list[str]:
    """What a remedy would do to things that are not the person's."""
    found = [
        f"{act.verb} of {act.targets}"
        for command in remedy.commands
        for act in acts(command)
        if not _may(act, advice, own, entered)
    ]
    proved = bool(advice.only) and not advice.only.endswith(("anothers", "unknown", "not-own"))
    prose = re.sub(r"RUN .*", "", remedy.do)  # what a build does is in an image of one's own
    if not proved:
        found += [m[0] for m in PROSE.finditer(prose)]
        if advice.changes in ("nothing", "mine"):
            found += [m[0] for m in ORDERS.finditer(prose)]
    return found


def _may(act: Act, advice: Advice, own: set[str], entered: set[str]) -> bool:
    as_admin = advice.who == "admin" and bool(advice.loses and advice.loses_ko)
    match act.kind:
        case "machine":
            return as_admin
        case "account":
            return as_admin and act.targets[-1] == "kim" and act.targets[0] == "docker"
        case "enters":
            return set(act.targets) <= own | entered
    return bool(act.targets) and set(act.targets) <= own


# --- the catalogue, as data ---


@EACH
def test_each_remedy_says_what_it_changes_and_nothing_is_assumed(entry: Entry) -> None:
    assert {advice.changes for advice in entry.remedies} <= set(get_args(Changes))


def test_a_remedy_that_does_not_say_what_it_changes_is_an_error() -> None:
    table = {
        "id": "x",
        "cause": "c",
        "cause_ko": "c",
        "remedy": [{"who": "user", "do": "d", "do_ko": "d"}],
    }
    with pytest.raises(catalog.CatalogError, match="changes"):
        catalog._entry(table, "phase", {})


@EACH
def test_what_changes_others_or_the_machine_is_an_admins_and_says_what_is_lost(
    entry: Entry,
) -> None:
    for advice in entry.remedies:
        far = advice.changes in ("others", "machine")
        assert not far or advice.who == "admin", advice.do
        assert bool(advice.loses) == bool(advice.loses_ko) == far, advice.do
        assert not re.search("[가-힣]", advice.loses)
        assert not far or re.search("[가-힣]", advice.loses_ko)


@EACH
def test_what_is_lost_is_told_in_both_languages(entry: Entry) -> None:
    for advice in entry.remedies:
        assert advice.loses in advice.fill(lambda _: None, "en").do
        assert advice.loses_ko in advice.fill(lambda _: None, "ko").do


@EACH
def test_a_remedy_depends_only_on_what_can_be_seen(entry: Entry) -> None:
    assert {advice.only for advice in entry.remedies} <= {"", *SHOWN}


@EACH
def test_a_finding_whose_remedy_depends_on_a_containers_owner_shows_what_was_seen(
    entry: Entry,
) -> None:
    depends = any(advice.only.startswith(("container", "path")) for advice in entry.remedies)
    assert not depends or "whose" in entry.probes


@EACH
def test_no_finding_claims_that_nothing_can_be_lost_in_a_container(entry: Entry) -> None:
    told = [text for advice in entry.remedies for text in (advice.do, advice.do_ko)]
    said = " ".join((entry.cause, entry.cause_ko, *told))
    assert not re.search("holds no data|no data|never ran|데이터 없|데이터가 없", said)


# --- every finding in every situation ---


@EACH
def test_no_remedy_touches_what_was_not_shown_to_be_own(machine: Machine, entry: Entry) -> None:
    for whose, case in cases(machine, entry):
        own = own_things(whose, case.value("source"))
        entered = {"CONTAINER", "my_test_c"} if case.typed or whose == "run" else {"CONTAINER"}
        entered |= {"my_test_c"} if whose == "own" else set()
        told = advised(entry, case)
        assert told, "a finding says what to do, whatever was seen"
        for advice, lang in product(told, LANGS):
            remedy = advice.fill(filler(case), lang)
            assert wrong(advice, remedy, own, entered) == [], (whose, remedy)


@pytest.mark.parametrize("message", MESSAGES, ids=IDS)
def test_no_real_message_leads_to_a_dangerous_line(
    machine: Machine, message: dict[str, Any]
) -> None:
    for whose, state, lang in product(WHOSE, STATES, LANGS):
        described(machine, whose, state)
        for finding in diagnose(Symptom(message["text"]), machine.facts(), lang=lang):
            for remedy in finding.remedies:
                done = [act for command in remedy.commands for act in acts(command)]
                grave = [a for a in done if a.kind in ("destroys", "makes")]
                targets = {target for act in grave for target in act.targets}
                assert all(act.targets for act in grave), remedy
                assert targets <= own_things(whose, None), (whose, remedy)


def test_what_is_own_may_be_ended_so_the_matrix_is_not_empty(machine: Machine) -> None:
    described(machine, "own", "exited")
    seen: set[str] = set()
    for entry in ENTRIES:
        for whose, case in cases(machine, entry):
            if whose == "own":
                told = [advice.fill(filler(case), "en") for advice in advised(entry, case)]
                lines = [command for remedy in told for command in remedy.commands]
                seen |= {act.verb for line in lines for act in acts(line)}
    assert {"docker rm", "docker stop", "docker restart", "docker start", "sed", "mkdir"} <= seen


# --- the reading of lines itself ---


@pytest.mark.parametrize(
    "line",
    [
        "docker rm my_test_c",
        "docker rm -f my_test_c",
        "docker container rm my_test_c",
        "docker rmi kim/test",
        "docker image prune",
        "docker image prune -af",
        "docker system prune",
        "docker volume rm data",
        "docker network prune",
        "docker builder prune",
        "docker compose down",
        "docker -H tcp://x stop my_test_c",
        "docker kill my_test_c",
        "docker start my_test_c",
        "docker exec -u 0 other chown 1:1 /data",
        "docker ps && docker stop my_test_c",
        "docker ps; docker rm my_test_c",
        "docker ps -q | sudo kill 77",
        "sudo rmdir /mnt/nas",
        "sudo chown kim /home/lee/data",
        "chmod o+x /home/lee",
        "sudo usermod -aG sudo kim",
        "usermod -aG docker lee",
        "gpasswd -a kim docker",
        "kill 77",
        "mkdir -p /mnt/nas/kim",
        "mv /mnt/nas /mnt/old",
        "truncate -s 0 /var/log/x",
        "sed -i 's/a/b/' /etc/docker/daemon.json",
        "dd if=/dev/zero of=/dev/sda",
        "sudo systemctl restart docker",
        "sudo umount /mnt/nas",
        "sudo mkfs.ext4 /dev/sdb",
        "sudo reboot",
    ],
)
def test_a_line_that_harms_is_seen_to(line: str) -> None:
    advice = Advice("user", "mine", "", "", (line,))
    assert wrong(advice, advice.fill(lambda _: None, "en"), set(), set())


@pytest.mark.parametrize(
    ("said", "korean"),
    [
        ("Otherwise remove it.", "아니면 삭제합니다."),
        ("Look, then stop it.", "확인하고 중지합니다."),
        ("Type docker rm my_test_c.", "docker rm my_test_c 를 입력합니다."),
        ("Let root chown the folder.", "root가 chown 합니다."),
    ],
)
def test_a_sentence_that_orders_it_is_seen_to(said: str, korean: str) -> None:
    advice = Advice("user", "mine", said, korean)
    for lang in LANGS:
        assert wrong(advice, advice.fill(lambda _: None, lang), set(), set())


@pytest.mark.parametrize(
    "line",
    [
        "docker ps -a --filter name=^my_test_c$",
        "docker inspect -f '{{.State.Error}}' my_test_c",
        "docker run --rm BASE getent passwd 1000",
        "docker logs my_test_c",
        "findmnt -T /mnt/nas",
        "ls -ld /mnt/nas",
        "docker build -t NAME . -f dockerfile",
    ],
)
def test_a_look_is_allowed(line: str) -> None:
    advice = Advice("user", "nothing", "", "", (line,))
    assert wrong(advice, advice.fill(lambda _: None, "en"), set(), set()) == []
