"""The times that `docker logs` takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.command.values import logs
from lifecycle.command.values.basic import ImpossibleError


@pytest.mark.parametrize(
    ("text", "first", "later"),
    [
        ("10s", 90, 100.5),
        ("1h30m", -5300, -5289.5),
        ("1.5s", 98, 109.0),
        ("0s", 100, 110.5),
        ("1700000000", 1700000000, 1700000000),
        ("1700000000.25", 1700000000.25, 1700000000.25),
        ("2023-11-14T22:13:20Z", 1700000000, 1700000000),
        ("2023-11-14T22:13:20.5Z", 1700000000.5, 1700000000.5),
        ("2023-11-15T00:13:20+02:00", 1700000000, 1700000000),
        ("2023-11-14T22:13Z", 1699999980, 1699999980),
        ("2023-11-14Z", 1699920000, 1699920000),
    ],
)
def test_a_time_is_read_as_the_client_does(text: str, first: float, later: float) -> None:
    assert logs.between(text, 100.0, 110.5) == (first, later)


def test_a_time_without_a_zone_is_of_this_place(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC-09:00")
    time.tzset()
    try:
        assert logs.between("2023-11-15T07:13:20", 0, 0) == (1700000000, 1700000000)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "soon", "2023-13-01", "10 minutes", "-"])
def test_what_is_no_time_is_impossible(text: str) -> None:
    with pytest.raises(ImpossibleError):
        logs.moment(text)


@given(st.text(max_size=30))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    try:
        logs.moment(text)
    except ImpossibleError:
        return
    assert logs.between(text, 1.0, 2.0)


@given(st.text(max_size=40))
def test_no_text_makes_the_reader_of_stamps_fail(text: str) -> None:
    assert logs.stamp(text) is None or text.endswith("Z")
