"""HTML fragments as a flat list of tokens, in one pass and linear time whatever they hold.

A feed's HTML is read for its text, pictures and links only; a tree is not needed, and deep nesting, which makes
tree builders quadratic, costs nothing here.
"""

from __future__ import annotations

import html as html_entities
import re
from functools import lru_cache
from html.entities import html5
from typing import Literal

from processors.parse.words import word_set

LONGEST = 1024 * 1024  # characters of markup read of one entry; what follows is cut
_LONGEST_TAG = 64 * 1024

# Possessive throughout: a tag that does not close costs one look, not one for each way to split it. The quick form
# stops at the next "<"; only a tag with "<" inside a quoted value needs the full one, which is tried a few times only.
_QUICK = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*+)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>")
_START = re.compile(r"<[a-zA-Z/!?]")
_FULL = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>")
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'<>`]++)))?")
_LONG_NUMBER = re.compile(r"&#[xX]?[0-9A-Fa-f]{9,}+;?")

_MOST_ENTITIES = 4_000  # in a text with more, most are none, and those cost more piece by piece than in one go
_NAMED = {name[:-1]: character for name, character in html5.items() if name.endswith(";")}
SKIPPED = word_set("script style template svg math xmp noembed noframes textarea select iframe head")
_SWALLOW = frozenset({"script", "style"})
_CLOSERS = {name: re.compile(rf"</{name}[\s/>]", re.IGNORECASE) for name in SKIPPED}
_ESCAPED_TAG = re.compile(
    r"</?(?:p|br|hr|b|i|u|em|strong|a|div|span|img|ul|ol|li|h[1-6]|blockquote|table|tbody|tr|td|figure|iframe|font|small"
    r"|sup|sub|script|style|center|pre|code|cite|q|s)(?:\s[^<>]*+)?/?>",
    re.IGNORECASE,
)
KNOWN_INLINE = word_set(
    "a abbr b bdi big br center cite code del div em font h1 h2 h3 h4 h5 h6 hr i iframe img ins li mark ol p q s "
    "small span strike strong style sub sup svg time tt u ul wbr body head html title meta link base "
    "blockquote table tbody thead tr td th caption dl dt dd pre q samp kbd var dfn embed object applet param frame "
    "frameset blink marquee form input button label video audio source picture figure figcaption noscript"
)


# one string for each name that is met often: it is looked up in several sets, and hashed for the first only
_LOWER_NAMES = {written: name for name in KNOWN_INLINE for written in (name, name.upper())}

Token = tuple[Literal["text", "open", "close"], str, str]
"""A piece of text, or a tag with its lower-case name and the attributes as written: kind, name, raw. A bare tuple, as
there are many, and a named one takes six times as long to make.
"""


def decode_entities(text: str) -> str:
    """``&eacute;`` and ``&#233;`` to ``é``; what names no character becomes U+FFFD.

    Piece by piece: no entity holds an "&", so each is told by what follows its own. Quotes, which are most of them,
    first and all at once: they make no entity of what stands around them, as no name of one has a quote in it.
    """
    if "&" not in text:
        return text
    text = text.replace("&quot;", '"').replace("&apos;", "'").replace("&#39;", "'")
    if "&" not in text:
        return text
    if text.count("&") > _MOST_ENTITIES:
        return _decoded(text)
    first, *rest = text.split("&")
    pieces = [first]
    for piece in rest:
        name, semicolon, after = piece.partition(";")
        character = _NAMED.get(name) if semicolon else None
        if character is not None:
            pieces += (character, after)
        elif piece[:1] == "#" and semicolon and len(name) <= 8:
            pieces += (_numbered(name), after)
        elif piece[:1] == "#" or piece[:1].isalpha():
            pieces.append(_decoded(f"&{piece}"))
        else:
            pieces += ("&", piece)
    return "".join(pieces)


@lru_cache(maxsize=1024)
def _numbered(name: str) -> str:
    return _decoded(f"&{name};")


def _decoded(text: str) -> str:
    # numbers of thousands of digits make int() raise; none of them is a character
    return html_entities.unescape(_LONG_NUMBER.sub("\ufffd", text) if "&#" in text else text)


