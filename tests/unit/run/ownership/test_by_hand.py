"""What a person is told to type names only what the run made, each kind by its own command."""

from __future__ import annotations

from lifecycle.run.ownership.by_hand import commands
from lifecycle.run.ownership.ledger import Entry

ID = "41f2ec5f38f40eb2340ef00fa45a28df22ef2812baae6d3990eae461ebd2a1b1"
OTHER = ID[::-1]


def test_each_kind_has_its_own_command_in_the_order_of_the_ledger() -> None:
    entries = [
        Entry("container", "a-r1d79a5bd", ID),
        Entry("container", "b-r1d79a5bd", OTHER),
        Entry("image", "me/test-r1d79a5bd:latest", f"sha256:{ID}"),
        Entry("volume", "data-r1d79a5bd", "data-r1d79a5bd"),
        Entry("network", "net-r1d79a5bd", OTHER),
        Entry("folder", "/tmp/my folder/lifecycle-r1d79a5bd"),
    ]
    assert commands(entries, (), "") == [
        f"docker rm -f -v {ID[:12]} {OTHER[:12]}",
        "docker rmi me/test-r1d79a5bd:latest",
        "docker volume rm -f data-r1d79a5bd",
        f"docker network rm {OTHER[:12]}",
        "rm -rf '/tmp/my folder/lifecycle-r1d79a5bd'",
    ]


def test_what_nobody_saw_made_is_not_named() -> None:
    assert commands([Entry("container", "web"), Entry("image", "me/test:latest")], (), "") == []


def test_a_layer_without_a_name_goes_by_its_id() -> None:
    layer = f"sha256:{ID}"
    assert commands([Entry("image", layer, layer)], (), "") == [f"docker rmi {ID[:12]}"]


def test_an_image_that_stands_on_others_leaves_what_it_stands_on() -> None:
    entries = [Entry("image", "a:1", ID), Entry("image", "b:1", OTHER)]
    assert commands(entries, {"b:1"}, "") == ["docker rmi a:1", "docker rmi --no-prune b:1"]


def test_the_engine_of_the_run_is_the_one_that_is_asked() -> None:
    entries = [Entry("volume", "v", "v"), Entry("folder", "/tmp/lifecycle-r1d79a5bd")]
    assert commands(entries, (), "gpu1") == [
        "docker --context gpu1 volume rm -f v",
        "rm -rf /tmp/lifecycle-r1d79a5bd",
    ]
