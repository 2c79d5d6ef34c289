"""The verbs that act on images."""

from __future__ import annotations

from dataclasses import replace

from lifecycle.command import naming, values
from lifecycle.command.flags.container import FORMAT, READ
from lifecycle.command.flags.run import CLIENT, TRUST, WINDOWS
from lifecycle.command.row import HOST, Arg, Each, Flag, Says, Verb, many, switch, value

CACHE = "how the build goes about it, not what it makes"
STEPS = "holds for the build's own steps and is gone with them"

_IMAGES = Arg("IMAGE", naming.image("uses"), many=True)
_NEW = Each("image.exists", "image", "creates")
_FILE = (Says("file.exists", HOST),)


def _alias(name: str, *more: str) -> tuple[str, ...]:
    return tuple(f"image {n}" for n in (name, *more))


_LEGACY_BUILD: tuple[Flag, ...] = (
    many("--add-host", read=values.extra_host, none=STEPS),
    many("--build-arg", read=values.variable, none=READ),
    many("--cache-from", none=CACHE),
    value("--cgroup-parent", none=STEPS),
    switch("--compress", none=CACHE),
    value("--cpu-period", read=values.integer, none=STEPS),
    value("--cpu-quota", read=values.integer, none=STEPS),
    value("--cpu-shares", "-c", read=values.integer, none=STEPS),
    value("--cpuset-cpus", none=STEPS),
    value("--cpuset-mems", none=STEPS),
    switch("--disable-content-trust", none=TRUST),
    value("--file", "-f", none=READ),
    switch("--force-rm", none=CACHE),
    value("--iidfile", says=_FILE),
    value("--isolation", none=WINDOWS),
    many("--label", read=values.pair),
    value("--memory", "-m", read=values.size, none=STEPS),
    value("--memory-swap", read=values.swap_size, none=STEPS),
    value("--network", names=naming.network_value, none=STEPS),
    switch("--no-cache", none=CACHE),
    many("--platform"),
    switch("--pull", none=CACHE),
    switch("--quiet", "-q", none=CLIENT),
    switch("--rm", none=CACHE),
    many("--security-opt", none=STEPS),
    value("--shm-size", read=values.size, none=STEPS),
    switch("--squash"),
    many("--tag", "-t", none=READ, names=naming.new_image),
    value("--target", none=READ),
    many("--ulimit", read=values.ulimit, none=STEPS),
)
_BUILDX: tuple[Flag, ...] = tuple(
    replace(flag, source="buildx")
    for flag in (
        many("--allow", none=STEPS),
        many("--annotation"),
        many("--attest"),
        many("--build-context", none=CACHE),
        value("--builder", none=CACHE),
        many("--cache-to", none=CACHE),
        value("--call", none="what is printed instead of a build"),
        switch("--check", none="checks instead of building"),
        switch("--debug", "-D", none=CLIENT),
        switch("--load", none="the verb's own promise: the image is there"),
        value("--metadata-file", says=_FILE),
        many("--no-cache-filter", none=CACHE),
        many("--output", "-o"),
        value("--progress", none=CLIENT),
        value("--provenance"),
        switch("--push", none=READ),
        value("--sbom"),
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
    ),
    Verb(
        "pull",
        (
            switch("--all-tags", "-a"),
            switch("--disable-content-trust", none=TRUST),
            value("--platform"),
            switch("--quiet", "-q", none=CLIENT),
        ),
        (Arg("NAME[:TAG|@DIGEST]", naming.image("creates")),),
        aliases=_alias("pull"),
        says=(Each("image.exists", "image", "creates", unless=("--all-tags",)),),
    ),
    Verb(
        "push",
        (
            switch("--all-tags", "-a"),
            switch("--disable-content-trust", none=TRUST),
            value("--platform"),
            switch("--quiet", "-q", none=CLIENT),
        ),
        (Arg("NAME[:TAG]", naming.pushed_image),),
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
    ),
    Verb(
        "tag",
        (),
        (Arg("SOURCE_IMAGE[:TAG]", naming.image("uses")), Arg("TARGET_IMAGE", naming.new_image)),
        aliases=_alias("tag"),
        says=(_NEW,),
    ),
    Verb(
        "rmi",
        (
            switch("--force", "-f", none="that its tag may be in use"),
            switch("--no-prune", none="what is kept below it"),
            many("--platform"),
        ),
        (Arg("IMAGE", naming.image("destroys"), many=True),),
        aliases=_alias("rm", "remove", "rmi"),
        says=(Each("image.exists", "image", "destroys", expected=False, unless=("--platform",)),),
    ),
    Verb(
        "save",
        (value("--output", "-o", says=_FILE), value("--platform")),
        (_IMAGES,),
        aliases=_alias("save"),
    ),
    Verb(
        "load",
        (
            value("--input", "-i", none="where the archive is"),
            value("--platform"),
            switch("--quiet", "-q", none=CLIENT),
        ),
        (),
        aliases=_alias("load"),
    ),
    Verb(
        "import",
        (
            many("--change", "-c"),
            value("--message", "-m"),
            value("--platform"),
        ),
        (Arg("file | URL | -"), Arg("REPOSITORY[:TAG]", naming.new_image, optional=True)),
        aliases=_alias("import"),
        says=(_NEW,),
    ),
    Verb(
        "commit",
        (
            value("--author", "-a"),
            many("--change", "-c"),
            value("--message", "-m"),
            switch("--pause", "-p", none="how it is done, not what is made"),
        ),
        (
            Arg("CONTAINER", naming.thing("container", "uses")),
            Arg("REPOSITORY[:TAG]", naming.new_image, optional=True),
        ),
        aliases=("container commit",),
        says=(_NEW,),
    ),
    Verb(
        "images",
        (
            switch("--all", "-a", none=FORMAT),
            switch("--digests", none=FORMAT),
            many("--filter", "-f", read=values.key_value, none=FORMAT),
            value("--format", none=FORMAT),
            switch("--no-trunc", none=FORMAT),
            switch("--quiet", "-q", none=FORMAT),
            switch("--tree", none=FORMAT),
        ),
        (Arg("REPOSITORY[:TAG]", naming.image_pattern, optional=True),),
        aliases=_alias("ls", "list"),
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
        (Arg("IMAGE", naming.image("uses")),),
        aliases=_alias("history"),
    ),
    Verb(
        "image inspect",
        (value("--format", "-f", none=FORMAT), value("--platform", none=FORMAT)),
        (_IMAGES,),
    ),
    Verb(
        "search",
        (
            many("--filter", "-f", read=values.key_value, none=FORMAT),
            value("--format", none=FORMAT),
            value("--limit", read=values.integer, none=FORMAT),
            switch("--no-trunc", none=FORMAT),
        ),
        (Arg("TERM"),),
    ),
)
