"""One table: what a source shows, poll by poll, and the ops that follow. A name is a rule."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.diff.watching import NOON, Watch, an_entry

A, B, C, D, E, F = (an_entry(name, minute=10 * n) for n, name in enumerate("abcdef", 1))
OLD = an_entry("old", minute=-30)
OLDER = an_entry("older", minute=-50)
FOUR = (D, C, B, A)
BASE = ["baseline"] * 4
LONG = "The river rose over its banks in the night and the lower road of the valley was closed to all traffic."


def edited(entry: Any, **changes: Any) -> Any:
    return an_entry(entry.native_id or "", **{**_fields(entry), **changes})


def _fields(entry: Any) -> dict[str, Any]:
    fields = msgspec.structs.asdict(entry)
    return {k: v for k, v in fields.items() if k not in {"native_id", "raw_hash"}}


HEADLINES = (("Bridge open again", 9), ("3 held in Aster", 8), ("Road flooded", 8), ("Choir wins", 7))
STORIES = tuple(
    an_entry(f"s{n}", headline, f"{headline}: what is known of it {n} hours later.", minute=10 * n)
    for n, headline in enumerate(
        (
            "Minister resigns",
            "Storm floods the valley",
            "Twelve held after raid",
            "Bridge opens at noon",
            "Mill burns down",
            "Vote is put off",
        )
    )
)


def placed(entries: Any) -> tuple[Any, ...]:
    """With their places in the list for ids."""
    return tuple(edited(entry, native_id=str(n)) for n, entry in enumerate(entries))


BRIEFING = "Morning briefing"
BRIEFED = (
    "Snow closes both passes and the ferry stays in port until the evening.",
    "Council votes on the new mill today, and all that it may cost.",
)
TOLD = "Follow what the council says of the bridge, minute by minute, until it has voted."
HOURS = 60
SLUG = "https://v.example/news/{}-20220107-p58t1k.html"


def linked(site: str, names: str, minute: int = 0) -> tuple[Any, ...]:
    """Entries that lead to a site."""
    return tuple(
        an_entry(f"{site}/{name}", f"What {site} says of {name}", minute=minute + n, url=f"https://www.{site}/{name}")
        for n, name in enumerate(names)
    )


def teasers(names: str) -> tuple[Any, ...]:
    """Stories of `linked` shown a second time, under shorter headlines."""
    return tuple(edited(entry, headline=f"Valley {entry.native_id[-1]}") for entry in linked("v.example", names))


Poll = tuple[Any, ...]

# name -> (listing or definition, [(what is shown, ops told)])
SCENARIOS: dict[str, tuple[dict[str, Any], list[tuple[Any, list[str]]]]] = {
    "the_first_good_snapshot_is_all_baseline": ({}, [(FOUR, BASE)]),
    "nothing_changes": ({}, [(FOUR, BASE), (FOUR, []), (FOUR, [])]),
    "second_entry_is_added": ({}, [((A,), ["baseline"]), ((B, A), ["created"])]),
    "two_new_entries_are_told_oldest_first": ({}, [((A,), ["baseline"]), ((C, B, A), ["created", "created"])]),
    "H42_reordering_is_no_event": ({}, [(FOUR, BASE), ((A, C, B, D), [])]),
    "old_first_is_no_event": ({}, [(FOUR, BASE), ((A, B, C, D), []), ((A, B, C, D, E), ["created"])]),
    "white_space_is_no_edit": (
        {},
        [((an_entry("a", "Two  words", minute=1),), ["baseline"]), ((an_entry("a", "Two words", minute=1),), [])],
    ),
    "H42_a_tracking_parameter_is_no_edit": (
        {},
        [
            ((an_entry("a", minute=1, url="https://valley.example/1"),), ["baseline"]),
            ((an_entry("a", minute=1, url="https://valley.example/1?utm_source=x"),), []),
        ],
    ),
    "a_new_date_alone_is_no_edit": ({}, [((A,), ["baseline"]), ((edited(A, published_ms=NOON),), [])]),
    "a_relative_time_is_no_edit": (
        {},
        [
            ((an_entry("a", "Fire", "3 minutes ago. Out."),), ["baseline"]),
            ((an_entry("a", "Fire", "4 minutes ago. Out."),), []),
        ],
    ),
    "a_changed_headline_is_an_edit": ({}, [(FOUR, BASE), ((D, C, edited(B, headline="B again"), A), ["updated"])]),
    "roll_off_is_no_withdrawal": (
        {},
        [(FOUR, BASE), ((E, D, C, B), ["created"]), ((E, D, C, B), []), ((E, D, C, B), [])],
    ),
    "an_entry_gone_while_older_ones_are_there_is_withdrawn_when_seen_again": (
        {},
        [(FOUR, BASE), ((D, C, A), []), ((D, C, A), ["withdrawn"]), ((D, C, A), [])],
    ),
    "an_entry_back_before_it_counts_was_never_gone": (
        {},
        [(FOUR, BASE), ((D, C, A), []), (FOUR, []), ((E, *FOUR), ["created"])],
    ),
    "a_withdrawn_entry_that_is_back_is_restored": (
        {},
        [(FOUR, BASE), ((D, C, A), []), ((D, C, A), ["withdrawn"]), ((E, *FOUR), ["restored", "created"])],
    ),
    "withdraw_after_three_waits_for_three": (
        {"withdraw_after": 3},
        [(FOUR, BASE), ((D, C, A), []), ((D, C, A), []), ((D, C, A), ["withdrawn"])],
    ),
    "withdraw_after_one_does_not_wait": ({"withdraw_after": 1}, [(FOUR, BASE), ((D, C, A), ["withdrawn"])]),
    "a_full_listing_without_it_withdraws_the_oldest_too": (
        {"listing": "full"},
        [(FOUR, BASE), ((D, C, B), []), ((D, C, B), ["withdrawn"])],
    ),
    "a_curated_list_without_it_says_nothing": (
        {"listing": "curated"},
        [(FOUR, BASE), ((D, C, A), []), ((D, C, A), []), ((D, A), [])],
    ),
    "auto_never_announces_a_withdrawal_before_it_knows": (
        {"listing": "auto"},
        [(FOUR, BASE), ((D, C, A), []), ((D, C, A), []), ((D, C, A), [])],
    ),
    "a_burst_is_held_for_three_further_polls": (
        {"listing": "full"},
        [(FOUR, BASE), ((A, E), ["created"]), ((A, E), []), ((A, E), []), ((A, E), ["withdrawn"] * 3)],
    ),
    "a_burst_that_comes_back_was_nothing": (
        {"listing": "full"},
        [(FOUR, BASE), ((A,), []), ((A,), []), ((D, C, B, edited(A, headline="A new word")), ["updated"])],
    ),
    "what_returns_ends_the_burst_for_the_rest": (
        {"listing": "full"},
        [(FOUR, BASE), ((A, E), ["created"]), ((A, C, D, E), ["withdrawn"])],
    ),
    "inside_its_span_an_absence_counts_without_older_ones": (
        {"span_ms": 86_400_000},
        [(FOUR, BASE), ((D, C, B), []), ((D, C, B), ["withdrawn"])],
    ),
    "a_tombstone_withdraws_at_once": (
        {},
        [(FOUR, BASE), ((D, C, edited(B, headline="", deleted=True), A), ["withdrawn"])],
    ),
    "an_entry_that_rolled_off_and_returns_is_the_entry_it_was": (
        {},
        [((C, B, A), BASE[:3]), ((D, C, B), ["created"]), ((D, C, B, A), [])],
    ),
    "an_entry_that_returns_with_another_text_is_an_edit": (
        {},
        [((C, B, A), BASE[:3]), ((D, C, B), ["created"]), ((D, C, B, edited(A, headline="A, again")), ["updated"])],
    ),
    "an_old_entry_that_slides_in_is_backfilled": ({}, [(FOUR, BASE), ((D, C, B, A, OLD), ["backfilled"])]),
    "an_entry_of_the_day_before_yesterday_is_backfilled": (
        {"listing": "full"},
        [((D,), ["baseline"]), ((D, edited(OLD, published_ms=NOON - 48 * 3_600_000)), ["backfilled"])],
    ),
    "a_late_entry_is_new": ({}, [((D, C, A), BASE[:3]), ((D, C, B, A), ["created"])]),
    "nothing_in_common_is_a_gap": ({}, [((B, A), BASE[:2]), ((D, C), ["gap", "created", "created"])]),
    "H27_a_truncated_body_withdraws_nothing": (
        {"listing": "full"},
        [(FOUR, BASE), ("truncated", ["source-error"]), ("truncated", []), (FOUR, ["source-recovered"])],
    ),
    "H28_an_empty_body_withdraws_nothing": (
        {"listing": "full"},
        [(FOUR, BASE), ((), ["source-error"]), ((), []), ((A, B, C, D), ["source-recovered"])],
    ),
    "a_stale_cache_flickers_in_silence": (
        {},
        [
            (FOUR, BASE),
            ((E, *FOUR), ["created"]),
            (FOUR, []),
            ((E, *FOUR), []),
            (FOUR, []),
            ((F, E, *FOUR), ["created"]),
        ],
    ),
    "a_stale_cache_brings_no_edit_back": (
        {},
        [
            ((B, A), BASE[:2]),
            ((edited(B, headline="Other"), A), ["updated"]),
            ((B, A), []),
            ((edited(B, headline="Other"), A), []),
        ],
    ),
    "a_state_that_no_poll_saw_of_a_cache_that_lags_is_no_event": (
        {},
        [
            ((D, C, B, A), BASE),
            ((F, E, D, C), ["created", "created"]),
            ((E, D, C, B), []),
            ((E, D, C, B), []),
            ((F, E, D, C), []),
        ],
    ),
    "a_lagging_cache_takes_no_edit_back": (
        {"listing": "auto"},
        [
            ((C, B, A), BASE[:3]),
            ((D, C, edited(B, headline="B again"), A), ["updated", "created"]),
            ((E, D, C, edited(B, headline="B again"), A), ["created"]),
            ((D, C, B, A), []),
            ((E, D, C, edited(B, headline="B again"), A), []),
        ],
    ),
    "a_state_before_that_stays_is_believed": (
        {},
        [
            ((D, C, B, A), BASE),
            ((F, E, D, C), ["created", "created"]),
            ((E, D, C, B), []),
            ((E, D, C, B), []),
            ((E, D, C, B), ["withdrawn"]),
        ],
    ),
    "something_new_beside_what_went_back_is_told": (
        {},
        [
            ((D, C, B, A), BASE),
            ((E, D, C, edited(B, headline="B again")), ["updated", "created"]),
            ((F, D, C, B, A), ["updated", "created"]),
        ],
    ),
    "in_a_full_listing_a_status_may_go_to_and_fro_while_another_ends": (
        {"listing": "full"},
        [
            ((C, B, A), BASE[:3]),
            ((D, C, edited(B, headline="B closed"), edited(A, body="More.")), ["updated", "updated", "created"]),
            ((C, B, edited(A, body="More.")), ["updated"]),
            ((C, B, edited(A, body="More.")), ["withdrawn"]),
        ],
    ),
    "a_source_that_went_back_for_good_is_believed": (
        {"listing": "full"},
        [(FOUR, BASE), ((E, *FOUR), ["created"]), (FOUR, []), (FOUR, []), (FOUR, ["withdrawn"])],
    ),
    "all_dates_gone_is_a_source_error": (
        {},
        [
            (FOUR, BASE),
            (tuple(edited(e, published_ms=None) for e in FOUR), ["source-error"]),
            (FOUR, ["source-recovered"]),
        ],
    ),
    "dates_that_can_no_longer_be_read_are_not_gone": (
        {},
        [
            (FOUR, BASE),
            (tuple(edited(e, published_ms=None, published_raw="01/05/2024 11:42") for e in (E, *FOUR)), ["created"]),
        ],
    ),
    "all_headlines_gone_is_a_source_error": (
        {},
        [
            (FOUR, BASE),
            (tuple(msgspec.structs.replace(e, headline="", body="x", raw_hash="y") for e in FOUR), ["source-error"]),
            (FOUR, ["source-recovered"]),
        ],
    ),
    "an_entry_that_says_nothing_is_none": (
        {},
        [(FOUR, BASE), ((*FOUR, msgspec.structs.replace(A, native_id=None, headline="", raw_hash="n")), [])],
    ),
    "H38_ten_items_with_one_guid_are_ten_entries": (
        {},
        [(tuple(an_entry("same", f"Item {w}") for w in "abcdefghij"), ["baseline"] * 10)],
    ),
    "H39_an_id_reused_for_another_story_is_a_new_entry": (
        {},
        [
            ((an_entry("1", "Storm hits coast", LONG, minute=1, url="https://v.example/storm"),), ["baseline"]),
            (
                (an_entry("1", "Minister resigns", "She said so.", minute=9, url="https://v.example/minister"),),
                ["created"],
            ),
        ],
    ),
    "H38_three_items_with_one_guid_and_url_in_a_short_list_are_three_entries": (
        {},
        [
            (
                (
                    *(an_entry("same", f"Item {w}", url="https://v.example/all") for w in "abc"),
                    *linked("v.example", "xyz"),
                ),
                ["baseline"] * 6,
            )
        ],
    ),
    "teasers_below_a_short_list_are_the_stories_above": (
        {"listing": "auto"},
        [
            ((*linked("v.example", "abcdef"), *teasers("ab")), ["baseline"] * 6),
            ((*linked("v.example", "abcdefg"), *teasers("bc")), ["created"]),
            ((*linked("v.example", "abcdefg"), *teasers("ca")), []),
        ],
    ),
    "a_re_issued_id_keeps_its_entry": ({}, [(FOUR, BASE), ((D, C, edited(B, native_id="new"), A), [])]),
    "an_alias_keeps_its_entry": (
        {},
        [((A, B), BASE[:2]), ((A, an_entry("b2", "B by another name", minute=21, aliases=("b", "b2"))), ["updated"])],
    ),
    "a_whole_new_id_scheme_is_no_event": (
        {},
        [(FOUR, BASE), (tuple(edited(e, native_id=f"https://x/{e.native_id}") for e in FOUR), [])],
    ),
    "a_whole_new_id_scheme_with_all_times_and_urls_moved_is_no_event": (
        {},
        [
            (
                tuple(edited(e, body=f"{LONG} {e.native_id}", url=f"https://v.example/{e.native_id}") for e in FOUR),
                BASE,
            ),
            (
                tuple(
                    edited(
                        e,
                        native_id=f"wp-{e.native_id}",
                        body=f"{LONG} {e.native_id}",
                        url=f"https://new.example/{e.native_id}",
                        published_ms=NOON + 7 * 3_600_000,
                    )
                    for e in FOUR
                ),
                [],
            ),
        ],
    ),
    "ids_that_are_places_in_the_list_name_nothing": (
        {},
        [
            (placed(STORIES[3::-1]), BASE),
            (placed(STORIES[4::-1]), ["created"]),
            (placed([*STORIES[5:2:-1], edited(STORIES[2], body="Amended."), STORIES[1]]), ["updated", "created"]),
        ],
    ),
    "a_story_whose_id_another_took_is_still_itself_under_a_new_one": (
        {},
        [
            (STORIES[3::-1], BASE),
            ((edited(STORIES[4], native_id="s3"), edited(STORIES[3], native_id="s9"), *STORIES[2::-1]), ["created"]),
        ],
    ),
    "an_earlier_page_of_a_window_withdraws_nothing": (
        {},
        [
            (FOUR, BASE),
            ((OLD, OLDER), ["gap", "backfilled", "backfilled"]),
            *[((OLD, edited(OLDER, body=f"Read {n} times")), ["updated"]) for n in range(5)],
            ((E, *FOUR), ["created"]),
        ],
    ),
    "a_moved_url_is_no_event": (
        {},
        [
            ((an_entry("a", url="https://v.example/a"),), ["baseline"]),
            ((an_entry("a", url="https://cdn.v.example/moved/a"),), []),
        ],
    ),
    "without_ids_a_moved_time_is_no_event": (
        {},
        [((an_entry("", "One", minute=1),), ["baseline"]), ((an_entry("", "One", minute=2),), [])],
    ),
    "without_ids_an_edited_figure_is_an_edit": (
        {},
        [
            (
                tuple(an_entry("", h, minute=m) for h, m in (("Top", 3), ("Up to 3,000 arrested", 2), ("End", 1))),
                BASE[:3],
            ),
            (
                tuple(an_entry("", h, minute=m) for h, m in (("Top", 3), ("Up to 4,000 arrested", 2), ("End", 1))),
                ["updated"],
            ),
        ],
    ),
    "without_ids_an_edit_in_a_script_without_spaces_is_an_edit": (
        {},
        [
            (
                tuple(
                    an_entry("", h, minute=m)
                    for h, m in (("市長が会見", 3), ("台風で道路が通行止めに", 2), ("終了", 1))
                ),
                BASE[:3],
            ),
            (
                tuple(
                    an_entry("", h, minute=m)
                    for h, m in (("市長が会見", 3), ("台風で道路二本が通行止めに", 2), ("終了", 1))
                ),
                ["updated"],
            ),
        ],
    ),
    "without_ids_an_added_body_is_an_edit": (
        {},
        [
            ((an_entry("", "Top", minute=3), an_entry("", "Two", minute=2)), BASE[:2]),
            ((an_entry("", "Top", minute=3), an_entry("", "Two", LONG, minute=2)), ["updated"]),
        ],
    ),
    "without_ids_two_in_one_minute_stay_two": (
        {},
        [
            ((an_entry("", "River closes road", minute=2), an_entry("", "Bridge is open", minute=2)), BASE[:2]),
            ((an_entry("", "River closes road", minute=2), an_entry("", "Bridge is open", minute=2)), []),
        ],
    ),
    "without_ids_an_edit_while_the_order_turns_is_an_edit": (
        {},
        [
            (tuple(an_entry("", h, minute=m) for h, m in HEADLINES), BASE),
            (tuple(an_entry("", h.replace("3", "5"), minute=m) for h, m in HEADLINES[::-1]), ["updated"]),
        ],
    ),
    "without_ids_two_much_alike_in_a_minute_are_not_mixed_up": (
        {},
        [
            (tuple(an_entry("", h, minute=m) for h, m in HEADLINES), BASE),
            (
                tuple(an_entry("", h.replace("Aster", "Kolm"), minute=m) for h, m in HEADLINES[::-1]),
                ["created"],
            ),
        ],
    ),
    "without_ids_the_same_headline_a_day_later_over_another_text_is_another_entry": (
        {"listing": "auto"},
        [
            ((an_entry("", BRIEFING, BRIEFED[0], minute=0), an_entry("", "End", minute=-1)), BASE[:2]),
            ((an_entry("", BRIEFING, BRIEFED[1], minute=24 * HOURS), an_entry("", "End", minute=-1)), ["created"]),
        ],
    ),
    "without_ids_the_same_headline_an_hour_later_over_another_text_is_an_edit": (
        {"listing": "auto"},
        [
            ((an_entry("", BRIEFING, BRIEFED[0], minute=0), an_entry("", "End", minute=-1)), BASE[:2]),
            ((an_entry("", BRIEFING, BRIEFED[1], minute=HOURS), an_entry("", "End", minute=-1)), ["updated"]),
        ],
    ),
    "without_ids_the_same_body_under_an_edited_headline_with_a_moved_time_is_an_edit": (
        {},
        [
            ((an_entry("", "Bridge: council votes today", TOLD, minute=5), an_entry("", "End", minute=1)), BASE[:2]),
            (
                (an_entry("", "Bridge: council votes at noon", TOLD, minute=50), an_entry("", "End", minute=1)),
                ["updated"],
            ),
        ],
    ),
    "without_ids_a_body_that_stands_under_several_entries_names_none": (
        {"listing": "auto"},
        [
            ((an_entry("", "Vote is put off", TOLD, minute=5), an_entry("", "Mill burns", TOLD, minute=1)), BASE[:2]),
            (
                (an_entry("", "Vote is put through", TOLD, minute=50), an_entry("", "Mill burns", TOLD, minute=1)),
                ["created"],
            ),
        ],
    ),
    "without_ids_and_headlines_a_moved_time_is_no_event": (
        {},
        [
            (tuple(an_entry("", " ", f"{TOLD} {n}", minute=n) for n in (3, 2, 1)), BASE[:3]),
            (tuple(an_entry("", " ", f"{TOLD} {n}", minute=n - 300) for n in (3, 2, 1)), []),
        ],
    ),
    "without_ids_an_entry_that_left_and_is_back_with_a_moved_time_is_the_entry_it_was": (
        {"listing": "auto"},
        [
            ((an_entry("", "Vote is put off", TOLD, minute=5), an_entry("", "End", minute=1)), BASE[:2]),
            ((an_entry("", "End", minute=1), an_entry("", "Mill burns", minute=0)), ["backfilled"]),
            (
                (
                    an_entry("", "Road open", minute=9 * HOURS),
                    an_entry("", "Vote is put off", TOLD, minute=9 * HOURS),
                    an_entry("", "End", minute=1),
                ),
                ["created"],
            ),
            ((an_entry("", "Road open", minute=9 * HOURS), an_entry("", "End", minute=1)), []),
            (
                (
                    an_entry("", "Ice on the river", minute=31 * HOURS),
                    an_entry("", "Vote is put off", TOLD, minute=30 * HOURS),
                    an_entry("", "End", minute=1),
                ),
                ["created", "created"],
            ),
        ],
    ),
    "without_ids_and_times_and_neighbours_half_of_the_words_are_not_enough": (
        {"listing": "auto"},
        [
            ((an_entry("", "Small quake near Aster"), an_entry("", "Small quake near Kolm")), BASE[:2]),
            (
                (an_entry("", "Small quake south of Aster"), an_entry("", "Small quake south of Kolm")),
                ["gap", "created", "created"],
            ),
        ],
    ),
    "a_story_under_another_url_with_its_article_number_was_not_withdrawn": (
        {},
        [
            ((C, an_entry("", "Vote today", minute=25, url=SLUG.format("vote-today")), A), BASE[:3]),
            ((C, an_entry("", "Bridge it is", minute=25, url=SLUG.format("bridge-it-is")), A), ["created"]),
            ((C, an_entry("", "Bridge it is", minute=25, url=SLUG.format("bridge-it-is")), A), []),
            ((D, C, an_entry("", "Bridge it is", minute=25, url=SLUG.format("bridge-it-is")), A), ["created"]),
        ],
    ),
    "a_day_in_two_urls_is_no_article_number": (
        {"withdraw_after": 1},
        [
            ((C, an_entry("", "Vote today", minute=25, url="https://v.example/20220107/vote"), A), BASE[:3]),
            (
                (C, an_entry("", "Mill burns", minute=28, url="https://v.example/20220107/mill"), A),
                ["created", "withdrawn"],
            ),
        ],
    ),
    "the_body_of_another_site_is_a_source_error": (
        {},
        [
            (linked("valley.example", "abc"), BASE[:3]),
            (linked("coast.test", "xyz"), ["source-error"]),
            (linked("coast.test", "wxyz"), []),
            (linked("valley.example", "abcd"), ["source-recovered", "created"]),
        ],
    ),
    "another_site_is_believed_when_it_stays": (
        {},
        [
            (linked("valley.example", "abc"), BASE[:3]),
            (linked("coast.test", "nopq"), ["source-error"]),
            *[(linked("coast.test", "nopq"[:3] + str(n)), []) for n in range(6)],
            (linked("coast.test", "xyz"), ["source-recovered", "gap", *["created"] * 3]),
        ],
    ),
    "another_host_of_the_same_site_with_nothing_in_common_is_a_gap": (
        {},
        [
            (linked("valley.example", "abc"), BASE[:3]),
            (linked("news.valley.example", "xyz", 9), ["gap", *["created"] * 3]),
        ],
    ),
    "without_ids_a_new_one_above_an_edited_one": (
        {},
        [
            ((an_entry("", "3 held in Aster", minute=2), an_entry("", "End", minute=1)), BASE[:2]),
            (
                (
                    an_entry("", "Road open", minute=3),
                    an_entry("", "5 held in Aster", minute=2),
                    an_entry("", "End", minute=1),
                ),
                ["updated", "created"],
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    definition, polls = SCENARIOS[name]
    watch = Watch(**definition)
    for i, (shown, expected) in enumerate(polls):
        ops = watch.fail(shown) if isinstance(shown, str) else watch.poll(*shown)
        assert ops == expected, f"poll {i + 1}"
    assert [event.seq for event in watch.events] == list(range(1, len(watch.events) + 1))
    assert len({event.id for event in watch.events}) == len(watch.events)
