"""Archives of images: every tag that one brings is known before it is loaded, and none moves."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from lifecycle.gate.archive import Spool
from tests.fakes.gate import Asked, stream
from tests.unit.run.requests.fakes import RUN, Run

THEIRS = "theirs:latest"
CONFIG = b'{"architecture": "amd64"}'
ID = hashlib.sha256(CONFIG).hexdigest()
OTHER = b'{"architecture": "arm64"}'
OTHER_ID = hashlib.sha256(OTHER).hexdigest()
CONTAINERD = [["driver-type", "io.containerd.snapshotter.v1"]]
LAYOUT = {"imageLayoutVersion": "1.0.0"}
Files = dict[str, Any]


def packed(files: Files, **links: str) -> bytes:
    """An archive of these files, and of links by their targets."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, target in links.items():
            link = tarfile.TarInfo(name.replace("__", "."))
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def manifest(*tags: str, config: str = f"{ID}.json", key: str = "RepoTags") -> list[Any]:
    return [{"Config": config, key: list(tags), "Layers": []}]


def index(*images: tuple[str, str], key: str = "io.containerd.image.name") -> Any:
    entries = [{"digest": f"sha256:{d}", "annotations": {key: tag}} for tag, d in images]
    return {"schemaVersion": 2, "manifests": entries}


def load(run: Run, archive: bytes, *said: Any) -> Asked:
    """Have the loading of an archive judged."""
    with Spool() as spool:
        spool.take([archive[:100], archive[100:]])
        told = json.loads(json.dumps(spool.listed()))
    return run.ask("POST /images/load", b"", lambda: stream(*said), archive=told)


@pytest.fixture
def shared(run: Run) -> Run:
    run.engine.tag("b", THEIRS)
    return run


NAMING: list[Files] = [
    {"manifest.json": manifest(THEIRS)},
    {"./manifest.json": manifest(THEIRS)},
    {"folder/manifest.json": manifest(THEIRS)},
    {"manifest.json/.": manifest(THEIRS)},
    {"x/../manifest.json": manifest(THEIRS)},
    {"manifest.json": manifest("docker.io/library/theirs")},
    {"manifest.json": manifest("mine:1", THEIRS)},
    {"manifest.json": [*manifest("mine:1"), *manifest(THEIRS)]},
    {"manifest.json": manifest(THEIRS, key="repotags")},
    {"manifest.json": manifest(THEIRS, key="REPOTAGS")},
    {"manifest.json": manifest(THEIRS, key="RepoTag\u017f")},
    {"manifest.json": manifest("mine:1"), "a/manifest.json": manifest(THEIRS)},
    {"manifest.json": manifest("mine:1"), "./manifest.json": manifest(THEIRS)},
    {"repositories": {"theirs": {"latest": ID}}},
    {"manifest.json": manifest("mine:1"), "repositories": {"theirs": {"latest": ID}}},
    {"oci-layout": LAYOUT, "index.json": index((f"docker.io/library/{THEIRS}", ID))},
    {"index.json": {"Manifests": index((THEIRS, ID))["manifests"]}},
    {"index.json": index((THEIRS, ID), key="org.opencontainers.image.ref.name")},
]


@pytest.mark.parametrize("files", NAMING, ids=range(len(NAMING)))
@pytest.mark.parametrize(
    "how",
    [bytes, gzip.compress, bz2.compress, lzma.compress],
    ids=["plain", "gzip", "bzip2", "xz"],
)
@pytest.mark.parametrize("status", [None, CONTAINERD])
def test_an_archive_moves_no_tag_that_was_there(
    shared: Run, files: Files, how: Callable[[bytes], bytes], status: Any
) -> None:
    shared.engine.info["DriverStatus"] = status
    call = load(shared, how(packed(files)))
    assert (call.status, call.relayed) == (403, "")
    assert f"image {THEIRS} was there before this run" in call.refusal


def test_a_manifest_behind_a_folder_that_is_a_link_counts(shared: Run) -> None:
    archive = packed({"real/manifest.json": manifest(THEIRS)}, folder="real")
    assert THEIRS in load(shared, archive).refusal


