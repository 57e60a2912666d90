"""What events say besides their op: evidence, links to earlier events, flags, times."""

from __future__ import annotations

from processors.parse.model import ParsedEntry
from tests.diff.watching import NOON, Watch, an_entry
from wirewatch.events import Media
from wirewatch.identity import content_hash, entry_id, event_id
from wirewatch.times import format_ms

A, B, C, D = (an_entry(name, minute=10 * n) for n, name in enumerate("abcd", 1))


def test_a_withdrawal_says_what_was_seen_where_and_since_when(watch: Watch) -> None:
    watch.poll(D, C, B, A)
    watch.poll(D, C, A)
    first_absent = watch.at_ms
    watch.confirm()
    (event,) = watch.told
    assert event.op == "withdrawn"
    assert event.evidence.kind == "absent-while-older-present"
    assert event.evidence.older_present == [watch.events[0].entry_id]
    assert event.evidence.since == format_ms(first_absent)
    assert len(event.evidence.snapshots) == 2
    assert event.entry is not None
    assert (event.entry.status, event.entry.headline) == ("withdrawn", B.headline)
    assert event.grade == "major"


def test_a_restoration_names_the_withdrawal_it_undoes(watch: Watch) -> None:
    watch.poll(D, C, B, A)
    watch.poll(D, C, A)
    watch.confirm()
    withdrawn = watch.told[0]
    watch.poll(an_entry("e", minute=50), D, C, B, A)
    restored = next(e for e in watch.told if e.op == "restored")
    assert restored.restores_event_id == withdrawn.id == restored.previous_event_id
    assert restored.revision == withdrawn.revision + 1


def test_a_held_burst_says_how_long_it_was_held() -> None:
    watch = Watch(listing="full")
    watch.poll(A, B, C, D)
    watch.poll(A)
    for _ in range(3):
        watch.confirm()
    assert [event.evidence.held for event in watch.told] == [3, 3, 3]


def test_ids_follow_from_what_things_are(watch: Watch) -> None:
    watch.poll(A)
    (event,) = watch.told
    assert event.entry_id == entry_id("valley", "id:a")
    content = content_hash(A.headline, "")
    assert event.id == event_id("valley", event.entry_id, "baseline", 1, content)
    assert event.entry is not None
    assert event.entry.content_hash == content


def test_an_id_reused_keeps_both_entries_apart(watch: Watch) -> None:
    watch.poll(A, an_entry("1", "Storm hits the coast", "Roofs are gone.", minute=1, url="https://v.example/storm"))
    watch.poll(A, an_entry("1", "Minister resigns", "She said so.", minute=9, url="https://v.example/minister"))
    (event,) = watch.told
    assert event.flags == ["late", "id-reused"]
    assert event.entry_id not in {old.entry_id for old in watch.events[:-1]}
    watch.poll(A, an_entry("1", "Minister resigns today", "She said so.", minute=9, url="https://v.example/minister"))
    assert [(e.op, e.entry_id) for e in watch.told] == [("updated", event.entry_id)]


def test_a_late_entry_says_by_how_much(watch: Watch) -> None:
    watch.poll(D, C, A)
    watch.poll(D, C, B, A)
    (event,) = watch.told
    assert event.flags == ["late"]
    assert event.evidence.late == 20 * 60


def test_every_change_has_an_interval(watch: Watch) -> None:
    watch.poll(A)
    watch.confirm()
    confirmed = watch.at_ms
    watch.poll(B, A)
    (event,) = watch.told
    assert event.not_before == format_ms(confirmed)
    assert event.time == format_ms(watch.at_ms)


def test_H41_a_date_ahead_becomes_first_seen_and_stays(watch: Watch) -> None:
    watch.poll(A)
    ahead = an_entry("z", published_ms=NOON + 10 * 365 * 86_400_000)
    watch.poll(ahead, A)
    (event,) = watch.told
    assert event.published == format_ms(watch.at_ms)
    assert event.entry is not None
    assert event.entry.published_from == "first-seen"
    watch.poll(B, ahead, A)
    assert watch.told[0].flags == ["late"]
    watch.poll(B, an_entry("z", "Other words now", published_ms=ahead.published_ms), A)
    assert watch.told[0].published == event.published


def test_H40_a_date_that_is_rubbish_becomes_first_seen(watch: Watch) -> None:
    watch.poll(an_entry("a", published_raw="yesterday-ish"))
    assert watch.told[0].published == format_ms(watch.at_ms)


def test_an_entry_without_url_links_into_the_page(watch: Watch) -> None:
    watch.poll(an_entry("a", "Fire, re-lit - in Aster"))
    entry = watch.told[0].entry
    assert entry is not None
    assert entry.link == "https://valley.example/feed#:~:text=Fire%2C%20re%2Dlit%20%2D%20in%20Aster"


def test_form_is_told_by_what_there_is(watch: Watch) -> None:
    picture = (Media("image", "https://valley.example/1.jpg"),)
    watch.poll(an_entry("a"), an_entry("b", body="Text."), an_entry("c", media=picture))
    forms = {e.native_id: e.entry.form for e in watch.told if e.entry is not None}
    assert forms == {"a": "headline-only", "b": "text", "c": "media"}


def test_the_lead_is_an_entry_of_its_own(watch: Watch) -> None:
    page = {"kind": "live-page", "has_lead": True, "title": "Floods in the valley", "label": "Live"}
    watch.poll(A, summary="Two villages cut off.", **page)
    lead = next(e for e in watch.told if e.subject == "lead")
    assert (lead.op, lead.headline, lead.entry and lead.entry.label) == ("baseline", "Floods in the valley", "Live")
    watch.poll(A, summary="Three villages cut off.", **page)
    (event,) = watch.told
    assert (event.op, event.subject, event.entry_id) == ("updated", "lead", lead.entry_id)


def test_a_lead_that_repeats_an_entry_names_it(watch: Watch) -> None:
    watch.poll(A, kind="live-page", has_lead=True, title=A.headline)
    entry = next(e for e in watch.told if e.subject == "entry")
    lead = next(e for e in watch.told if e.subject == "lead")
    assert lead.same_as == entry.entry_id


def test_after_a_gap_entries_are_flagged(watch: Watch) -> None:
    watch.poll(B, A)
    watch.poll(D, C)
    assert [(e.op, e.flags) for e in watch.told] == [
        ("gap", []),
        ("created", ["after-gap"]),
        ("created", ["after-gap"]),
    ]


def test_metadata_rides_along_with_the_next_event(watch: Watch) -> None:
    watch.poll(an_entry("a", minute=1, authors=("X",)))
    watch.poll(an_entry("a", minute=1, authors=("Y",)))
    assert watch.told == []
    watch.poll(an_entry("a", "Now with other words", minute=1, authors=("Y",)))
    assert watch.told[0].entry is not None
    assert watch.told[0].entry.authors == ["Y"]
    assert watch.told[0].revision == 2


def test_an_entry_returns_after_65_versions_as_the_one_it_was(watch: Watch) -> None:
    watch.poll(A)
    first = watch.told[0].entry_id
    for n in range(65):
        watch.poll(an_entry(f"n{n}", minute=20 + n), an_entry(f"n{n + 1}", minute=21 + n))
    back: ParsedEntry = an_entry("a", "A, told anew", minute=10)
    watch.poll(an_entry("n65", minute=85), back)
    (event,) = watch.told
    assert (event.op, event.entry_id) == ("updated", first)
    assert event.changes[0].before == A.headline
