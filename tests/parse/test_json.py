"""JSON by the source's own paths, and the JSON Feed format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from processors.parse import ParsedFeed
from wirewatch.errors import BadInput

Read = Callable[..., ParsedFeed]


PATHS = {"items": "items", "id": "id", "headline": "title", "body": "text", "url": "link", "published": "at"}


def test_ids_that_are_numbers_become_text_and_items_that_are_no_objects_are_skipped_with_a_note(read: Read) -> None:
    feed = read(
        '{"items": [{"id": 42, "title": "One"}, 7, null, {"id": 1e3, "title": "Two"}]}', kind="json", json=PATHS
    )
    assert [(e.native_id, e.headline, e.position) for e in feed.entries] == [("42", "One", 0), ("1000", "Two", 1)]
    assert "2 of 4" in feed.notes[0]


def test_bodies_may_be_text_numbers_or_lists(read: Read) -> None:
    body = '{"items": [{"id": 1, "title": "t", "text": %s}]}'
    for value, text in (
        ('"<p>a</p><p>b</p>"', "a\nb"),
        ("12.5", "12.5"),
        ('["a", 3, null, ["b"]]', "a\n3\nb"),
        ("true", ""),
    ):
        assert read(body % value, kind="json", json=PATHS).entries[0].body == text


def test_expressions_with_functions_are_run_by_jmespath(read: Read) -> None:
    feed = read(
        '[{"n": 1, "parts": [{"h": "<p>x</p>"}, {"h": "<p>y</p>"}]}]',
        kind="json",
        json={"items": "@", "id": "n", "headline": "to_string(n)", "body": "join(' ', parts[].h)"},
    )
    assert (feed.entries[0].headline, feed.entries[0].body) == ("1", "x\ny")


def test_a_function_that_does_not_fit_an_item_leaves_its_field_empty(read: Read) -> None:
    feed = read('[{"id": 1, "a": 5}]', kind="json", json={"items": "@", "id": "id", "body": "join(' ', a)"})
    assert feed.entries[0].body == ""


def test_nan_is_read_as_null_with_a_note(read: Read) -> None:
    feed = read('{"items": [{"id": "a", "title": "x", "at": NaN, "big": Infinity}]}', kind="json", json=PATHS)
    assert feed.entries[0].published_ms is None
    assert "NaN" in feed.notes[0]


def test_h37_nuls_and_lone_surrogates_do_not_reach_the_text(read: Read) -> None:
    feed = read(
        '{"items": [{"id": "a\\u0000b", "title": "c\\ud800d\\u0000", "text": "e\\udfff"}]}', kind="json", json=PATHS
    )
    entry = feed.entries[0]
    assert (entry.native_id, entry.headline, entry.body) == ("ab", "cd", "e")


def test_times_by_format_and_in_epoch_milliseconds(read: Read) -> None:
    paths = {**PATHS, "time_format": "%d/%m/%Y %I:%M:%S %p", "timezone": "UTC"}
    feed = read(
        '{"items": [{"id": 1, "at": "10/03/2020 3:27:00 AM"}, {"id": 2, "at": 1746366018110}]}', kind="json", json=paths
    )
    assert [e.published_ms for e in feed.entries] == [1_583_810_820_000, 1_746_366_018_110]


def test_aliases_may_be_a_list_or_joined_by_commas(read: Read) -> None:
    for value in ('",b1,a1,"', '["b1", "a1"]'):
        feed = read(f'[{{"id": "a1", "ids": {value}}}]', kind="json", json={"items": "@", "id": "id", "aliases": "ids"})
        assert feed.entries[0].aliases == ("b1",)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("[]", "empty"),
        ('{"items": []}', "empty"),
        ("", "empty"),
        ('{"other": 1}', "not-recognised"),
        ('{"items": [{"id": 1}', "truncated"),
        ('{"items": [{"id": "abc', "truncated"),
        ('{"items": [{"id": tru', "truncated"),
        ('{"items": [{"id": 1},]}', "bad-json"),
        ('{"items": [1]} {"items": [2]}', "bad-json"),
        ("{items: 1}", "bad-json"),
        ("<html><body>Sorry</body></html>", "error-page"),
    ],
)
def test_what_is_no_list_of_objects_is_refused_by_name(read: Read, body: Any, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(body, kind="json", json=PATHS)
    assert refused.value.reason == reason


def test_an_error_in_json_says_line_and_column(read: Read) -> None:
    with pytest.raises(BadInput, match=r"line 2, column \d+"):
        read('{"items": [\n oops ]}', kind="json", json=PATHS)


def test_json_cut_at_any_byte_gives_no_entries(read: Read) -> None:
    whole = '{"items": [{"id": 1, "title": "One"}, {"id": 2, "title": "Zwölf \\u00e9"}]}'.encode()
    for end in range(1, len(whole)):
        with pytest.raises(BadInput) as refused:
            read(whole[:end], kind="json", json=PATHS)
        assert refused.value.reason in {"truncated", "bad-json"}


def test_the_order_of_an_objects_keys_changes_no_raw_hash(read: Read) -> None:
    one = read('[{"id": 1, "a": 2}]', kind="json", json={"items": "@", "id": "id"})
    two = read('[{"a": 2, "id": 1}]', kind="json", json={"items": "@", "id": "id"})
    assert one.entries[0].raw_hash == two.entries[0].raw_hash


def test_a_wrong_expression_is_named(read: Read) -> None:
    with pytest.raises(BadInput, match="JMESPath") as refused:
        read("[{}]", kind="json", json={"items": "a["})
    assert refused.value.reason == "bad-definition"


def test_json_feed_is_recognised_and_read_whole(read: Read) -> None:
    feed = read(
        '{"version": "https://jsonfeed.org/version/1.1", "title": "News", "home_page_url": "https://n.example/",'
        '"language": "en", "authors": [{"name": "Desk"}], "items": [{"id": 7, "url": "/7", "title": "T",'
        '"content_html": "<p>Body</p>", "summary": "s", "date_published": "2022-01-07T20:31:04+01:00",'
        '"tags": ["a"], "image": "/i.jpg", "attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg"}]}]}',
        content_type="text/html",
    )
    entry = feed.entries[0]
    assert (feed.kind, feed.title, feed.language, feed.url) == ("json-feed", "News", "en", "https://n.example/")
    assert (entry.native_id, entry.url, entry.body, entry.authors) == ("7", "https://news.example/7", "Body", ("Desk",))
    assert [media.kind for media in entry.media] == ["image", "audio"]
    assert entry.published_ms == 1_641_583_864_000


def test_recorded_lists_are_read_whole(recordings: Path, read: Read) -> None:
    import json

    paths = {
        "items": "features",
        "id": "properties.url",
        "headline": "properties.title",
        "published": "properties.time",
    }
    for path in sorted((recordings / "usgs_all_hour").glob("*.json"))[:60]:
        body = path.read_bytes()
        want = [feature["properties"] for feature in json.loads(body)["features"]]
        if not want:
            continue
        feed = read(body, kind="json", json=paths)
        assert [(e.native_id, e.headline, e.published_ms) for e in feed.entries] == [
            (w["url"], " ".join(w["title"].split()), w["time"]) for w in want
        ]


IGNORING = {"items": "@", "id": "id", "headline": "title", "body": "join(' ', [text, to_string(stats.points || `0`)])"}


def test_what_is_to_be_ignored_inside_a_mapped_body_is_not_in_its_text(read: Read) -> None:
    item = '[{"id": 1, "title": "t", "text": "Dam holds", "stats": {"points": %d, "views": 3}}]'
    seen = {read(item % n, kind="json", json=IGNORING, ignore=("stats.points",)).entries[0].body for n in (5, 6)}
    assert seen == {"Dam holds 0"}
    assert read(item % 5, kind="json", json=IGNORING, ignore=("stats.views",)).entries[0].body == "Dam holds 5"


def test_what_is_to_be_ignored_may_lie_in_a_list(read: Read) -> None:
    paths = {"items": "@", "id": "id", "headline": "title", "body": "parts[].[text, votes][]"}
    item = '[{"id": 1, "title": "t", "votes": 9, "parts": [{"text": "a", "votes": 4}, {"text": "b"}, 7]}]'
    for path in ("parts[].votes", "parts[*].votes", "parts.votes"):
        assert read(item, kind="json", json=paths, ignore=(path,)).entries[0].body == "a\nb"
    assert read(item, kind="json", json=paths, ignore=("votes", "parts[?x]", "(", "")).entries[0].body == "a\n4\nb"


def test_a_mapped_field_that_is_ignored_as_a_whole_stays_in_the_text_and_other_fields_are_read_as_ever(
    read: Read,
) -> None:
    paths = {"items": "@", "id": "id", "headline": "title", "body": "text"}
    feed = read('[{"id": 1, "title": "t", "text": "x"}]', kind="json", json=paths, ignore=("text", "id", "title"))
    assert (feed.entries[0].native_id, feed.entries[0].headline, feed.entries[0].body) == ("1", "t", "x")