def test_all_pieces_of_a_packed_archive_are_read_as_the_engine_does(shared: Run) -> None:
    first = packed({"manifest.json": manifest("mine:1")})
    unended = first[: first.index(b"mine") // 512 * 512 + 512]
    archive = gzip.compress(unended) + gzip.compress(packed({"manifest.json": manifest(THEIRS)}))
    assert THEIRS in load(shared, archive).refusal


def long_name(name: str) -> bytes:
    """A header of GNU's kind that gives the next file its name."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, len(name) + 1
    return header.tobuf(tarfile.GNU_FORMAT) + name.encode().ljust(512, b"\0")


def with_headers(name: str, data: bytes, between: bytes = b"", **pax: str) -> bytes:
    """A file of a name, with PAX headers in front of it and something between them."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    plain = member.tobuf(tarfile.USTAR_FORMAT) + data.ljust(-(-len(data) // 512) * 512, b"\0")
    named = {key.replace("__", "."): value for key, value in pax.items()}
    header = tarfile.TarInfo.create_pax_global_header(named)
    own = bytearray(header)
    own[156:157] = b"x"
    own[148:156] = b" " * 8
    own[148:156] = b"%06o\0 " % sum(own[:512])
    return bytes(own) + between + plain + b"\0" * 1024


DATA = json.dumps(manifest(THEIRS)).encode()


@pytest.mark.parametrize(
    "archive",
    [
        b"no archive at all",
        packed({"manifest.json": b"{"}),
        packed({"manifest.json": DATA + b"[]"}),
        packed({"manifest.json": {"RepoTags": [THEIRS]}}),
        packed({"manifest.json": [{"RepoTags": THEIRS}]}),
        packed({"manifest.json": [{"RepoTags": ["a:1"], "repotags": ["b:1"]}]}),
        packed({"manifest.json": b"[" * 100_000}),
        packed({"manifest.json": b'["\xff"]'}),
        packed({"manifest.json": DATA.decode().encode("utf-8-sig")}),
        packed({"manifest.json": DATA.decode().encode("utf-16")}),
        packed({"manifest.json": DATA.decode().encode("utf-32-le")}),
        packed({"manifest.json": b'[{"RepoTags": ["a\\u0000b:1"]}]'}),
        packed({"manifest.json": [1]}),
        packed({"manifest.json": b" " * (2 << 20)}),
        packed({"manifest.json": DATA})[:700],
        packed({"x": DATA}, manifest__json="x"),
        packed({"index.json": {"manifests": [{"annotations": [1]}]}}),
        packed({"repositories": {"theirs": 1}}),
        packed({"manifest.json": manifest("NO:such:name")}),
        gzip.compress(packed({"manifest.json": DATA}))[:-30],
        tarfile.TarInfo.create_pax_global_header({"path": "x"}) + packed({"manifest.json": DATA}),
        with_headers("manifest.json", DATA, GNU__sparse__name="x"),
        with_headers("y", DATA, long_name("manifest.json"), path="x"),
    ],
    ids=range(23),
)
def test_an_archive_that_can_t_be_read_for_sure_is_refused_in_a_sentence(
    shared: Run, archive: bytes
) -> None:
    call = load(shared, archive)
    assert (call.status, call.relayed) == (403, "")
    assert "archive" in call.refusal
    assert len(shared.refusals) == 1


def test_tags_that_an_archive_brings_are_on_the_ledger_before(shared: Run) -> None:
    def does() -> bytes:
        shared.engine.tag("c", f"x-{RUN}:1")
        return stream({"stream": "Loaded image: x\n"})

    call = shared.ask(
        "POST /images/load",
        b"",
        does,
        archive={"manifest.json": [json.dumps(manifest(f"x-{RUN}:1", "never:1"))]},
    )
    assert {("image", f"x-{RUN}:1"), ("image", "never:1")} <= call.intended
    assert {n for _, n, i in shared.entries if i} == {f"x-{RUN}:1"}
    assert "never:1" not in {n for _, n, _ in shared.entries}


@pytest.mark.parametrize(
    ("said", "claimed"),
    [
        ([{"stream": "Loaded image: a:1\n"}, {"stream": "Loaded image: b:1\n"}], {"a:1", "b:1"}),
        ([{"stream": "Loaded image: a:1\n"}, {"error": "no"}], {"a:1"}),
        ([{"error": "no"}], set()),
    ],
)
def test_of_an_archive_that_failed_only_what_was_loaded_is_claimed(
    shared: Run, said: list[Any], claimed: set[str]
) -> None:
    def does() -> bytes:
        shared.engine.tag("c", "a:1", "b:1")  # one of them perhaps by somebody else
        return stream(*said)

    shared.ask(
        "POST /images/load",
        b"",
        does,
        archive={"manifest.json": [json.dumps(manifest("a:1", "b:1"))]},
    )
    assert {n for _, n, _ in shared.entries} == claimed


@pytest.mark.parametrize("said", [THEIRS, "b:1"])
def test_a_tag_of_theirs_that_the_engine_loaded_though_no_manifest_said_it_is_told(
    shared: Run, said: str
) -> None:
    def does() -> bytes:
        shared.engine.tag("c", THEIRS)
        return stream({"stream": f"Loaded image: {said}\n"})

    archive = {"manifest.json": [json.dumps(manifest("b:1"))]}
    shared.ask("POST /images/load", b"", does, archive=archive)
    # What the engine does not say that it loaded, its owner has moved meanwhile.
    assert bool(shared.ownership.tags.moved) == (said == THEIRS)


def test_an_image_that_comes_without_a_name_is_ours_by_its_id(run: Run) -> None:
    archive = packed({f"{ID}.json": CONFIG, "manifest.json": manifest()})
    with Spool() as spool:
        spool.take([archive])
        told = spool.listed()

    def does() -> bytes:
        run.engine.things["image"]["x"] = {"Id": f"sha256:{ID}", "RepoTags": [], "RepoDigests": []}
        return stream({"stream": f"Loaded image ID: sha256:{ID}\n"})

    run.ask("POST /images/load", b"", does, archive=told)
    assert run.entries == {("image", f"sha256:{ID}", f"sha256:{ID}")}


NAMES = ["c0.json", "a/b/c0.json", f"{OTHER_ID}.json", ID]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tags", ["none", "one for two"])
def test_an_image_that_is_left_without_a_name_is_ours_by_its_id_whatever_its_file_is_called(
    run: Run, name: str, tags: str
) -> None:
    images = [*manifest(config=name), *manifest(config=f"x/{name}"), *manifest(config="c1")]
    if tags == "one for two":
        images = [*manifest("a:1", config=name), *manifest("a:1", config="c1")]
    archive = packed({name: CONFIG, f"x/{name}": CONFIG, "c1": OTHER, "manifest.json": images})
    nameless = {ID} if tags == "one for two" else {ID, OTHER_ID}
    with Spool() as spool:
        spool.take([archive])
        told = json.loads(json.dumps(spool.listed()))

    def does() -> bytes:
        for one in (ID, OTHER_ID):
            image = {"Id": f"sha256:{one}", "RepoTags": [] if one in nameless else ["a:1"]}
            run.engine.things["image"][f"sha256:{one}"] = {**image, "RepoDigests": []}
        return stream({"stream": "Loaded image: a:1\n"})

    run.ask("POST /images/load", b"", does, archive=told)
    assert {f"sha256:{one}" for one in nameless} <= {name for _, name, _ in run.entries}


@pytest.mark.parametrize(
    ("images", "files"),
    [
        (manifest(config="c0"), {}),
        (manifest(config="a/c0"), {"a/c0": CONFIG, "b/c0": OTHER}),
        (manifest(config="c0"), {"c0": b" " * (5 << 20)}),
        ([{"RepoTags": None}], {"": b""}),
        ([*manifest("a:1", config="c0"), *manifest("a:1", config="c1")], {"c1": CONFIG}),
        ([*manifest("a", config="c0"), *manifest("library/a:latest", config="c1")], {"c1": CONFIG}),
        ([*manifest("b:1", config="c1"), *manifest(config="c0")], {"c1": CONFIG}),
    ],
)
def test_an_image_that_nobody_would_know_after_is_refused(
    run: Run, images: Any, files: Files
) -> None:
    call = load(run, packed({**files, "manifest.json": images}))
    assert (call.status, call.relayed) == (403, "")
    assert "whose id is not known before it is loaded" in call.refusal
    assert run.entries == set()


def test_containerd_s_ids_of_an_archive_of_docker_s_own_kind_are_not_known(run: Run) -> None:
    run.engine.info["DriverStatus"] = CONTAINERD
    unnamed = {"c0": CONFIG, "manifest.json": manifest(config="c0")}
    assert "whose id is not known" in load(run, packed(unnamed)).refusal
    layout = {"oci-layout": LAYOUT, "index.json": index(("", ID), key="x")}
    assert load(run, packed({**unnamed, **layout})).relayed


# -- the very image that a tag means already ------------------------------------------------------


@pytest.fixture
def same(run: Run) -> Run:
    """An engine on which somebody's tag means the image of the configuration."""
    identity = f"sha256:{ID}"
    run.engine.things["image"][identity] = {"Id": identity, "RepoTags": [THEIRS], "RepoDigests": []}
    return run


@pytest.mark.parametrize("name", [f"{ID}.json", f"blobs/sha256/{ID}"])
def test_an_archive_of_the_very_image_that_a_tag_means_is_loaded_and_not_claimed(
    same: Run, name: str
) -> None:
    files = {name: CONFIG, "manifest.json": manifest(THEIRS, config=name)}
    assert load(same, packed({**files, "repositories": {"theirs": {"latest": "c" * 64}}})).relayed
    assert same.entries == set()


@pytest.mark.parametrize(
    "files",
    [
        {f"{ID}.json": OTHER, "manifest.json": manifest(THEIRS)},
        {f"a/{ID}.json": CONFIG, f"{ID}.json": OTHER, "manifest.json": manifest(THEIRS)},
        {"manifest.json": manifest(THEIRS)},
        {
            f"{ID}.json": CONFIG,
            f"{OTHER_ID}.json": OTHER,
            "manifest.json": [
                *manifest(THEIRS),
                *manifest(THEIRS, config=f"{OTHER_ID}.json"),
            ],
        },
        {f"{ID}.json": CONFIG, "repositories": {"theirs": {"latest": f"sha256:{ID}"}}},
        {"oci-layout": LAYOUT, "index.json": index((THEIRS, ID))},
        {
            f"{OTHER_ID}.json": OTHER,
            "oci-layout": LAYOUT,
            "index.json": index((THEIRS, ID)),
            "manifest.json": manifest(THEIRS, config=f"{OTHER_ID}.json"),
        },
    ],
    ids=["lies", "lies once", "is not there", "is two", "is old", "is OCI's", "is both"],
)
def test_an_archive_that_only_says_it_is_that_image_is_refused(same: Run, files: Files) -> None:
    assert THEIRS in load(same, packed(files)).refusal


def test_a_configuration_that_is_a_link_is_not_believed(same: Run) -> None:
    archive = packed({"x": OTHER, "manifest.json": manifest(THEIRS)}, **{f"{ID}__json": "x"})
    assert THEIRS in load(same, archive).refusal


@pytest.mark.parametrize(
    ("files", "loaded"),
    [
        ({"oci-layout": LAYOUT, "index.json": index((THEIRS, ID))}, True),
        ({"index.json": index((THEIRS, ID))}, False),
        ({"oci-layout": {"imageLayoutVersion": ""}, "index.json": index((THEIRS, ID))}, False),
        (
            {
                "oci-layout": LAYOUT,
                "./oci-layout": {"imageLayoutVersion": ""},
                "index.json": index((THEIRS, ID)),
            },
            False,
        ),
        ({"oci-layout": LAYOUT, "index.json": index((THEIRS, ID), (THEIRS, OTHER_ID))}, False),
        ({f"{ID}.json": CONFIG, "manifest.json": manifest(THEIRS)}, True),
        (
            {
                f"{ID}.json": CONFIG,
                "manifest.json": manifest(THEIRS),
                "oci-layout": LAYOUT,
                "index.json": index((THEIRS, OTHER_ID)),
            },
            False,
        ),
    ],
)
def test_containerd_reads_the_index_of_a_layout_and_else_the_manifest(
    same: Run,
    files: Files,
    loaded: bool,  # noqa: FBT001
) -> None:
    same.engine.info["DriverStatus"] = CONTAINERD
    assert bool(load(same, packed(files)).relayed) is loaded
