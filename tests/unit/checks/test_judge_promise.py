"""Every promise that is judged has facts that keep it, and facts that break it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lifecycle.checks.judge_promise import judge, judge_all
from lifecycle.checks.rules import Rule
from lifecycle.checks.table import RULES, row_of
from lifecycle.command.flags import VERBS
from lifecycle.command.parse import parse
from lifecycle.command.promise import Expected
from lifecycle.command.promises import promises
from lifecycle.command.values.mounts import BindEnds, Mount
from lifecycle.command.values.ports import PublishedPort
from lifecycle.facts.model import ContainerFacts
from tests.unit.checks.cases import ALL, DECLARED, LIFE, Case, host
from tests.unit.checks.cases_command_output import BUILT, CALLERS, LOGS
from tests.unit.checks.cases_inside import INSIDE, OUTSIDE, smi
from tests.unit.checks.cases_lifetime import LIVED
from tests.unit.checks.cases_limits import LIMITED
from tests.unit.checks.cases_network import NETWORKS
from tests.unit.checks.cases_other import EXEC, OTHER
from tests.unit.checks.cases_security import OPTIONS, SECURED, SHARED
from tests.unit.checks.cases_verbs import MOUNT_OPTIONS, THINGS, VOLUMES
from tests.unit.checks.cases_verbs import VERBS as OF_VERBS
from tests.unit.checks.samples import (
    GPUS,
    SEEN,
    UNSEEN,
    executed,
    having,
    inspected,
    said,
    step,
    world,
)

CASES = [
    *LIFE,
    *DECLARED,
    *INSIDE,
    *OUTSIDE,
    *EXEC,
    *OTHER,
    *NETWORKS,
    *MOUNT_OPTIONS,
    *VOLUMES,
    *OF_VERBS,
    *THINGS,
    *LIMITED,
    *SECURED,
    *OPTIONS,
    *SHARED,
    *LIVED,
    *LOGS,
    *CALLERS,
    *BUILT,
]
OF_CONTAINERS = {field: rule for field, rule in RULES.items() if isinstance(rule, Rule)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_promise_is_kept(case: Case) -> None:
    check = judge(case.promise, case.kept)
    assert (check.status, check.actual) == ("kept", check.expected)
    assert check.source


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_promise_is_broken_and_what_was_found_is_shown(case: Case) -> None:
    check = judge(case.promise, case.broken)
    assert check.status == "broken"
    assert check.actual != check.expected
    assert case.promise.flag in check.about


@pytest.mark.parametrize("case", [c for c in CASES if c.unseen], ids=str)
def test_a_promise_that_was_not_observed_is_unverified_with_the_reason(case: Case) -> None:
    assert case.unseen is not None
    check = judge(case.promise, case.unseen)
    assert (check.status, check.source) == ("unverified", case.reason)


def test_every_row_has_facts_that_keep_it_and_facts_that_break_it() -> None:
    assert {row_of(c.promise.field) for c in CASES} == set(RULES)


def test_every_promise_that_is_seen_inside_or_outside_has_facts_that_hide_it() -> None:
    far = {
        (row_of(c.promise.field), c.promise.where) for c in CASES if c.promise.where != "inspect"
    }
    hidden = {(row_of(c.promise.field), c.promise.where) for c in CASES if c.unseen}
    assert far <= hidden


def test_every_promise_that_a_flag_makes_is_judged_where_it_is_seen() -> None:
    judged = {(row_of(c.promise.field), c.promise.where) for c in CASES}
    made = {
        (says.field, where)
        for verb in VERBS.values()
        for flag in verb.flags
        for says in flag.says
        for where in says.where
    }
    assert made <= judged


@pytest.mark.parametrize("field", sorted(OF_CONTAINERS))
def test_a_container_that_was_not_looked_at_leaves_its_promises_unverified(field: str) -> None:
    check = judge(said("-x", field, "anything"), step())
    assert (check.status, check.source) == ("unverified", "the container was not looked at")


@pytest.mark.parametrize(
    "field", sorted(f for f, rule in OF_CONTAINERS.items() if not rule.when_gone)
)
def test_a_container_that_does_not_exist_breaks_one_promise_and_not_all(field: str) -> None:
    check = judge(said("-x", field, "anything"), having(None))
    assert (check.status, check.source) == ("unverified", "container c does not exist")


def test_a_promise_known_to_be_unobservable_says_why_whatever_is_found() -> None:
    promise = said("--dns", "flag.dns", "192.0.2.53", unverified="not built yet")
    check = judge(promise, having(inspected()))
    assert (check.status, check.source) == ("unverified", "not built yet")
    assert check.about == "--dns: the promise of --dns"


def test_a_field_that_nobody_judges_is_unverified() -> None:
    check = judge(said("-x", "moon.phase", "full"), step())
    assert check.source == "nothing checks moon.phase yet"


def test_the_whole_of_a_line_is_judged_in_the_order_of_its_promises() -> None:
    line = parse(["docker", "run", "-t", "--name", "cc", "-e", "A=1", "me/test", "bash"])
    facts = having(inspected(Name="/cc", Config={"Tty": True, "Env": ["A=1"]}), UNSEEN)
    facts.containers["cc"] = replace(facts.containers.pop("c"), name="cc")
    checks = judge_all(promises(line), facts)
    assert [c.about for c in checks] == [
        "run: cc: is there",
        "run: cc: was started",
        "run: cc: is made of",
        "-t: cc: has a terminal",
        "-t: cc: has a terminal (seen inside)",
        "--name: cc: has its name",
        "-e: cc: env A",
        "-e: cc: env A (seen inside)",
        "run: cc: runs the command",
    ]
    assert {c.status for c in checks} == {"kept", "unverified"}


def test_an_environment_variable_of_unknown_value_is_not_guessed() -> None:
    check = judge(said("-e", "container.env.A", None), having(inspected()))
    of_exec = judge(said("-e", "exec.env.A", None, "host"), executed(env={"A": "1"}))
    untold = "what the caller's environment held then is not known"
    assert (check.source, of_exec.source) == (untold, untold)


def test_what_the_caller_has_is_in_no_report() -> None:
    facts = replace(having(inspected(Config={"Env": ["A=w0rd"]})), environ={"A": "s3cret"})
    told = str(judge(said("-e", "container.env.A", None), facts).to_json())
    assert "s3cret" not in told
    assert "w0rd" not in told


@pytest.mark.parametrize(
    ("what", "last", "first"),
    [
        ("seccomp", "unconfined", "builtin"),
        ("apparmor", "mine", "docker-default"),
        ("no_new_privileges", True, False),
    ],
)
def test_of_two_security_options_about_the_same_the_last_counts(
    what: str, last: Expected, first: Expected
) -> None:
    key = what.replace("_", "-")
    asked = [f"{key}={str(v).lower() if isinstance(v, bool) else v}" for v in (first, last)]
    field, facts = f"container.security.{what}", host(SecurityOpt=asked)
    checks = [judge(said("--security-opt", field, v), facts) for v in (last, first)]
    assert [c.status for c in checks] == ["kept", "broken"]


def test_a_label_has_several_parts() -> None:
    facts = host(SecurityOpt=["label=user:me", "label=role:r"])
    for part, value in (("user", "user:me"), ("role", "role:r")):
        promise = said("--security-opt", f"container.security.label.{part}", value)
        assert judge(promise, facts).status == "kept"


def test_a_mount_is_not_taken_for_one_at_another_place() -> None:
    wanted = Mount("/a", "/b", "bind", readonly=False)
    check = judge(said("-v", "container.mount", wanted), having(inspected()))
    assert (check.status, check.actual) == ("broken", None)


def test_a_gpu_named_in_a_way_that_this_machine_does_not_know_is_unverified() -> None:
    wanted = replace(ALL, count=0, devices=("0:1",))
    check = judge(said("--gpus", "container.gpus.visible", wanted, "inside"), smi("GPU-aa"))
    assert check.source == "which GPU of this machine 0:1 is can't be told"


def test_simulated_gpus_can_not_be_taken_for_real_ones() -> None:
    simulated = replace(GPUS, source="simulated")
    check = judge(
        said("--gpus", "container.gpus.visible", ALL, "inside"), smi("GPU-aa", gpus=simulated)
    )
    assert check.about.endswith("[SIMULATED]")


def test_another_machine_tells_nothing_of_files_and_owners_here() -> None:
    promise = said("-v", "container.mount.round_trip", BindEnds("/a", "/b"), "host")
    far = having(inspected(), around=world(shares_machine=False))
    assert "another machine" in judge(promise, far).source
    ended = having(inspected(), UNSEEN)
    assert judge(promise, ended).source == UNSEEN.unseen
    assert judge(promise, having(inspected())).source == "no file was sent through it"


def test_a_port_that_nobody_tried_is_unverified() -> None:
    wanted = PublishedPort("80/tcp", "", "")
    check = judge(said("-p", "container.port.answers", wanted, "host"), having(inspected()))
    assert check.source == "nobody tried to connect"


def test_a_published_port_discarded_by_another_network_mode_is_broken() -> None:
    wanted = PublishedPort("80/tcp", "", "80")
    facts = host(NetworkMode="host", PortBindings={"80/tcp": [{"HostIp": "", "HostPort": "80"}]})
    assert judge(said("-p", "container.port", wanted), facts).status == "broken"


def test_a_size_of_shared_memory_is_in_bytes_rounded_up_to_a_page() -> None:
    promise = said("--shm-size", "container.shm_size", 65536 * 1024 - 4096, "inside")
    facts = having(inspected(), SEEN)
    assert judge(promise, facts).status == "broken"


def test_the_facts_of_one_container_are_the_freshest() -> None:
    created, now = inspected(Name="/old"), inspected()
    assert ContainerFacts("c", now=now, created=created).inspect is now
    assert ContainerFacts("c", created=created).inspect is created
    assert not ContainerFacts("c", created=created).is_up
