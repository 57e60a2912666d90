"""What is learned of a source: its listing and its volatile numbers, and what must never be learned."""

from __future__ import annotations

import pytest

from processors.diff.listing import HINTED_BODIES, WINDOW_BODIES
from processors.diff.verdict import DOUBTED_BODIES
from processors.diff.volatile import same_but_volatile
from tests.diff.watching import Watch, an_entry


def rolling(n: int, size: int = 10) -> list[object]:
    return [an_entry(f"r{i}", minute=i) for i in range(n * 3 + size, n * 3, -1)]


def test_a_list_in_order_of_time_that_only_rolls_off_is_learned_as_a_window() -> None:
    watch = Watch(listing="auto")
    for n in range(WINDOW_BODIES + 2):
        watch.poll(*rolling(n))  # type: ignore[arg-type]  # entries
    seen = watch.remembered.head.listing
    assert seen.decided == "window"
    assert "in order of time" in seen.reason
    shown = rolling(WINDOW_BODIES + 2)
    gone = watch.poll(*shown[:4], *shown[5:])  # type: ignore[arg-type]  # entries
    assert "withdrawn" not in gone
    assert watch.confirm() == ["withdrawn"]


def test_a_live_page_in_order_of_time_is_a_window_by_its_format_once_that_is_confirmed() -> None:
    watch = Watch(listing="auto")
    for n in range(HINTED_BODIES):
        watch.poll(*(an_entry(f"e{i}", minute=i) for i in range(n + 3, -1, -1)), kind="live-page")
        assert watch.remembered.head.listing.decided == ("window" if n + 1 == HINTED_BODIES else "auto")
    shown = [an_entry(f"e{i}", minute=i) for i in range(HINTED_BODIES + 2, -1, -1) if i != 4]
    assert watch.poll(*shown, kind="live-page") == []
    assert watch.confirm() == ["withdrawn"]


def test_a_list_that_drops_from_within_is_learned_as_curated() -> None:
    watch = Watch(listing="auto")
    for n in range(12):
        order = [(n + k * 7) % 30 for k in range(10)]
        watch.poll(*(an_entry(f"c{i}", minute=i) for i in order))
    assert watch.remembered.head.listing.decided == "curated"
    assert all(event.op != "withdrawn" for event in watch.events)


def test_comment_counts_are_learned_and_a_real_edit_still_comes_through() -> None:
    watch = Watch()
    told = []
    for n in range(16):
        entries = [
            an_entry(f"s{i}", body=f"Story number {'abcdef'[i]}. {n * 3 + i} comments", minute=i) for i in range(6)
        ]
        told.append(watch.poll(*entries))
    assert all(ops for ops in told[1:8])
    assert told[12:] == [[], [], [], []]
    entries[2] = an_entry("s2", body="Story number c, rewritten. 99 comments", minute=2)
    assert watch.poll(*entries) == ["updated"]


def test_a_first_comment_is_no_edit_once_counts_are_volatile() -> None:
    learned = ("bRcomme",)
    assert same_but_volatile(("h", "Story."), ("h", "Story. 1 comment"), learned)
    assert not same_but_volatile(("h", "Story."), ("h", "Story again. 1 comment"), learned)


def test_the_number_of_the_dead_is_never_learned() -> None:
    watch = Watch()
    for n in range(16):
        ops = watch.poll(*(an_entry(f"s{i}", f"{n * 3 + i} dead in village {'abcd'[i]}", minute=i) for i in range(4)))
    assert ops == ["updated"] * 4
    assert watch.events[-1].changes[0].class_ == "figures"


@pytest.mark.parametrize(
    "told",
    [
        "Quake: {} people killed",
        "Flood leaves {} people missing",
        "Beben: {} Menschen getötet",
        "Death toll rises to {}",
        "Число погибших: {}",
        "地震造成{}人死亡",
        "زلزال: مقتل {} شخصا",
        "Sisma: {} persone ferite",
        "Outbreak: {} cases",
    ],
)
def test_what_counts_people_harmed_is_never_learned_whatever_stands_beside_the_number(told: str) -> None:
    watch = Watch()
    for n in range(16):
        ops = watch.poll(*(an_entry(f"s{i}", body=told.format(n * 3 + i + 2), minute=i) for i in range(4)))
    assert ops == ["updated"] * 4


