"""HTML that may be shown: nh3 with an allow-list, behind caps that keep it from ever being slow.

nh3 builds a tree as browsers do, which takes quadratic time on deep nesting and on formatting elements that are
never closed; what goes beyond the caps is shown as plain paragraphs instead.
"""

from __future__ import annotations

import html as html_entities
import re
from collections import Counter
from functools import lru_cache

import nh3

from processors.parse.characters import clean_characters
from processors.parse.markup import LONGEST, Token, attributes, decode_entities, mended, tokens
from processors.parse.media import is_pixel
from processors.parse.urls import absolute
from processors.parse.words import word_set

_DEEPEST = 100
_MOST_TAGS = 20_000
_MOST_WORK = 400_000  # tags times open formatting elements: each paragraph re-opens them all
_LONGEST_TAG = 8_192

_TAGS = word_set(
    "a abbr b blockquote br caption cite code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img "
    "ins li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead time tr u ul"
)
_DROPPED_WHOLE = word_set(
    "script style template svg math iframe object embed applet noscript textarea select button form head title xmp "
    "noembed noframes canvas audio video"
)
_ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "blockquote": {"cite"},
    "time": {"datetime"},
    "abbr": {"title"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
    "*": {"lang", "dir"},
}
_CLOSED_BY_OTHERS = word_set("p li dt dd tr td th option tbody thead tfoot")
_VOID = word_set("br hr img input meta link source area base col embed param track wbr")
_FORMATTING = word_set("a b big code em font i nobr s small strike strong tt u")
_IMAGE = re.compile(r"<img((?: [a-z]+=\"[^\"]*\")*)>")  # as nh3 writes it
_BLOCK_END = word_set("p div br li h1 h2 h3 h4 h5 h6 blockquote tr ul ol table section article")

# Markup that is safe as it stands: the plainest of elements, each closed where it should be, none inside another of its
# kind, addresses whole and on hosts with a plain name, no entity but those that are written so again. What reads it as
# browsers do can only write it out again, but for the attributes of links and pictures, which `_written` does too.
# Possessive throughout, and each choice begins with another word: linear.
_WORDS = r"(?:[^<>&\xa0]++|&(?:amp|lt|gt|nbsp);)++"
_URL = r"https?://(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)++[a-z]{2,24}+(?:/(?:[A-Za-z0-9%\-._~/?#@!$()*+,;=:]++|&amp;)*+)?+"
_END = r"(?: ?/)?+>"
_BREAK = rf"<br{_END}"
_IMG = "|".join(
    rf"""<img src={q}{_URL}{q}(?: alt={q}[^"'<>&=\xa0]*+{q})?+(?: width={q}\d++{q})?+(?: height={q}\d++{q})?+{_END}"""
    for q in "\"'"
)
_LINK = rf"""<a(?: target="_blank")?+ href=(?:"{_URL}"|'{_URL}')(?: (?:target|rel|class)="[a-z _-]*+")*+>"""
_STRONG = "|".join(rf"<{name}>(?:{_WORDS}|{_BREAK})*+</{name}>" for name in ("b", "strong", "i", "em"))
_LINKED = rf"{_LINK}(?:{_WORDS}|{_STRONG}|{_IMG})*+</a>"
_STRONG_LINKED = "|".join(
    rf"<{name}>(?:{_WORDS}|{_LINK}(?:{_WORDS}|{_IMG})*+</a>)*+</{name}>" for name in ("b", "strong", "i", "em")
)
_INLINE = rf"(?:{_WORDS}|{_BREAK}|{_LINKED}|{_STRONG}|{_STRONG_LINKED}|{_IMG})*+"
_BLOCK = "|".join(rf"<{name}>{_INLINE}</{name}>" for name in ("p", "h2", "h3", "h4"))
_GAP = r"[ \t\r\n\f]*+"  # white space as HTML has it: a no-break space is text, which a list cannot hold
_LIST = "|".join(rf"<{name}>{_GAP}(?:<li>{_INLINE}</li>{_GAP})*+</{name}>" for name in ("ul", "ol"))
_QUOTE = rf"<blockquote>(?:{_WORDS}|{_BLOCK})*+</blockquote>"
_SAFE = re.compile(rf"(?:{_WORDS}|{_BLOCK}|{_BREAK}|{_LINKED}|{_STRONG}|{_STRONG_LINKED}|{_IMG}|{_LIST}|{_QUOTE})*+")
_LONGEST_SAFE = 4_096  # also the longest an address may be
_SAFE_LINK = re.compile(r"""<a [^<>]*?href=["']([^"']*+)["'][^<>]*+>""")
_SAFE_IMAGE = re.compile(r"""<img src=["']([^"']++)["'][^<>]*+>""")
_SLASHED = re.compile(r" ?/>")


