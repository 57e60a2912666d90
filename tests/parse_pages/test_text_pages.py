"""Live pages as plain text, and HTML of the same shape."""
# ruff: noqa: E501 - sample markup reads best unbroken

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from processors.parse.model import ParsedEntry
from wirewatch.errors import BadInput
from wirewatch.times import format_ms

from .conftest import Read


def told(entry: ParsedEntry) -> tuple[Any, ...]:
    at = format_ms(entry.published_ms) if entry.published_ms is not None else None
    return entry.native_id, entry.headline, entry.body, at, entry.published_precision, entry.published_from


def test_a_text_page_gives_its_lead_and_its_entries(read: Read, sample: Callable[[str], str]) -> None:
    feed = read(sample("flood.txt"), "text", content_type="text/plain")
    assert (feed.kind, feed.has_lead) == ("text", True)
    assert (feed.label, feed.title) == ("Live Updates", "Alder Bursts Its Banks Above Tarn")
    assert feed.section == "Regions"
    assert feed.summary == "More than 900 people have left their homes in the Alder valley, the county says."
    assert feed.body.splitlines()[0].startswith("The river rose by two metres")
    assert feed.body.splitlines()[-1] == "The county has opened the sports hall and two schools to whoever needs a bed."
    assert [told(e)[1:4] for e in feed.entries] == [
        (
            "Second Weir Holds, Engineers Say",
            (
                "TARN (Courier) - The weir at Lower Tarn has held through the afternoon, two engineers told a Courier "
                "reporter.\nThey will look at it again at 20:00 GMT."
            ),
            "2023-11-12T18:05:00.000Z",
        ),
        ("Railway Closed Until Monday", "", "2023-11-12T17:52:00.000Z"),
        ("Video Shows Cows Swimming Past the Church", "", "2023-11-12T17:52:00.000Z"),
        (
            '"We Have Seen Worse": The Mayor on the Flood',
            (
                '"We have seen worse, and we have never been better prepared," Mayor Ada Quill said. '
                '"So nobody needs to be afraid."'
            ),
            "2023-11-12T16:30:00.000Z",
        ),
        (
            "County Counts 900 Evacuated",
            (
                "TARN (Courier) - The county counts 912 evacuated, among them 40 patients of the hospital at Tarn.\n"
                "The number may rise in the night."
            ),
            "2023-11-12T16:29:00.000Z",
        ),
        ("Upper Tarn Weir Gives Way", "", "2023-11-12T15:00:00.000Z"),
    ]
    assert {told(e)[4:] for e in feed.entries} == {("minute", "source")}


def test_html_of_the_same_page_gives_the_same_entries_and_lead(read: Read, sample: Callable[[str], str]) -> None:
    by_text = read(sample("flood.txt"), "text")
    for kind in ("live-page", "auto"):
        by_html = read(sample("flood.html"), kind)
        assert [told(e) for e in by_html.entries] == [told(e) for e in by_text.entries]
        for name in ("title", "label", "summary", "body", "section", "has_lead"):
            assert getattr(by_html, name) == getattr(by_text, name), name
    assert [m.kind for m in by_html.entries[2].media] == ["video"]


def test_changes_in_the_furniture_change_no_entry(read: Read, sample: Callable[[str], str]) -> None:
    page = sample("flood.txt")
    other = page.replace("\n3\nTo participate", "\n17\nTo participate").replace("\nloader\n", "\n")
    assert read(other, "text").entries == read(page, "text").entries


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("21:40 GMT 07.01.2022", "2022-01-07T21:40:00.000Z"),
        ("21:40 07.01.2022", "2022-01-07T21:40:00.000Z"),
        ("7 January 2022, 21:40", "2022-01-07T21:40:00.000Z"),
        ("Fri 7 Jan 2022 21.40 GMT", "2022-01-07T21:40:00.000Z"),
        ("7. Januar 2022, 21:40 Uhr", "2022-01-07T21:40:00.000Z"),
        ("2022-01-07T21:40:00+01:00", "2022-01-07T20:40:00.000Z"),
    ],
)
def test_a_time_with_a_date_is_the_sources_own(read: Read, written: str, expected: str) -> None:
    page = f"Live: Bridge Closed in Town\n\n{written}\nFirst thing\n{written}\nSecond thing\nIt has a text of its own."
    first = read(page, "text").entries[0]
    assert (told(first)[3], first.published_from, first.published_raw) == (expected, "source", written)


@pytest.mark.parametrize(("written", "clock"), [("9.40pm", "21:40"), ("21:40", "21:40"), ("10.32am GMT", "10:32")])
def test_a_clock_alone_takes_the_day_heading(read: Read, written: str, clock: str) -> None:
    page = f"Live: Bridge Closed\n\n7 January 2022\n{written}\nOne thing\n6 January 2022\n{written}\nAnother thing\nA text."
    feed = read(page, "text")
    assert [told(e)[3] for e in feed.entries] == [f"2022-01-07T{clock}:00.000Z", f"2022-01-06T{clock}:00.000Z"]
    assert {e.published_from for e in feed.entries} == {"source"}


