"""Hostile and broken bodies: refused quickly and by name, with no file or network touched."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from processors.parse import LARGEST, parse
from wirewatch.errors import BadInput
from wirewatch.events import ParseDefinition

AUTO = ParseDefinition(url="https://news.example/feed")

LAUGHS = (
    '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    "<rss><channel><item><title>&c;</title></item></channel></rss>"
)


def refusal(body: bytes, definition: ParseDefinition = AUTO) -> str:
    start = time.thread_time()
    with pytest.raises(BadInput) as refused:
        parse(body, definition, fetched_at_ms=0)
    assert time.thread_time() - start < 1.0, "refused too slowly"
    return refused.value.reason


def test_h29_entities_built_of_others_are_refused() -> None:
    assert refusal(LAUGHS.encode()) == "entity-expansion"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://127.0.0.1:9/x"])
def test_h30_h31_external_entities_are_refused_and_never_opened(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("something was opened")

    monkeypatch.setattr("builtins.open", opened)
    monkeypatch.setattr("socket.socket.connect", opened)
    body = (
        f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{target}">]><rss><channel><item><title>&x;</title></item></channel></rss>'
    )
    assert refusal(body.encode()) == "entity-expansion"


def test_h30_parameter_entities_are_refused_too() -> None:
    body = b'<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd"> %x;]><rss><channel/></rss>'
    assert refusal(body) == "entity-expansion"


def test_an_old_doctype_with_an_address_is_no_attack_and_is_not_fetched() -> None:
    body = (
        b'<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        b'"http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel><title>x</title>'
        b"<item><title>caf&eacute;</title></item></channel></rss>"
    )
    assert parse(body, AUTO, fetched_at_ms=0).entries[0].headline == "café"


def test_entities_that_are_plain_characters_are_read() -> None:
    body = b'<!DOCTYPE rss [<!ENTITY pub "The Paper">]><rss><channel><item><title>&pub;</title></item></channel></rss>'
    assert parse(body, AUTO, fetched_at_ms=0).entries[0].headline == "The Paper"


@pytest.mark.parametrize("body", [b"/etc/passwd", b"file:///etc/passwd", b"http://127.0.0.1:9/feed.xml"])
def test_h32_a_body_that_is_a_path_or_an_address_is_plain_text(body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("opened"))
    assert refusal(body, ParseDefinition(url="https://news.example/", kind="rss")) == "not-recognised"


def test_h33_deep_nesting_is_refused_in_under_a_second() -> None:
    body = b"<rss><channel><item><description>" + b"<div>" * 200_000 + b"</description></item></channel></rss>"
    assert refusal(body) == "too-deep"


def test_h33_deep_nesting_inside_an_entrys_html_is_shown_as_text() -> None:
    body = b"<rss><channel><item><title>x</title><description><![CDATA[" + b"<div>" * 200_000
    body += b"deep]]></description></item></channel></rss>"
    start = time.thread_time()
    entry = parse(body, AUTO, fetched_at_ms=0).entries[0]
    assert time.thread_time() - start < 2.0
    assert (entry.body, "<div" in entry.html) == ("deep", False)


def test_h34_200k_attributes_are_read_or_refused_in_under_a_second() -> None:
    body = b"<rss><channel><item><title>x</title><a " + b" ".join(b'a%d="1"' % n for n in range(200_000))
    body += b"/></item></channel></rss>"
    start = time.thread_time()
    parse(body, AUTO, fetched_at_ms=0)
    assert time.thread_time() - start < 1.0


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_h35_deep_json_is_refused_in_under_a_second(opening: bytes) -> None:
    assert refusal(opening * 100_000) == "too-deep"


def test_a_body_over_the_limit_is_refused() -> None:
    assert refusal(b"<rss>" + b" " * LARGEST) == "too-large"


@pytest.mark.parametrize(
    "piece", ["<", "<a", '<a "', "<!--", "&", "&lt;", "<![CDATA[", "<item>", "]]>", "<b><p>", "&#9999999"]
)
def test_time_is_linear_in_text_that_never_closes(piece: str) -> None:
    def seconds(count: int) -> float:
        body = f"<rss><channel><item><title>x</title><description>{piece * count}</description></item></channel></rss>"
        start = time.thread_time()
        with contextlib.suppress(BadInput):
            parse(body.encode(), AUTO, fetched_at_ms=0)
        return time.thread_time() - start

    assert seconds(200_000) < 4.0


USUAL = "<title>x</title><link>https://n.example/1</link><guid>g</guid><description>d</description>"


@pytest.mark.parametrize(
    "inside",
    [
        "<a/>" * 100_000,
        "<category>x</category>" * 100_000,
        "<title>x</title>" * 100_000,
        "<a b " * 100_000,
        '<a b="' * 100_000,
        "<a b>" * 100_000,
        "<a " + "b=c " * 100_000,
        "<![CDATA[]]>" * 100_000,
    ],
    ids=["elements", "tags", "titles", "unclosed", "quotes", "no values", "no quotes", "sections"],
)
@pytest.mark.parametrize("root", ['<rss version="2.0">', "<rss version=2.0>"], ids=["well-formed", "to be mended"])
def test_h33_h34_an_entry_of_a_hundred_thousand_pieces_costs_no_more_than_its_length(root: str, inside: str) -> None:
    body = (
        f"{root}<channel><item>{USUAL}<pubDate>Fri, 07 Jan 2022 20:31:04 GMT</pubDate>{inside}</item></channel></rss>"
    )
    start = time.thread_time()
    with contextlib.suppress(BadInput):
        parse(body.encode(), AUTO, fetched_at_ms=0)
    assert time.thread_time() - start < 3.0, "as if each piece were looked at for each other"
