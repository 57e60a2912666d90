"""What becomes of a feed's hub, by a clock of the test's own."""

from __future__ import annotations

from msgspec.structs import replace

from producers.answers import Answer
from producers.cadence import Cadence
from producers.decide import Asked, decide_poll
from producers.websub import (
    DENIED_MS,
    FIRST_RETRY_MS,
    LONGEST_LEASE_MS,
    LONGEST_RETRY_MS,
    OFFERS_EVERY_MS,
    SHORTEST_LEASE_MS,
    TRUSTED_FROM,
    after_look,
    ask_due,
    asking,
    failed,
    forgotten,
    hub_words,
    is_promised,
    is_trusted,
    is_wanted,
    told,
    with_offer,
)
from producers.websub_offers import Offer
from wirewatch.events import Feed, FetchRequest, Hub, Poll
from wirewatch.times import format_ms, parse_ms

NOW = 1_760_000_000_000
HOUR = 3_600_000
FEED = Feed("f", "https://news.example/feed")
OFFER = Offer("https://hub.example/", "https://news.example/feed")
CADENCE = Cadence()
BODY = b'<rss><channel><atom:link rel="hub" href="https://hub.example/"/><ttl>%d</ttl></channel></rss>'


def _poll(**how: object) -> Poll:
    poll = Poll("f", "changed", format_ms(NOW), format_ms(NOW), 1, 1, 0, FEED.url)
    return replace(poll, hub=Hub(OFFER.hub, OFFER.topic, format_ms(NOW), **how)) if how else poll  # type: ignore[arg-type]  # as given


def _call(kind: str, at: int, **more: object) -> FetchRequest:
    return FetchRequest("fr", "f", kind, "", format_ms(at), callback="c", **more)  # type: ignore[arg-type]  # as given


def _active(at: int = NOW, lease_s: float = 3600) -> Poll:
    poll = asking(with_offer(_poll(), OFFER, now_ms=at), "c", now_ms=at)
    return told(poll, _call("hub-agreed", at, lease_s=lease_s))


def _hub(poll: Poll) -> Hub:
    assert poll.hub is not None
    return poll.hub


def test_an_offered_hub_is_asked_at_once_and_again_ever_later_while_it_does_not_agree() -> None:
    poll = with_offer(_poll(), OFFER, now_ms=NOW)
    assert _hub(poll).state == "offered"
    at, waits = NOW, []
    for _ in range(12):
        assert ask_due(_hub(poll), now_ms=at)
        poll = asking(poll, "c", now_ms=at)
        assert not ask_due(_hub(poll), now_ms=at)
        waits.append(parse_ms(_hub(poll).next_ask or "") - at)
        at += waits[-1]
    assert waits[:3] == [FIRST_RETRY_MS, 2 * FIRST_RETRY_MS, 4 * FIRST_RETRY_MS]
    assert waits[-1] == LONGEST_RETRY_MS