def sanitise(html: str, base_url: str) -> str:
    """``html`` as it may stand in our page: an allow-list of elements and attributes, links made absolute (http and
    https only) with ``rel="noopener"``, no scripts, handlers, frames, SVG or tracking pixels.

    Never raises. Markup beyond the caps comes back as escaped text with line breaks.
    """
    if "<" not in html and "&" not in html:
        return html_entities.escape(clean_characters(html), quote=False)
    markup = mended(html[:LONGEST])
    return sanitise_tokens(markup, tokens(markup), base_url)


def sanitise_tokens(markup: str, found: list[Token], base_url: str) -> str:
    """See `sanitise`; for markup that is in tokens already."""
    few = len(found) <= _DEEPEST and len(markup) <= _LONGEST_TAG
    if not few and _too_much(found):
        return _as_text(found)
    # cleaned before, as a lone surrogate cannot cross into nh3, and after, as entities may name what was cleaned
    clean = clean_characters(markup)
    if len(clean) <= _LONGEST_SAFE and "\r" not in clean and _SAFE.fullmatch(clean):
        return _written(clean)
    safe = clean_characters(_cleaner(base_url).clean(clean))
    return _IMAGE.sub(_kept_image, safe) if "<img" in safe else safe


def _written(safe: str) -> str:
    """Safe markup as nh3 writes it: links with their address and its ``rel``, no slashes, no tracking pixels."""
    if "<a " in safe:
        safe = _SAFE_LINK.sub(r'<a href="\1" rel="noopener noreferrer nofollow">', safe)
    if "/>" in safe:
        safe = _SLASHED.sub(">", safe)
    return _SAFE_IMAGE.sub(_quoted_image, safe) if "<img" in safe else safe


def _quoted_image(matched: re.Match[str]) -> str:
    if "width=" not in matched.group() and "height=" not in matched.group():  # then it is its host that tells
        return "" if is_pixel({}, matched.group(1)) else matched.group().replace("'", '"')
    return _IMAGE.sub(_kept_image, matched.group().replace("'", '"'))


def _too_much(found: list[Token]) -> bool:
    """Whether the tree of it would be deep or wide beyond what news ever is."""
    open_now: Counter[str] = Counter()
    depth = deepest = formatting = most_formatting = tags = 0
    for kind, name, raw in found:
        if kind == "text":
            continue
        tags += 1
        if len(raw) > _LONGEST_TAG:
            return True
        if name in _CLOSED_BY_OTHERS or name in _VOID:
            continue
        if kind == "open":
            open_now[name] += 1
            depth += 1
            formatting += name in _FORMATTING
            deepest, most_formatting = max(deepest, depth), max(most_formatting, formatting)
        elif open_now[name]:
            open_now[name] -= 1
            depth -= 1
            formatting -= name in _FORMATTING
    return deepest > _DEEPEST or tags > _MOST_TAGS or tags * most_formatting > _MOST_WORK


def _as_text(found: list[Token]) -> str:
    pieces: list[str] = []
    for kind, name, raw in found:
        if kind == "text":
            pieces.append(html_entities.escape(clean_characters(decode_entities(raw)), quote=False))
        elif name in _BLOCK_END and pieces and pieces[-1] != "<br>\n":
            pieces.append("<br>\n")
    return "".join(pieces)


@lru_cache(maxsize=64)
def _cleaner(base_url: str) -> nh3.Cleaner:
    """One cleaner for each base: building one costs more than most entries do."""

    def keep(_tag: str, attribute: str, value: str) -> str | None:
        if attribute in {"href", "src", "cite"}:
            return absolute(base_url, value) if not value.startswith("#") else None
        return value if len(value) <= 1_000 else None

    return nh3.Cleaner(
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WHOLE),
        attributes=_ATTRIBUTES,
        attribute_filter=keep,  # makes addresses absolute, so that none is left to pass through
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https"},
        url_relative="pass_through",
    )


def _kept_image(matched: re.Match[str]) -> str:
    """An image as it is; nothing where it has no address or is a tracking pixel."""
    found = attributes(matched.group(1))
    url = found.get("src")
    return "" if not url or is_pixel(found, url) else matched.group()
