"""What the diff tells a poller of a source's rhythm."""

from __future__ import annotations

from tests.diff.watching import Watch, an_entry


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
