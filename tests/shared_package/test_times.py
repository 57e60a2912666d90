from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirewatch.errors import UserError
from wirewatch.times import format_duration, format_ms, parse_duration_ms, parse_ms

YEAR_1, YEAR_9999 = -62_135_596_800_000, 253_402_300_799_999


@given(st.integers(YEAR_1, YEAR_9999))
def test_a_time_reads_back_as_it_was_written(ms: int) -> None:
    assert parse_ms(format_ms(ms)) == ms


@given(st.integers(YEAR_1, YEAR_9999), st.integers(YEAR_1, YEAR_9999))
def test_written_times_sort_as_text_like_they_do_in_time(a: int, b: int) -> None:
    assert (a < b) == (format_ms(a) < format_ms(b))


@pytest.mark.parametrize("ms", [YEAR_1 - 1, YEAR_9999 + 1])
def test_a_time_outside_the_calendar_is_refused(ms: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        format_ms(ms)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        parse_ms("2022-01-07T20:31:04")


@pytest.mark.parametrize(
    ("text", "ms"),
    [("0s", 0), ("500ms", 500), ("15s", 15_000), ("1h30m", 5_400_000), ("2d", 172_800_000), ("1.5h", 5_400_000)],
)
def test_durations_are_read(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "-5s", "5x", "5s5", "1e3s"])
def test_what_is_no_duration_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UserError, match="30s"):
        parse_duration_ms(text)


@pytest.mark.parametrize(("ms", "text"), [(0, "0s"), (90_000, "1m30s"), (90_061_000, "1d1h"), (250, "250ms")])
def test_durations_are_written_in_at_most_two_units(ms: int, text: str) -> None:
    assert format_duration(ms) == text