def mended(markup: str) -> str:
    """Markup that was escaped once or twice too often, as it was meant; else unchanged.

    Only where there is no real tag at all and the decoded text has one that HTML knows: text about tags, beside
    real ones, stays text.
    """
    if "<![CDATA[" in markup:  # CDATA inside CDATA
        markup = markup.replace("<![CDATA[", "").replace("]]>", "")
    for _ in range(3):
        if "&" not in markup or ("<" in markup and _QUICK.search(markup)):
            break
        decoded = decode_entities(markup)
        if decoded == markup or not (_ESCAPED_TAG.search(decoded) or "&lt;" in decoded):
            break
        markup = decoded
    return markup


def tokens(markup: str) -> list[Token]:
    """All text and tags, in order; comments, declarations and the contents of scripts and the like left out."""
    plain = _plain_tokens(markup)
    if plain is not None:
        return plain
    found: list[Token] = []
    at, full_tries, length = 0, 32, len(markup)
    text_from = 0
    while True:
        start = _START.search(markup, at)
        if start is None:
            break
        opening = start.start()
        matched = _QUICK.match(markup, opening)
        if matched is None and full_tries and markup[opening + 1 : opening + 2].isalpha():
            full_tries -= 1
            matched = _FULL.match(markup, opening, opening + _LONGEST_TAG)
        if matched is None:
            after = _past_declaration(markup, opening)
            if after == opening:  # a plain "<"
                at = opening + 1
                continue
            _text(found, markup, text_from, opening)
            at = text_from = after
            continue
        _text(found, markup, text_from, opening)
        slash, name, raw = matched.groups()
        name = name.lower()
        at = matched.end()
        found.append(("close" if slash else "open", name, raw))
        if name in SKIPPED and not slash and not raw.endswith("/"):
            closer = _CLOSERS[name].search(markup, at)
            if closer is not None:
                at = closer.start()
            elif name in _SWALLOW:  # what never ends is dropped where it could be code
                at = length
        text_from = at
    _text(found, markup, text_from, length)
    return found


def _plain_tokens(markup: str) -> list[Token] | None:
    """All tokens in one go, where every "<" begins a tag that ends as it should and none hides what follows it."""
    parts = _QUICK.split(markup)  # text, slash, name, attributes, text, ...
    if len(parts) // 4 != markup.count("<"):
        return None
    names = [_LOWER_NAMES.get(name) or name.lower() for name in parts[2::4]]
    if not SKIPPED.isdisjoint(names):
        return None
    found: list[Token] = [("text", "", parts[0])] if parts[0] else []
    for slash, name, raw, text in zip(parts[1::4], names, parts[3::4], parts[4::4], strict=True):
        found.append(("close" if slash else "open", name, raw))
        if text:
            found.append(("text", "", text))
    return found


def _text(found: list[Token], markup: str, start: int, end: int) -> None:
    if end > start:
        found.append(("text", "", markup[start:end]))


def _past_declaration(markup: str, opening: int) -> int:
    """Where a comment, declaration, stray end or broken tag ends; ``opening`` itself where it is only a "<"."""
    if markup.startswith("<!--", opening):
        end = markup.find("-->", opening + 4)
        return end + 3 if end >= 0 else len(markup)
    following = markup[opening + 1 : opening + 2]
    if following in {"!", "?", "/"} or following.isalpha():
        end = markup.find(">", opening, opening + _LONGEST_TAG)
        inner = markup.find("<", opening + 1, opening + _LONGEST_TAG)
        if end >= 0 and (inner < 0 or end < inner):
            return end + 1
    return opening


def attributes(raw: str) -> dict[str, str]:
    """A tag's attributes by lower-case name, entities decoded; the first of a name holds, as in browsers."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(raw[:_LONGEST_TAG]):
        value = double or single or bare
        found.setdefault(name.lower(), decode_entities(value) if "&" in value else value)
    return found


def has_tags(markup: str) -> bool:
    """Whether there is a tag in it at all."""
    return "<" in markup and _QUICK.search(markup) is not None