def test_a_clock_alone_rolls_over_at_midnight_from_the_pages_date(read: Read) -> None:
    newest_first = "Live: Storm\n\n00:20\nC\n23:50\nB\n22:10\nA\n21:30\nZ"
    feed = read(newest_first, "text", fetched="2022-01-08T00:30:00Z")
    days = [(told(e)[1], (told(e)[3] or "")[:16]) for e in feed.entries]
    assert days == [
        ("C", "2022-01-08T00:20"),
        ("B", "2022-01-07T23:50"),
        ("A", "2022-01-07T22:10"),
        ("Z", "2022-01-07T21:30"),
    ]
    oldest_first = "Live: Storm\n\n21:30\nZ\n22:10\nA\n23:50\nB\n00:20\nC"
    assert {(told(e)[1], told(e)[3]) for e in read(oldest_first, "text", fetched="2022-01-08T00:30:00Z").entries} == {
        (told(e)[1], told(e)[3]) for e in feed.entries
    }
    assert {e.published_from for e in feed.entries} == {"inferred"}


def test_a_late_entry_does_not_roll_the_day(read: Read) -> None:
    page = "Live: Storm\n\n14:50\nC\n14:48\nLate\n14:49\nB\n14:20\nA"
    days = {(told(e)[3] or "")[:10] for e in read(page, "text", fetched="2022-01-08T15:00:00Z").entries}
    assert days == {"2022-01-08"}


def test_a_relative_time_counts_from_the_snapshot_and_is_inferred(read: Read) -> None:
    page = "Live: Storm\n\n3m ago\nFirst thing\n2 hours ago\nSecond thing\nIt has a text."
    first, second = read(page, "text", fetched="2022-01-08T15:00:00Z").entries
    assert (told(first)[3], first.published_from) == ("2022-01-08T14:57:00.000Z", "inferred")
    assert told(second)[3] == "2022-01-08T13:00:00.000Z"


def test_times_that_begin_lines_part_entries_too(read: Read) -> None:
    page = (
        "Liveticker: Sturm an der Küste\n\n21:40 Uhr: Brücke gesperrt\nDie Brücke ist seit dem Abend gesperrt.\n"
        "+++ 21:05 Fähren bleiben im Hafen +++\n20:10 Uhr: Erste Warnung für die Inseln"
    )
    feed = read(page, "text", fetched="2022-01-08T22:00:00Z")
    assert feed.label == "Liveticker"
    assert [e.headline for e in feed.entries] == [
        "Brücke gesperrt",
        "Fähren bleiben im Hafen",
        "Erste Warnung für die Inseln",
    ]
    assert feed.entries[0].body == "Die Brücke ist seit dem Abend gesperrt."


def test_other_languages_furniture_belongs_to_no_entry(read: Read) -> None:
    tails = (
        "Лента новостей\n0\nЧтобы участвовать в дискуссии\nавторизуйтесь или зарегистрируйтесь\nloader\nЧаты",
        "Newsticker\n12\nUm an der Diskussion teilzunehmen\nloggen Sie sich ein oder registrieren Sie sich\nloader",
        "Alle Wege\nEtwas anderes\nund noch etwas",  # no word of it is known: its shape tells
    )
    for tail in tails:
        page = f"Live: Bridge\n\n21:40 07.01.2022\nOne\nA text of one sentence, and long enough.\n21:30 07.01.2022\nTwo\n{tail}\n"
        assert [(e.headline, e.body) for e in read(page, "text").entries] == [
            ("One", "A text of one sentence, and long enough."),
            ("Two", ""),
        ]


def test_a_table_of_contents_doubles_no_entry(read: Read) -> None:
    page = (
        "Live: Bridge Closed in Town\n\nThe bridge is closed to all traffic until further notice.\nTable of contents\n"
        "21:40 07.01.2022\nOne\n21:30 07.01.2022\nTwo\n21:20 07.01.2022\nThree\n"
        "21:40 07.01.2022\nOne\nIts text.\n21:30 07.01.2022\nTwo\n21:20 07.01.2022\nThree\nIts own text."
    )
    assert [(e.headline, e.body) for e in read(page, "text").entries] == [
        ("One", "Its text."),
        ("Two", ""),
        ("Three", "Its own text."),
    ]


def test_the_pages_own_date_is_no_entry(read: Read) -> None:
    page = (
        "Live: Bridge Closed in Town\n20:04 GMT 07.01.2022 (Updated: 21:40 GMT 07.01.2022)\nSubscribe\n"
        "The bridge is closed to all traffic until further notice.\nNew firstOld first\n"
        "21:40 GMT 07.01.2022\nOne\n21:30 GMT 07.01.2022\nTwo\n"
    )
    feed = read(page, "text")
    assert [e.headline for e in feed.entries] == ["One", "Two"]
    assert feed.summary == "The bridge is closed to all traffic until further notice."


