"""Visible text out of HTML, and what else an entry's markup gives. Everything here is linear in its input."""

from __future__ import annotations

import html as html_entities
import re

from msgspec import Struct

from processors.parse.characters import clean_characters
from processors.parse.markup import KNOWN_INLINE, LONGEST, SKIPPED, Token, decode_entities, mended, tokens
from processors.parse.media import extract_links, extract_media, links_in, media_in
from processors.parse.sanitising import sanitise, sanitise_tokens
from processors.parse.words import word_set
from wirewatch.events import Link, Media

__all__ = [
    "Content",
    "clean_characters",
    "cut",
    "extract_links",
    "extract_media",
    "inner_text_of_title",
    "literal_line",
    "plain_text",
    "read_literal",
    "read_markup",
    "sanitise",
]

LONGEST_TEXT = 256 * 1024  # bytes of UTF-8, as the contracts say

_BLOCKS = word_set(
    "address article aside blockquote body br caption center dd details dialog div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol option p pre section summary "
    "table tbody tfoot thead title tr ul"
)
_CELLS = frozenset({"td", "th"})
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


class Content(Struct, frozen=True):
    """An entry's body: plain text, sanitised HTML, and what was in it."""

    text: str
    html: str
    media: tuple[Media, ...] = ()
    links: tuple[Link, ...] = ()
    truncated: bool = False


def _one_line(text: str) -> str:
    """White space collapsed to single spaces, junk characters gone."""
    if "  " not in text and text.strip() == text and text.isprintable():
        return text
    line = " ".join(text.split())
    return line if line.isprintable() else " ".join(clean_characters(line).split())


def _is_line(html: str) -> bool:
    """Whether this is one line of text and nothing else, its own text and its own HTML: as most summaries are."""
    return (
        "<" not in html
        and "&" not in html
        and ">" not in html
        and "  " not in html
        and html.strip() == html
        and html.isprintable()
        and len(html) * 4 <= LONGEST_TEXT
    )


def plain_text(html: str) -> str:
    """What a reader sees: block elements become line breaks, white space is collapsed inside lines, entities are
    decoded, markup that was escaped twice is mended, and characters that nobody sees are gone.
    """
    if "<" not in html and "&" not in html:
        return _lines(html)
    markup = mended(html)
    return _text_of(tokens(markup), markup)


def _lines(text: str) -> str:
    """Text without markup: empty lines part paragraphs, all other white space is one space."""
    text = text.strip()
    if "\n" not in text:
        return _one_line(text)
    return "\n".join(line for line in map(_one_line, _PARAGRAPH.split(text)) if line)


def _text_of(found: list[Token], markup: str) -> str:
    if len(found) <= 1 and all(kind == "text" for kind, _, _ in found):
        return _lines(_twice_decoded(markup if not found else found[0][2]))
    pieces: list[str] = []
    for kind, name, raw in found:
        if kind == "text":
            pieces.append(raw if "\n" not in raw else raw.replace("\n", " "))
        elif name in _BLOCKS:
            pieces.append("\n")
        elif name in _CELLS:
            pieces.append(" ")
    decoded = _twice_decoded("".join(pieces))
    lines = decoded.split("\n")
    return "\n".join([line for line in (lines if _are_lines(decoded) else map(_one_line, lines)) if line])


def _are_lines(text: str) -> bool:
    """Whether each line of it is one already: asked of all at once, as that takes a third of asking each."""
    around = f"\n{text}\n"
    return "  " not in text and " \n" not in around and "\n " not in around and text.replace("\n", "").isprintable()


def _twice_decoded(text: str) -> str:
    """Entities decoded, and once more where that left some: ``AT&amp;amp;T`` was meant to be ``AT&T``."""
    decoded = decode_entities(text)
    if "&" in decoded and _ENTITY.search(decoded):
        return decode_entities(decoded)
    return decoded


def inner_text_of_title(html: str) -> str:
    """A headline in one line. Tags that HTML knows are markup, anything else in angle brackets is text."""
    if "<" not in html:
        if "&" not in html:
            return _one_line(html)
        line = decode_entities(html)
        if "&" not in line and "<" not in line:
            return _one_line(line)
    pieces: list[str] = []
    for kind, name, raw in tokens(mended(html)):
        if kind == "text":
            pieces.append(raw)
        elif name not in KNOWN_INLINE and name not in SKIPPED:
            pieces.append(f"<{'/' if kind == 'close' else ''}{name}{raw}>")
        elif name in _BLOCKS:
            pieces.append(" ")
    return _one_line(_twice_decoded("".join(pieces)))


def literal_line(text: str) -> str:
    """A headline that its source calls plain text, in one line: angle brackets stay, entities are mended."""
    return _one_line(_twice_decoded(text))


def read_literal(text: str) -> Content:
    """A body that its source calls plain text."""
    lines, truncated = cut(_lines(_twice_decoded(text)))
    return Content(lines, _paragraphs(lines), truncated=truncated)


def cut(text: str) -> tuple[str, bool]:
    """At most 256 KiB of text, whole characters; and whether anything was cut."""
    if len(text) * 4 <= LONGEST_TEXT:
        return text, False
    raw = text.encode("utf-8", "replace")
    if len(raw) <= LONGEST_TEXT:
        return text, False
    return raw[:LONGEST_TEXT].decode("utf-8", "ignore").rstrip(), True


def read_markup(html: str, base_url: str) -> Content:
    """Everything an entry's markup gives, in one pass over it: text, safe HTML, media and links."""
    if _is_line(html):
        return Content(html, html)
    if "<" not in html and "&" not in html:
        text, truncated = cut(_lines(html))
        return Content(text, _paragraphs(text), truncated=truncated)
    if "<" not in html and len(html) <= LONGEST:
        decoded = decode_entities(html)
        if "<" not in decoded and "&" not in decoded:  # entities, and no markup behind them
            text, truncated = cut(_lines(decoded))
            return Content(text, _paragraphs(text), truncated=truncated)
    markup = mended(html[:LONGEST])
    found = tokens(markup)
    text, truncated = cut(_text_of(found, markup))
    truncated = truncated or len(html) > LONGEST
    if len(found) <= 1:
        return Content(text, _paragraphs(text), truncated=truncated)
    return Content(
        text,
        sanitise_tokens(markup, found, base_url) if not truncated else _paragraphs(text),
        media_in(found, base_url),
        links_in(found, base_url),
        truncated,
    )


def _paragraphs(text: str) -> str:
    if "<" in text or "&" in text or ">" in text:
        text = html_entities.escape(text, quote=False)
    return text.replace("\n", "<br>\n") if "\n" in text else text
