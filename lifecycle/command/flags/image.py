"""The verbs that act on images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lifecycle.command import name_rules, verb_promises
from lifecycle.command.build_promises import built
from lifecycle.command.flag_row import (
    HOST,
    INSPECT,
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
)
from lifecycle.command.flags.container import FORMAT, READ
from lifecycle.command.flags.run import CLIENT, TRUST, WINDOWS
from lifecycle.command.values import basic, limits
from lifecycle.command.values.changes import change, each_change
from lifecycle.command.values.csv_fields import fields
from lifecycle.command.values.promised import Promised

BUILDKIT = "needs BuildKit"
CACHE = "how the build goes about it, not what it makes"
MANIFEST = "for the manifests of a registry, not for the image here"
ONE_OF = "which platform of an image of several; the others stay as they are"
STEPS = "holds for the build's own steps and is gone with them"

_IMAGES = Arg("IMAGE", name_rules.image("uses"), many=True)
_NEW = Each("image.exists", "image", "creates")
_FILE = (Says("file.exists", HOST),)
_LABELS = (Says("image.labels", INSPECT, by_key),)
_PLATFORM = (Says("image.platform"),)
_CHANGE = many(
    "--change",
    "-c",
    read=change,
    says=(Says("image.change", INSPECT, each_change),),
)
_MESSAGE = value("--message", "-m", says=(Says("image.comment"),))


def _of_fields(text: str) -> str:
    """The line itself; raises ImpossibleError where it is no CSV."""
    fields(text)
    return text


def _destination(text: str) -> Iterator[Promised[str]]:
    """Where ``-o`` writes: a folder, or ``dest=`` of its long form."""
    places = [f.value or f.key for f in fields(text) if f.value is None or f.key == "dest"]
    if places and places[-1] != "-":
        yield "", places[-1], ""


def _alias(name: str, *more: str) -> tuple[str, ...]:
    return tuple(f"image {n}" for n in (name, *more))


_LEGACY_BUILD: tuple[Flag, ...] = (
    many("--add-host", read=basic.extra_host, none=STEPS),
    many("--build-arg", read=basic.variable, says=(Says("image.build_arg", INSPECT, by_key),)),
    many("--cache-from", none=CACHE),
    value("--cgroup-parent", none=STEPS),
    switch("--compress", none=CACHE),
    value("--cpu-period", read=basic.integer, none=STEPS),
    value("--cpu-quota", read=basic.integer, none=STEPS),
    value("--cpu-shares", "-c", read=basic.integer, none=STEPS),
    value("--cpuset-cpus", none=STEPS),
    value("--cpuset-mems", none=STEPS),
    switch("--disable-content-trust", none=TRUST),
    value("--file", "-f", none=READ),
    switch("--force-rm", none=CACHE),
    value("--iidfile", says=(*_FILE, Says("image.id_file", HOST))),
    value("--isolation", none=WINDOWS),
    many("--label", read=basic.pair, says=_LABELS),
    value("--memory", "-m", read=basic.size, none=STEPS),
    value("--memory-swap", read=basic.swap_size, none=STEPS),
    value("--network", names=name_rules.network_value, none=STEPS),
    switch("--no-cache", none=CACHE),
    many("--platform", read=basic.platform, says=_PLATFORM),
    switch("--pull", none=CACHE),
    switch("--quiet", "-q", none=CLIENT),
    switch("--rm", none=CACHE),
    many("--security-opt", none=STEPS),
    value("--shm-size", read=basic.size, none=STEPS),
    switch("--squash", none="how many layers it has; an experiment of the old builder"),
    many("--tag", "-t", none=READ, names=name_rules.new_image),
    value("--target", says=(Says("image.stage"),)),
    many("--ulimit", read=limits.ulimit, none=STEPS),
)
_BUILDX: tuple[Flag, ...] = tuple(
    replace(flag, source="buildx")
    for flag in (
        many("--allow", none=STEPS),
        many("--annotation", none=MANIFEST),
        many("--attest", none=MANIFEST),
        many("--build-context", none=CACHE),
        value("--builder", none=CACHE),
        many("--cache-to", none=CACHE),
        value("--call", none="what is printed instead of a build"),
        switch("--check", none="checks instead of building"),
        switch("--debug", "-D", none=CLIENT),
        switch("--load", none="the verb's own promise: the image is there"),
        value("--metadata-file", says=_FILE, untested=BUILDKIT),
        many("--no-cache-filter", none=CACHE),
        many(
            "--output",
            "-o",
            read=_of_fields,
            says=(Says("file.exists", HOST, _destination),),
            untested=BUILDKIT,
        ),
        value("--progress", none=CLIENT),
        value("--provenance", none=MANIFEST),
        switch("--push", none=READ),
        value("--sbom", none=MANIFEST),
        many("--secret", none=STEPS),
        many("--ssh", none=STEPS),
    )
)

VERBS: tuple[Verb, ...] = (
    Verb(
        "build",
        (*_LEGACY_BUILD, *_BUILDX),
        (Arg("PATH | URL | -"),),
        aliases=(*_alias("build"), "builder build", "buildx build"),
        does=makes("image", needs_image=True, touches=("container",), slow=True),
        sample="-t image .",
        special=built,
    ),
    Verb(
        "pull",
        (
            switch("--all-tags", "-a", none="the registry's tags are not in the line"),
            switch("--disable-content-trust", none=TRUST),
            value("--platform", read=basic.platform, says=_PLATFORM),
            switch("--quiet", "-q", none=CLIENT),
        ),
        (Arg("NAME[:TAG|@DIGEST]", name_rules.image("creates")),),
        aliases=_alias("pull"),
        says=(Each("image.exists", "image", "creates", unless=("--all-tags",)),),
        does=makes("image", adopts=True, slow=True),
        sample="image",
        special=verb_promises.pulled,
    ),
    Verb(
        "push",
        (
            switch("--all-tags", "-a", none="the tags that are here are not in the line"),
            switch("--disable-content-trust", none=TRUST),
            value("--platform", none=ONE_OF),
            switch("--quiet", "-q", none=CLIENT),
        ),
        (Arg("NAME[:TAG]", name_rules.pushed_image),),
        aliases=_alias("push"),
        says=(
            Each(
                "image.pushed",
                "image",
                "uses",
                where="host",
                unless=("--all-tags",),
            ),
        ),
        does=looks_at("image", slow=True),
        sample="image",
    ),
    Verb(
        "tag",
        (),
        (
            Arg("SOURCE_IMAGE[:TAG]", name_rules.image("uses")),
            Arg("TARGET_IMAGE", name_rules.new_image),
        ),
        aliases=_alias("tag"),
        says=(_NEW,),
        does=makes("image"),
        sample="source image",
        special=verb_promises.tagged,
    ),
    Verb(
        "rmi",
        (
            switch("--force", "-f", none="that its tag may be in use"),
            switch("--no-prune", none="what is kept below it"),
            many("--platform", none=ONE_OF),
        ),
        (Arg("IMAGE", name_rules.image("destroys"), many=True),),
        aliases=_alias("rm", "remove", "rmi"),
        says=(Each("image.exists", "image", "destroys", expected=False, unless=("--platform",)),),
        does=changes("image", ends=True),
        sample="image",
    ),
    Verb(
        "save",
        (value("--output", "-o", says=_FILE), many("--platform", none=ONE_OF)),
        (_IMAGES,),
        aliases=_alias("save"),
        does=looks_at("image", slow=True),
        sample="image",
    ),
    Verb(
        "load",
        (
            value("--input", "-i", none="where the archive is"),
            many("--platform", none=ONE_OF),
            switch("--quiet", "-q", none=CLIENT),
        ),
        (),
        aliases=_alias("load"),
        does=makes("image", adopts=True, slow=True),
        sample="",
        special=verb_promises.loaded,
    ),
    Verb(
        "import",
        (
            _CHANGE,
            _MESSAGE,
            value("--platform", read=basic.platform, says=_PLATFORM),
        ),
        (Arg("file | URL | -"), Arg("REPOSITORY[:TAG]", name_rules.new_image, optional=True)),
        aliases=_alias("import"),
        says=(_NEW,),
        does=makes("image", slow=True),
        sample="archive.tar image",
    ),
    Verb(
        "commit",
        (
            value("--author", "-a", says=(Says("image.author"),)),
            _CHANGE,
            _MESSAGE,
            switch("--pause", "-p", none="how it is done, not what is made"),
        ),
        (
            Arg("CONTAINER", name_rules.thing("container", "uses")),
            Arg("REPOSITORY[:TAG]", name_rules.new_image, optional=True),
        ),
        aliases=("container commit",),
        says=(_NEW,),
        does=makes("image", touches=("container",), slow=True),
        sample="CONTAINER image",
    ),
    Verb(
        "images",
        (
            switch("--all", "-a", none=FORMAT),
            switch("--digests", none=FORMAT),
            many("--filter", "-f", read=basic.key_value, none=FORMAT),
            value("--format", none=FORMAT),
            switch("--no-trunc", none=FORMAT),
            switch("--quiet", "-q", none=FORMAT),
            switch("--tree", none=FORMAT),
        ),
        (Arg("REPOSITORY[:TAG]", name_rules.image_pattern, optional=True),),
        aliases=_alias("ls", "list"),
        does=looks_at("image"),
        sample="",
    ),
    Verb(
        "history",
        (
            value("--format", none=FORMAT),
            switch("--human", "-H", none=FORMAT),
            switch("--no-trunc", none=FORMAT),
            value("--platform", none=FORMAT),
            switch("--quiet", "-q", none=FORMAT),
        ),
        (Arg("IMAGE", name_rules.image("uses")),),
        aliases=_alias("history"),
        does=looks_at("image"),
        sample="image",
    ),
    Verb(
        "image inspect",
        (value("--format", "-f", none=FORMAT), value("--platform", none=FORMAT)),
        (_IMAGES,),
        does=looks_at("image"),
        sample="image",
    ),
    Verb(
        "search",
        (
            many("--filter", "-f", read=basic.key_value, none=FORMAT),
            value("--format", none=FORMAT),
            value("--limit", read=basic.integer, none=FORMAT),
            switch("--no-trunc", none=FORMAT),
        ),
        (Arg("TERM"),),
        does=looks_at("engine"),
        sample="TERM",
    ),
)