@pytest.mark.parametrize(
    "text",
    [
        "Just a note.\nNothing else is in it.",
        "Published 10:00\nA story about the bridge.\nIt goes on for a while.",
        "1\n2\n3",
    ],
)
def test_text_without_timed_entries_is_refused_in_words(read: Read, text: str) -> None:
    with pytest.raises(BadInput, match="looked for lines that are a time") as refused:
        read(text, "auto", content_type="text/plain")
    assert refused.value.reason == "not-recognised"


def gold_of(shared: Path) -> tuple[dict[str, Any], list[str]]:
    folder = shared / "data" / "pages"
    if not (folder / "live-updates-page.txt").is_file():
        pytest.skip(f"no live-updates-page.txt in {folder}")
    gold = json.loads((folder / "live-updates-page.gold.json").read_text("utf-8"))
    return gold, ["", *(folder / "live-updates-page.txt").read_text("utf-8").split("\n")]


def expected_of(gold: dict[str, Any], lines: list[str]) -> list[tuple[Any, ...]]:
    return [
        (
            None,
            lines[entry["headline_line"]].strip(),
            "\n".join(lines[n].strip() for n in entry["body_lines"]),
            entry["published"],
            "minute",
            "source",
        )
        for entry in gold["entries"]
    ]


def test_the_recorded_page_equals_its_gold(read: Read, shared: Path) -> None:
    gold, lines = gold_of(shared)
    feed = read("\n".join(lines[1:]), "text")
    assert [told(e) for e in feed.entries] == expected_of(gold, lines)
    label, _, headline = lines[gold["headline_line"]].partition(": ")
    assert (feed.label, feed.title) == (gold["label"], headline) == (label, headline)
    assert feed.summary == lines[gold["summary_line"]]
    assert feed.body == "\n".join(lines[n] for n in gold["lead_body_lines"])
    assert feed.section == lines[gold["section_line"]]
    for entry, truth in zip(feed.entries, gold["entries"], strict=True):
        form = "text" if entry.body else "media" if entry.media else "headline-only"
        assert form in {truth["form"], *truth["form_also"]}


@pytest.mark.parametrize(
    "shape", ["articles", "time-elements", "flat", "plain-divs", "two-spans", "line-breaks", "headline-first"]
)
def test_html_of_the_recorded_page_equals_its_gold(read: Read, shared: Path, shape: str) -> None:
    gold, lines = gold_of(shared)
    feed = read(render(gold, lines, shape), "auto")
    assert [told(e) for e in feed.entries] == expected_of(gold, lines)
    by_text = read("\n".join(lines[1:]), "text")
    for name in ("title", "label", "summary", "body", "section"):
        assert getattr(feed, name) == getattr(by_text, name), name


def render(gold: dict[str, Any], lines: list[str], shape: str) -> str:
    """Plausible HTML of the recorded page, from what the gold says of its lines."""

    def line(number: int) -> str:
        return html.escape(lines[number])

    out = ["<!doctype html><html lang='en'><head><title>Live</title></head><body><nav><a href='/'>Home</a></nav>"]
    out.append(f"<img src='/a.jpg' alt='{line(1)}'><a href='/asia'>{line(gold['section_line'])}</a><p>{line(3)}</p>")
    out.append(f"<img src='/b.jpg' alt='{line(gold['alt_of_lead_image_line'])}'>")
    out.append(
        f"<h1>{line(gold['headline_line'])}</h1><button>{line(8)}</button><div>{line(gold['summary_line'])}</div>"
    )
    out.extend(f"<p>{line(n)}</p>" for n in [*gold["lead_body_lines"], 13])
    out.append(f"<div>{line(14)}</div><div><span>New first</span><span>Old first</span></div><section>")
    for entry in gold["entries"]:
        at, headline = line(entry["time_line"]), line(entry["headline_line"])
        paragraphs = [line(n) for n in entry["body_lines"]]
        body = "".join(f"<p>{p}</p>" for p in paragraphs)
        clock, date = at[:9], at[10:]
        out.append(
            {
                "articles": f"<article><div class='date'>{at}</div><h3>{headline}</h3><div>{body}</div></article>",
                "time-elements": f"<article><time datetime='{entry['published']}'>{at}</time><h2>{headline}</h2>{body}"
                "<div class='share'>Share</div></article>",
                "flat": f"<div class='date'>{at}</div><h3>{headline}</h3>{body}",
                "plain-divs": f"<div>{at}</div><div>{headline}</div>" + "".join(f"<div>{p}</div>" for p in paragraphs),
                "two-spans": f"<div class='item'><div><span class='time'>{clock}</span> <span class='date'>{date}</span></div>"
                f"<div class='item__title'>{headline}</div>{body}</div>",
                "line-breaks": f"<li><b>{at}</b><br><b>{headline}</b><br>{'<br>'.join(paragraphs)}</li>",
                "headline-first": f"<div class='item'><h3>{headline}</h3><p class='date'>{at}</p>{body}</div>",
            }[shape]
        )
    out.append("</section>")
    out.extend(f"<div>{line(n)}</div>" for n in gold["furniture_lines"] if n > 90)
    return "\n".join([*out, "</body></html>"])