@pytest.mark.parametrize(
    "counter",
    ["Просмотров: {}", "コメント{}件", "阅读({})", "({})", "★ {}", "Views — {} views", "Two dead in Aster {} comments"],
)
def test_counters_are_learned_by_whatever_stands_beside_them(counter: str) -> None:
    watch = Watch()
    for n in range(16):
        ops = watch.poll(
            *(an_entry(f"s{i}", body=f"Known. {counter.format(n * 7 + i + 2)}", minute=i) for i in range(5))
        )
    assert ops == []


ENDINGS = (
    "the ferry rests",
    "a mill of 1881",
    "the old miller of Aster who carried the bell died aged 81.",
    "all is said",
    "the choir won by 7.",
)


@pytest.mark.parametrize("counter", ["★ {}", "({})", "{}.4K views"])
def test_a_counter_at_the_end_is_the_same_whatever_the_text_before_it_ends_with(counter: str) -> None:
    watch = Watch()
    for n in range(16):
        ops = watch.poll(
            *(
                an_entry(f"s{i}", body=f"Known now: {text} {counter.format(n * 7 + i + 12)}", minute=i)
                for i, text in enumerate(ENDINGS)
            )
        )
    assert ops == []


def test_a_counter_with_a_label_and_a_colon_is_the_same_whatever_the_text_behind_it_begins_with() -> None:
    watch = Watch()
    for n in range(16):
        ops = watch.poll(
            *(
                an_entry(f"s{i}", body=f"Views: {n * 7 + i + 2} {text.capitalize()}", minute=i)
                for i, text in enumerate(ENDINGS)
            )
        )
    assert ops == []
    assert watch.poll(
        *(an_entry(f"s{i}", body=f"Views: 300 {t.capitalize()}", minute=i) for i, t in enumerate(ENDINGS[:-1])),
        an_entry("s4", body="Views: 301 The choir won by 8.", minute=4),
    ) == ["updated"]


@pytest.mark.parametrize(
    "told",
    [
        *("{} minuti fa", "há {} minutos", "{} minuten geleden", "för {} minuter sedan", "{} minut temu"),
        *("{} dakika önce", "{} хвилин тому", "منذ {} دقيقة", "記事{}分前", "更新于{}分钟前", "{}분 전"),
    ],
)
def test_a_time_counted_from_now_is_no_edit_in_many_languages(told: str) -> None:
    watch = Watch()
    for n in range(2, 5):
        ops = watch.poll(an_entry("a", body=f"Known. {told.format(n)}", minute=1))
    assert ops == []


def test_a_stamp_that_changes_with_true_edits_is_never_learned() -> None:
    watch = Watch()
    sizes = ["small", "medium", "large", "huge"]
    for n in range(24):
        # three of four bulletins change in more than their stamp
        status = sizes[(n if n % 4 else n - 1) % 4]
        ops = watch.poll(*(an_entry(f"f{i}", body=f"Fire is {status}. UPDATED: {n}", minute=i) for i in range(4)))
    assert ops == ["updated"] * 4
    assert watch.remembered.head.volatile.learned == ()


def test_another_kind_is_doubted_until_it_stays() -> None:
    watch = Watch()
    watch.poll(an_entry("a", minute=1))
    told = [
        watch.poll(an_entry("a", f"Edition {'abcdefghij'[n]}", minute=1), kind="html") for n in range(DOUBTED_BODIES)
    ]
    assert told[0] == ["source-error"]
    assert told[1:-1] == [[]] * (DOUBTED_BODIES - 2)
    assert told[-1] == ["source-recovered", "updated"]


def test_far_fewer_entries_alone_are_no_reason_to_doubt() -> None:
    watch = Watch(listing="full")
    watch.poll(*(an_entry(f"e{n}", minute=n) for n in range(20)))
    watch.poll(an_entry("e0", minute=0))
    assert watch.last is not None
    assert watch.last.verdict.name == "good"
    assert [reason.name for reason in watch.last.verdict.reasons] == ["far-fewer"]


def test_an_ignored_field_is_no_edit() -> None:
    from wirewatch.events import JsonPaths

    watch = Watch(json=JsonPaths(body="summary"), ignore=("summary",))
    watch.poll(an_entry("a", body="one"))
    assert watch.poll(an_entry("a", body="two")) == []
    assert watch.poll(an_entry("a", "Other", body="three")) == ["updated"]
