"""What the diff tells a poller of a source's rhythm."""

from __future__ import annotations

from tests.diff.watching import MINUTE, Watch, an_entry
from wirewatch.times import format_ms


def _kinds(watch: Watch) -> list[str]:
    assert watch.last is not None
    return [request.kind for request in watch.last.requests]


def test_a_gap_asks_for_the_next_look_to_be_sooner_once_for_each() -> None:
    watch = Watch()
    watch.poll(*(an_entry(f"a{n}", minute=n) for n in range(4)))
    assert _kinds(watch) == [], "a first snapshot follows on nothing"
    watch.poll(*(an_entry(f"b{n}", minute=10 + n) for n in range(4)))
    assert "gap" in [event.op for event in watch.told]
    assert _kinds(watch) == ["sooner"]
    watch.confirm()
    assert _kinds(watch) == []


def test_a_window_that_is_more_than_half_new_asks_before_anything_is_missed() -> None:
    watch = Watch()
    watch.poll(*(an_entry(f"a{n}", minute=n) for n in range(6)))
    watch.poll(*(an_entry(f"a{n}", minute=n) for n in range(3, 9)))
    assert _kinds(watch) == [], "half of it is there yet"
    watch.poll(*(an_entry(f"a{n}", minute=n) for n in range(7, 13)))
    assert [event.op for event in watch.told] == ["created"] * 4
    assert _kinds(watch) == ["sooner"]


def test_a_full_listing_misses_nothing_however_much_is_new() -> None:
    watch = Watch(listing="full")
    watch.poll(an_entry("a", minute=1))
    watch.poll(*(an_entry(f"b{n}", minute=n) for n in range(9)))
    assert _kinds(watch) == []


def test_a_page_that_says_it_is_over_is_told_with_each_such_body() -> None:
    watch = Watch()
    watch.poll(an_entry("a", minute=1), kind="live-page")
    watch.poll(an_entry("a", minute=1), kind="live-page", ended=True)
    assert _kinds(watch) == ["ended"]
    assert watch.last is not None
    first = watch.last.requests[0]
    watch.poll(an_entry("a", "corrected", minute=1), kind="live-page", ended=True)
    assert _kinds(watch) == ["ended"]
    assert watch.last.requests[0].id != first.id


HOUR = 60


def _noisy(watch: Watch, minutes: int, *headlines: str) -> None:
    """A body whose bytes are its own, that long after the one before."""
    watch.at_ms += (minutes - 1) * MINUTE
    entries = [an_entry(f"a{n}", headline, minute=n) for n, headline in enumerate(headlines)]
    watch.poll(*entries, kind="live-page", salt=str(watch.number))


def test_bodies_that_differ_and_bring_nothing_are_told_as_stillness_ever_more_rarely() -> None:
    watch = Watch()
    told: list[tuple[int, str | None]] = []
    _noisy(watch, 1, "Dam breaks")
    begun = watch.at_ms
    for _ in range(24 * 6):
        _noisy(watch, 10, "Dam breaks")
        assert watch.last is not None
        told += [((watch.at_ms - begun) // MINUTE // HOUR, r.since) for r in watch.last.requests if r.kind == "still"]
    assert told == [(hours, format_ms(begun)) for hours in (1, 2, 4, 8, 16)]


def test_what_stirs_after_that_is_told_once_and_stillness_begins_anew() -> None:
    watch = Watch()
    _noisy(watch, 1, "Dam breaks")
    _noisy(watch, 61, "Dam breaks")
    assert _kinds(watch) == ["still"]
    _noisy(watch, 1, "Dam breaks", "Bridge at Tarn closed")
    assert _kinds(watch) == ["stirring"]
    _noisy(watch, 30, "Dam breaks, two villages cut off", "Bridge at Tarn closed")
    assert "updated" in [event.op for event in watch.told]
    assert _kinds(watch) == []
    _noisy(watch, 59, "Dam breaks, two villages cut off", "Bridge at Tarn closed")
    assert _kinds(watch) == []
    _noisy(watch, 1, "Dam breaks, two villages cut off", "Bridge at Tarn closed")
    assert _kinds(watch) == ["still"]


def test_a_source_whose_bytes_stand_still_is_told_of_in_no_request() -> None:
    watch = Watch()
    watch.poll(an_entry("a", minute=1))
    for _ in range(100):
        watch.at_ms += 60 * MINUTE
        watch.confirm()
        assert _kinds(watch) == []


def test_a_recovery_is_no_news_and_an_error_no_stillness() -> None:
    watch = Watch()
    _noisy(watch, 1, "Dam breaks")
    watch.at_ms += 90 * MINUTE
    watch.fail()
    assert "still" not in _kinds(watch)
    _noisy(watch, 1, "Dam breaks")
    assert [event.op for event in watch.told] == ["source-recovered"]
    assert _kinds(watch) == ["still"]
