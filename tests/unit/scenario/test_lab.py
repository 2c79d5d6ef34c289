"""The lab's values come from defaults, files and the command line, in that order."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.lab import Lab, default_lab_files, load_lab

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_file_the_defaults_hold() -> None:
    lab = load_lab([], {})
    assert (lab.base_image, lab.nas_home, lab.proxy.http) == ("debian:bookworm", "", "")
    assert (lab.port, lab.gpus) == (8080, None)


def test_later_files_win_and_what_is_set_wins_over_all(tmp_path: Path) -> None:
    first, second = tmp_path / "lab.toml", tmp_path / "my-env.toml"
    first.write_text('base_image = "a"\ngpus = 8\n[proxy]\nhttp = "http://p:1"\nno_proxy = "x"\n')
    second.write_text('base_image = "b"\nproxy.http = "http://p:2"\n')
    lab = load_lab([first, second], {"lab.port": "9090", "lab.proxy.http": "http://p:3"})
    assert (lab.base_image, lab.gpus, lab.port) == ("b", 8, 9090)
    assert (lab.proxy.http, lab.proxy.no_proxy) == ("http://p:3", "x")


FILES = {
    'a = 1\nbase_imge = "a"\n': (1, 1, "unknown key `a`"),
    '\nbase_imge = "a"\n': (2, 1, "unknown key `base_imge`"),
    "port = true\n": (1, 1, "`port`: found `True`"),
    "\nport = 99999\n": (2, 1, "`port`: found `99999`"),
    '[proxy]\nhttp = "http://a\\"b"\n': (2, 1, "`http`: found"),
    '[proxy]\nhtp = "a"\n': (2, 1, "unknown key `htp`"),
    'proxy = "x"\n': (1, 1, "`proxy`: found `x`"),
    'contact = "a\\nb"\n': (1, 1, "`contact`: found"),
    "gpus = -1\n": (1, 1, "`gpus`: found `-1`"),
    "port = = 1\n": (1, 8, "this is not TOML"),
    "[[[[": (1, 1, "this is not TOML"),
}


@pytest.mark.parametrize("source", FILES)
def test_a_wrong_file_names_its_place(source: str, tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(source)
    with pytest.raises(ScenarioError) as caught:
        load_lab([file], {})
    line, column, found = FILES[source]
    mark = caught.value.mark
    assert mark.file == str(file)
    assert caught.value.problem.startswith(found)
    assert mark.line == line
    assert mark.col == column or found == "this is not TOML"


def test_a_misspelled_key_names_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('base_imge = "a"\n')
    with pytest.raises(ScenarioError, match=r'write: base_image = "a"$'):
        load_lab([file], {})


WRITTEN = {
    'nas_hom = "/x"\n': 'nas_home = "/x"',
    "[proxy]\nhtp = 'http://a:1'\n": 'http = "http://a:1"',
    "prot = 9090\n": "port = 9090",
    'poeple = ["kim", "lee"]\n': 'people = ["kim", "lee"]',
    "[proxi]\nhttp = 'http://a:1'\n": "[proxy]",
    "port = 99999\n": 'port = "8080"',
    'apt_mirror = "mirror"\n': 'apt_mirror = "http://proxy.example:3128"',
}


@pytest.mark.parametrize("source", WRITTEN)
def test_what_it_says_to_write_is_toml_that_is_taken(source: str, tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(source)
    with pytest.raises(ScenarioError) as caught:
        load_lab([file], {})
    assert caught.value.corrected == WRITTEN[source]
    table = "[proxy]\n" if source.startswith("[proxy]") else ""
    file.write_text(table + caught.value.corrected)
    load_lab([file], {})


def test_what_it_says_of_the_command_line_can_be_typed_there() -> None:
    for given, right in {
        "lab.nas_hom": "--set lab.nas_home='/my nas'",
        "lab.proxy.htp": "--set lab.proxy.http='/my nas'",
    }.items():
        with pytest.raises(ScenarioError) as caught:
            load_lab([], {given: "/my nas"})
        assert shlex.split(caught.value.corrected) == shlex.split(right)


@pytest.mark.parametrize("name", ["lab.prot", "port", "lab.", "lab.proxy.htp", "lab.proxy", "lab"])
def test_a_wrong_name_on_the_command_line_is_named(name: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_lab([], {name: "8080"})
    assert caught.value.mark.file == f"--set {name}"


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        load_lab([tmp_path / "none.toml"], {})


def test_the_environment_names_a_file_in_place_of_the_machines(tmp_path: Path) -> None:
    own = tmp_path / ".config" / "lifecycle" / "my-env.toml"
    own.parent.mkdir(parents=True)
    own.write_text("")
    named = tmp_path / "other.toml"
    assert default_lab_files(tmp_path, {"LIFECYCLE_LAB": str(named)}) == (named, own)
    assert default_lab_files(tmp_path, {})[-1] == own


def test_the_proxy_is_told_to_programs_by_the_variables_that_are_set() -> None:
    proxy = Lab.model_validate({"proxy": {"http": "http://p:3128", "no_proxy": ".lab"}}).proxy
    assert proxy.environment() == {"http_proxy": "http://p:3128", "no_proxy": ".lab"}
    assert Lab().proxy.environment() == {}
