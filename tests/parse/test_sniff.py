"""What a body is, and in what charset: by its bytes, never against them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from processors.parse import ParsedFeed
from processors.parse.sniffing import shape_of

Read = Callable[..., ParsedFeed]

RSS = "<rss><channel><title>x</title><item><title>Zürich café</title></item></channel></rss>"


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/json", "image/png", "", "text/plain; charset=us-ascii"]
)
def test_a_feed_is_a_feed_whatever_it_is_served_as(read: Read, content_type: str) -> None:
    feed = read(RSS, content_type=content_type)
    assert (feed.kind, feed.entries[0].headline) == ("rss", "Zürich café")


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "utf-16-le", "utf-32", "cp437", "mac-roman"]
)
def test_h36_a_declared_charset_is_used(read: Read, charset: str) -> None:
    body = f'<?xml version="1.0" encoding="{charset}"?>{RSS}'.encode(charset)
    assert read(body).entries[0].headline == "Zürich café"


@pytest.mark.parametrize("charset", ["gb2312", "big5", "euc-kr", "shift_jis", "koi8-r", "windows-1251"])
def test_h36_charsets_of_other_scripts_are_used(read: Read, charset: str) -> None:
    word = {"gb2312": "新闻", "big5": "新聞", "euc-kr": "뉴스", "shift_jis": "ニュース"}.get(charset, "Новости")
    body = f'<?xml version="1.0" encoding="{charset}"?><rss><channel><item><title>{word}</title></item></channel></rss>'
    assert read(body.encode(charset)).entries[0].headline == word


def test_h36_utf8_that_says_latin1_is_read_as_utf8_with_a_note(read: Read) -> None:
    feed = read(f'<?xml version="1.0" encoding="iso-8859-1"?>{RSS}'.encode())
    assert feed.entries[0].headline == "Zürich café"
    assert "UTF-8" in feed.notes[0]


def test_h36_latin1_that_says_nothing_or_utf8_is_read_with_a_note(read: Read) -> None:
    for declaration in ("", '<?xml version="1.0" encoding="utf-8"?>'):
        feed = read(declaration.encode() + RSS.encode("latin-1"))
        assert feed.entries[0].headline == "Zürich café"
        assert feed.notes


def test_the_headers_charset_holds_where_the_document_says_nothing(read: Read) -> None:
    body = "<rss><channel><item><title>Новости</title></item></channel></rss>".encode("cp1251")
    assert read(body, content_type="text/xml; charset=windows-1251").entries[0].headline == "Новости"


@pytest.mark.parametrize("declared", ["bogus", "utf-7", "base64", "zlib", "utf-16"])
def test_a_charset_that_is_none_does_not_make_a_feed_unreadable(read: Read, declared: str) -> None:
    assert read(f'<?xml version="1.0" encoding="{declared}"?>{RSS}').entries[0].headline == "Zürich café"


def test_a_byte_order_mark_and_white_space_before_the_declaration_are_nothing(read: Read) -> None:
    for before in (b"\xef\xbb\xbf", b"\n\n  ", b"\xef\xbb\xbf\n"):
        assert (
            read(before + f'<?xml version="1.0" encoding="utf-8"?>{RSS}'.encode()).entries[0].headline == "Zürich café"
        )


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b'<?xml version="1.0"?><!-- <html> --><rss>', "xml"),
        (b"<!-- <rss> --><!doctype html><html>", "html"),
        (b"<!DOCTYPE html><rss version='2.0'>", "xml"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'>", "html"),
        (b"  [1]", "json"),
        (b"callback([1])", "json"),
        (b"Live updates\n14:48 Something", "text"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'>", "xml"),
    ],
)
def test_the_first_element_says_what_it_is(body: Any, shape: str) -> None:
    assert shape_of(body, "application/octet-stream") == shape