def test_a_lease_is_renewed_before_it_ends_under_the_same_callback() -> None:
    poll = _active(lease_s=3600)
    assert _hub(poll).state == "active"
    assert _hub(poll).until == format_ms(NOW + HOUR)
    assert not ask_due(_hub(poll), now_ms=NOW + HOUR // 2)
    assert ask_due(_hub(poll), now_ms=NOW + 2 * HOUR // 3)
    poll = asking(poll, _hub(poll).callback, now_ms=NOW + 2 * HOUR // 3)
    assert _hub(poll).state == "active", "it tells us until its lease ends"
    poll = told(poll, _call("hub-agreed", NOW + 2 * HOUR // 3 + 5, lease_s=3600))
    assert _hub(poll).until == format_ms(NOW + 2 * HOUR // 3 + 5 + HOUR)
    assert _hub(poll).asked == 0


def test_a_lease_that_was_not_renewed_in_time_is_asked_for_as_a_new_one() -> None:
    poll = failed(asking(_active(), "c", now_ms=NOW + HOUR - 1), "c", "no connection", now_ms=NOW + HOUR - 1)
    assert _hub(poll).state == "active"
    poll = failed(asking(poll, "c", now_ms=NOW + HOUR), "c", "no connection", now_ms=NOW + HOUR)
    assert _hub(poll).state == "failing"
    assert "no connection" in hub_words(_hub(poll), now_ms=NOW + HOUR)


def test_a_hub_cannot_make_us_ask_without_end_nor_for_ever() -> None:
    for lease in (0, 1, 10):
        assert not ask_due(_hub(_active(lease_s=lease)), now_ms=NOW + SHORTEST_LEASE_MS // 2)
    assert _hub(_active(lease_s=1e10)).until == format_ms(NOW + LONGEST_LEASE_MS)


def test_a_hub_that_denies_is_left_alone_for_a_day() -> None:
    poll = told(_active(), _call("hub-denied", NOW + 5))
    assert _hub(poll).state == "denied"
    assert not is_trusted(poll, now_ms=NOW + 6)
    assert not ask_due(_hub(poll), now_ms=NOW + DENIED_MS - 1)
    assert ask_due(_hub(poll), now_ms=NOW + DENIED_MS + 5)


def test_calls_of_a_callback_that_is_no_longer_ours_change_nothing() -> None:
    poll = _active()
    for kind in ("pushed", "hub-agreed", "hub-denied"):
        request = FetchRequest("fr", "f", kind, "", format_ms(NOW + 1), callback="other")  # type: ignore[arg-type]  # one of them
        assert told(poll, request) is poll
    plain = _poll()
    assert told(plain, _call("pushed", NOW)) is plain
    assert failed(poll, "other", "x", now_ms=NOW) is poll


def test_a_hub_is_given_up_only_after_three_bodies_without_it() -> None:
    poll = _active()
    for _ in range(2):
        poll = with_offer(poll, None, now_ms=NOW)
        assert poll.hub is not None
    assert _hub(with_offer(poll, OFFER, now_ms=NOW)).unoffered == 0
    assert with_offer(poll, None, now_ms=NOW).hub is None


def test_a_source_cannot_send_us_from_hub_to_hub() -> None:
    poll = with_offer(_poll(), OFFER, now_ms=NOW)
    for n in range(100):
        poll = with_offer(poll, Offer(f"https://victim{n}.example/", OFFER.topic), now_ms=NOW + n * 30_000)
    assert _hub(poll).url == OFFER.hub
    later = with_offer(poll, Offer("https://b.example/", OFFER.topic), now_ms=NOW + OFFERS_EVERY_MS)
    assert _hub(later).url == "https://b.example/"
    assert _hub(later).callback == ""


def test_polls_rest_longer_only_while_the_hub_has_told_of_changes_before_they_found_them() -> None:
    poll = _active(lease_s=864_000)
    at = NOW
    for n in range(TRUSTED_FROM):
        assert not is_trusted(poll, now_ms=at), n
        before, at = poll, at + 60_000
        poll = told(poll, _call("pushed", at - 1000))
        poll = after_look(replace(poll, at=format_ms(at)), before, now_ms=at)
    assert is_trusted(poll, now_ms=at)
    assert not is_trusted(poll, now_ms=NOW + 864_000_000), "only while the lease runs"
    missed = after_look(replace(poll, at=format_ms(at + 120_000)), poll, now_ms=at + 120_000)
    assert not is_trusted(missed, now_ms=at + 60_000), "a poll found what no push had told"


def test_one_change_missed_after_many_told_sends_polls_back_until_another_is_told() -> None:
    poll = replace(_active(lease_s=864_000), hub=replace(_hub(_active(lease_s=864_000)), kept=6))
    poll = after_look(replace(poll, at=format_ms(NOW + 60_000)), poll, now_ms=NOW + 60_000)
    assert not is_trusted(poll, now_ms=NOW + 60_000)


def _polled(poll: Poll | None, body: bytes, at: int) -> Poll:
    answer = Answer(FEED.url, status=200, body=body)
    return decide_poll(FEED, poll, answer, Asked(1, CADENCE), now_ms=at).poll


def _wait(poll: Poll) -> int:
    return parse_ms(poll.next_due) - parse_ms(poll.at)


def test_a_trusted_hub_lets_the_poll_rest_five_times_as_long_and_never_beyond_the_longest() -> None:
    first = _polled(None, BODY % 1, NOW)
    assert _hub(first).topic == FEED.url
    trusted = replace(first, hub=replace(_hub(_active(lease_s=864_000)), kept=6, topic=FEED.url))
    assert 57_000 <= _wait(_polled(first, BODY % 1, NOW + 60_000)) <= 63_000
    assert 285_000 <= _wait(_polled(trusted, BODY % 1, NOW + 60_000)) <= 315_000
    quiet = replace(trusted, last_change=format_ms(NOW - 10 * 86_400_000), change_every_s=86_400.0, hours=[3] * 24)
    assert _wait(_polled(quiet, BODY % 1, NOW + 60_000)) <= 1.05 * CADENCE.max_ms
    close = replace(trusted, ceiling_s=30.0)
    assert _wait(_polled(close, BODY % 1, NOW + 60_000)) <= 31_500, "entries that would pass unseen go before"


def test_a_duration_in_every_holds_whatever_the_hub_says() -> None:
    first = _polled(None, BODY % 1, NOW)
    trusted = replace(first, hub=replace(_hub(_active(lease_s=864_000)), kept=6, topic=FEED.url))
    feed = replace(FEED, every="45s")
    answer = Answer(FEED.url, status=200, body=BODY % 1)
    poll = decide_poll(feed, trusted, answer, Asked(1, CADENCE), now_ms=NOW + 60_000).poll
    assert _wait(poll) == 45_000


def test_a_push_that_no_change_followed_yet_is_looked_after_for_a_minute() -> None:
    first = replace(_polled(None, BODY % 1, NOW), hub=replace(_hub(_active(lease_s=864_000)), topic=FEED.url))
    pushed = told(first, _call("pushed", NOW + 30_000))
    same = _polled(pushed, BODY % 1, NOW + 31_000)
    assert is_promised(same, now_ms=NOW + 31_000)
    assert _wait(same) <= 10_500, "a cache may lag behind the push"
    assert _wait(_polled(same, BODY % 1, NOW + 91_000)) >= 57_000
    changed = _polled(same, BODY % 2, NOW + 41_000)
    assert _wait(changed) >= 57_000
    assert _hub(changed).kept == 1


def test_a_changed_definition_lets_the_hub_go_and_takes_it_anew() -> None:
    first = replace(_polled(None, BODY % 1, NOW), hub=replace(_hub(_active()), topic=FEED.url))
    moved = replace(FEED, url="https://news.example/other")
    answer = Answer(moved.url, status=200, body=BODY % 1)
    poll = decide_poll(moved, first, answer, Asked(1, CADENCE, full=True), now_ms=NOW + 1).poll
    assert _hub(poll).topic == moved.url
    assert _hub(poll).callback == ""
    away = Answer(moved.url, reason="timeout", error="x")
    assert decide_poll(moved, first, away, Asked(1, CADENCE, full=True), now_ms=NOW + 1).poll.hub is None


def test_a_feed_that_is_off_or_over_or_behind_a_proxy_wants_no_hub() -> None:
    poll = _active()
    assert is_wanted(FEED, poll)
    assert not is_wanted(replace(FEED, enabled=False), poll)
    assert not is_wanted(None, poll)
    assert not is_wanted(replace(FEED, proxy="http://proxy.example:8080"), poll)
    assert not is_wanted(FEED, replace(poll, stopped=True))
    assert _hub(forgotten(poll)) == Hub(OFFER.hub, OFFER.topic, _hub(poll).since)
