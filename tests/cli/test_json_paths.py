"""Guessing a JSON list's fields: by name and by what they hold."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from wirewatch.cli.json_paths import guess_paths, in_words
from wirewatch.events import JsonPaths


def guess(items: list[Any]) -> JsonPaths:
    return guess_paths(orjson.dumps({"rows": items}), "rows")


def test_fields_are_found_by_their_usual_names() -> None:
    item = {
        "guid": "g-1",
        "webTitle": "Road open",
        "summary": "It is open again.",
        "webUrl": "https://example.org/1",
        "webPublicationDate": "2026-01-07T20:00:00Z",
        "last_modified": "2026-01-07T20:05:00Z",
        "section": "news",
    }
    assert guess([item]) == JsonPaths(
        items="rows",
        id="guid",
        headline="webTitle",
        body="summary",
        url="webUrl",
        published="webPublicationDate",
        updated="last_modified",
    )


def test_fields_are_found_below_others() -> None:
    item = {"id": 7, "title": {"rendered": "Dam"}, "properties": {"link": "https://a.example/", "time": 1_767_816_000}}
    assert guess([item]) == JsonPaths(
        items="rows", id="id", headline="title.rendered", url="properties.link", published="properties.time"
    )


def test_a_key_that_is_no_plain_name_stands_in_quotes() -> None:
    assert guess([{"content": {"head-line": "h"}}]).headline == 'content."head-line"'
    assert guess([{"a b": {"title": "T"}}]).headline == '"a b".title'


@pytest.mark.parametrize(
    ("items", "role"),
    [
        ([{"id": "same"}, {"id": "same"}], "id"),
        ([{"id": "a"}, {}], "id"),
        ([{"url": "see page 3"}], "url"),
        ([{"date": "yesterday"}], "published"),
        ([{"time": 12}], "published"),
        ([{"title": ["a", "list"]}], "headline"),
        ([{"title": ""}, {"title": ""}], "headline"),
        ([{"title": "only one"}, {"a": 1}, {"a": 1}], "headline"),
    ],
)
def test_a_field_whose_values_do_not_fit_is_not_taken(items: list[Any], role: str) -> None:
    assert getattr(guess(items), role) == ""


def test_the_likelier_name_wins_and_then_the_shallower() -> None:
    item = {"name": "n", "headline": "h", "nested": {"headline": "below"}}
    assert guess([item]).headline == "headline"


@pytest.mark.parametrize("items", [[], ["a"], [1, 2], [{}]])
def test_a_list_that_tells_nothing_gives_no_paths(items: list[Any]) -> None:
    assert guess(items) == JsonPaths(items="rows")


def test_deep_wide_and_odd_items_cost_little() -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": deep}
    wide = {f"k{n}": n for n in range(100_000)}
    assert guess([{"deep": deep, "wide": wide, "title": "still found"}]).headline == "title"


def test_a_guess_is_told_as_the_file_would_have_it() -> None:
    assert in_words(JsonPaths(items="@", headline="t", url="u")) == "items = @, headline = t, url = u"
