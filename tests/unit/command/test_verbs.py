"""What each verb's columns say is held against what else is known of the verb."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import MISSING, fields

import pytest

from lifecycle.command import name_rules
from lifecycle.command.flags import VERBS, Does, Verb, does
from lifecycle.command.line import DockerLine, Ref
from lifecycle.command.parse import parse
from lifecycle.command.promises import promises
from lifecycle.command.values.basic import ImpossibleError

EVERY = pytest.mark.parametrize("verb", VERBS.values(), ids=lambda v: v.name)
KINDS = ("container", "image", "network", "volume")
PROBES = (
    *("xx", "container:xx", "xx:/y", "xx:y", "type=volume,src=xx,dst=/y"),
    *("volume=xx", "ancestor=xx", "network=xx"),
)
ABOUT = {
    "commit": "image",  # docker container commit: its flags speak of the image
    "network connect": "container",  # and of these two the container changes
    "network disconnect": "container",
    "search": "engine",  # docker search: an engine asks a registry, and nothing here is meant
    "system prune": "container",
    "builder prune": "image",
}
JOINS = {"run", "create", "build"}
"""They make a thing of their own, and may be told to join another's container."""
READ = {
    ("port", "container"),
    ("top", "container"),
    ("logs", "container"),
    ("diff", "container"),
    ("stats", "container"),
    ("container inspect", "container"),
    ("inspect", "container"),
    ("inspect", "image"),
    ("ps", "image"),
    ("ps", "volume"),
    ("ps", "network"),
    *((name, "image") for name in ("run", "create", "push", "tag", "save", "images")),
    *((name, "image") for name in ("history", "image inspect")),
    *((name, "network") for name in ("run", "create", "build", "network create")),
    ("network inspect", "network"),
    ("volume inspect", "volume"),
}
"""What a verb may use and yet not touch: to look at it, or for what many use at once."""


def sample(verb: Verb) -> DockerLine:
    return parse(shlex.split(f"docker {verb.name} {verb.sample}"))


def named(verb: Verb) -> set[tuple[str, str]]:
    """Each kind and role that a word of the verb may name."""
    rules = [a.names for a in verb.args] + [f.names for f in verb.flags]
    return {(ref.kind, role) for rule in rules for ref, role in _tried(rule)}


def _tried(rule: object) -> Iterator[tuple[Ref, str]]:
    for probe in PROBES:
        try:
            yield from [(ref, role) for ref, role, _, _ in rule(probe)]  # type: ignore[operator]
        except ImpossibleError:
            continue


def fields_of(verb: Verb) -> set[str]:
    """What the shortest line of a verb promises."""
    return {p.field for p in promises(sample(verb))}


def flags(verb: Verb) -> set[str]:
    return {f.long for f in verb.flags}


def test_no_column_has_a_default() -> None:
    assert [f.name for f in fields(Does) if f.default is not MISSING] == []
    with pytest.raises(TypeError, match="'does' and 'sample'"):
        Verb("new")  # type: ignore[call-arg]


@EVERY
def test_the_shortest_line_of_a_verb_is_read_as_that_verb(verb: Verb) -> None:
    assert sample(verb).verb == verb.name
    assert len(sample(verb).args) - verb.at_least in {0, 1}


@EVERY
def test_a_verb_acts_on_what_its_group_in_the_cli_is_about(verb: Verb) -> None:
    groups = {s.split()[0] for s in (verb.name, *verb.aliases) if " " in s}
    kinds = [k for k in KINDS if k in groups]
    if verb.name in ABOUT:
        assert verb.does.acts_on == ABOUT[verb.name] not in kinds
    elif kinds or groups == {"builder", "buildx"}:
        assert [verb.does.acts_on] == (kinds or ["image"])
    else:
        assert verb.does.acts_on in {"any", "engine"}


@EVERY
def test_what_a_verb_makes_can_be_named_in_it_and_promised_of_it(verb: Verb) -> None:
    created = {kind for kind, role in named(verb) if role == "creates"}
    made = verb.does.makes
    if made:
        assert made in created or verb.name == "load"  # which an archive names
        assert f"{made}.exists" in fields_of(verb)
    else:
        assert not created or verb.name == "rename"  # a new name, for what was there


@EVERY
def test_a_verb_adopts_what_it_makes_if_the_line_can_not_give_it_a_new_name(verb: Verb) -> None:
    rules = [a.names for a in verb.args] + [f.names for f in verb.flags]
    own = name_rules.new_image in rules
    assert verb.does.adopts == (verb.does.makes == "image" and not own)


@EVERY
def test_a_verb_needs_an_image_if_it_can_be_told_when_to_pull_it(verb: Verb) -> None:
    assert verb.does.needs_image == ("--pull" in flags(verb))


@EVERY
def test_a_verb_starts_a_container_if_it_promises_a_start(verb: Verb) -> None:
    assert verb.does.starts == ("container.started" in fields_of(verb))


@EVERY
def test_what_a_verb_destroys_or_stops_it_ends_and_what_it_ends_it_touches(verb: Verb) -> None:
    destroyed = {kind for kind, role in named(verb) if role == "destroys"}
    assert destroyed <= set(verb.does.ends) <= set(verb.does.touches)
    said = {(p.field, str(p.expected)) for p in promises(sample(verb))}
    stops = {("container.state", "exited"), ("container.restarted", "True")} & said
    assert bool(stops) <= ("container" in verb.does.ends)
    told = destroyed or stops or verb.name.endswith("prune")
    assert bool(verb.does.ends) == bool(told)


@EVERY
def test_what_a_verb_uses_it_touches_unless_it_only_reads_it(verb: Verb) -> None:
    used = {kind for kind, role in named(verb) if role in {"uses", "destroys"}}
    read = {kind for name, kind in READ if name == verb.name}
    assert set(verb.does.touches) == (used - read) | ({*verb.does.ends} - used)
    assert read <= used


@EVERY
def test_only_what_joins_another_container_makes_a_thing_and_touches_one(verb: Verb) -> None:
    both = verb.does.makes and verb.does.touches
    assert bool(both) == (verb.name in JOINS | {"commit"})


@EVERY
def test_a_verb_opens_a_terminal_if_keys_can_detach_it(verb: Verb) -> None:
    assert bool(verb.does.opens_on) == ("--detach-keys" in flags(verb))
    assert not verb.does.opens_on or verb.does.first_process or verb.does.comes_in


@EVERY
def test_a_verb_runs_a_program_if_its_arguments_name_one(verb: Verb) -> None:
    takes = not verb.interspersed and "COMMAND" in {a.title for a in verb.args}
    assert bool(verb.does.command) == takes
    assert not takes or verb.does.command in fields_of(verb)


@EVERY
def test_a_verb_is_slow_if_it_moves_layers_or_archives(verb: Verb) -> None:
    moves = "image.pushed" in fields_of(verb) or "--output" in flags(verb)
    makes = verb.does.makes == "image" and verb.name != "tag"  # a name costs nothing
    assert verb.does.slow == (moves or makes)


def test_a_line_that_is_not_docker_does_nothing_to_an_engine_that_is_known_from_it() -> None:
    assert not any(vars(does(None))[c] for c in ("makes", "starts", "ends", "touches", "opens_on"))
