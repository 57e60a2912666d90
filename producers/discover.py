"""What is behind a URL that somebody wants watched: candidates with kind and title, found by light looks.

Parsing proper is the processors' affair: whoever calls this shows first entries from the bodies it returns.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import orjson
from msgspec import Struct
from yarl import URL

from producers.answers import Answer, Ask
from producers.sniff import looks_live
from wirewatch.errors import UserError
from wirewatch.events import Kind

if TYPE_CHECKING:
    from producers.asking import Asking

_FEED_TYPES: dict[str, Kind] = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/rdf+xml": "rdf",
    "application/feed+json": "json-feed",
    "application/json": "json-feed",
}
_ROOTS: tuple[tuple[re.Pattern[bytes], Kind], ...] = (
    (re.compile(rb"<(?:\w+:)?rss[\s>]", re.IGNORECASE), "rss"),
    (re.compile(rb"<(?:\w+:)?feed[\s>]"), "atom"),
    (re.compile(rb"<(?:\w+:)?RDF[\s>]", re.IGNORECASE), "rdf"),
    (re.compile(rb"<(?:\w+:)?urlset[\s>]"), "news-sitemap"),
)
_TITLE = re.compile(rb"<(?:\w+:)?title[^>]*>\s*(?:<!\[CDATA\[)?\s*([^<\]]{1,300})", re.IGNORECASE)
_PROLOGUE = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?[^>]{0,500}\?>\s*|<!--.{0,2000}?-->\s*|<!DOCTYPE[^>]{0,500}>\s*){0,10}", re.DOTALL
)
_PAGE_TITLE = re.compile(r"<title[^<>]{0,300}>([^<]{1,1000})", re.IGNORECASE)
_LINK = re.compile(r"<link\b([^<>]{1,3000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,30})\s{0,5}=\s{0,5}(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_HEAD = 256 << 10  # links to feeds stand in a page's head
_MAX_LINKED = 10


class Candidate(Struct, frozen=True):
    """Something that can be watched. ``body`` is there where it was fetched already; ``items`` is where a JSON
    document has its list (a JMESPath), as far as that can be guessed.
    """

    url: str
    kind: Kind
    title: str = ""
    content_type: str = ""
    body: bytes | None = None
    items: str | None = None


class Discovery(Struct, frozen=True):
    """``candidates``, the best first; ``words`` say what was found, or what was looked for in vain."""

    url: str
    candidates: tuple[Candidate, ...]
    words: str


async def discover(url: str, asking: Asking, *, follow: int = 3) -> Discovery:
    """Look at a URL, and at up to ``follow`` of the feeds that a page there links to.

    Waits for the source at most as long as the settings allow a request. Raises `UserError` in words where it
    cannot be had.
    """
    answer = await asking.ask(Ask(url))
    if answer.body is None:
        raise UserError(f"{answer.url}: {answer.error or 'no answer'}")
    found = look(str(URL(url).with_user(None)) if answer.moved_to is None else answer.moved_to, answer)
    candidates: list[Candidate] = []
    for candidate in found.candidates:
        if candidate.body is None and len(candidates) < follow + 1:
            linked = await asking.ask(Ask(candidate.url))
            if linked.body is None:
                continue
            seen = look(candidate.url, linked).candidates
            candidates += [one for one in seen if one.body is not None][:1]
        else:
            candidates.append(candidate)
    return Discovery(found.url, tuple(candidates), _say(candidates) if candidates else found.words)


def look(url: str, answer: Answer) -> Discovery:
    """What one body holds, and what it links to. Pure."""
    body = answer.body or b""
    if not body.strip():
        return Discovery(url, (), "the answer is empty")
    candidates = _json(url, answer) or _xml(url, answer) or _page(url, answer)
    words = _say(candidates)
    if not candidates:
        words = "no feed, no live page (schema.org LiveBlogPosting), no link to a feed and no JSON list was found there"
    return Discovery(url, tuple(candidates), words)


def _say(candidates: list[Candidate]) -> str:
    first = candidates[0] if candidates else None
    if first is None:
        return ""
    what = {"live-page": "a live page", "json": "a JSON list", "json-feed": "a JSON feed"}
    words = f"{what.get(first.kind, f'a feed ({first.kind})')}"
    return words + (f", and {len(candidates) - 1} more" if len(candidates) > 1 else "")


def _json(url: str, answer: Answer) -> list[Candidate]:
    body = (answer.body or b"").removeprefix(b"\xef\xbb\xbf").lstrip()
    if body[:1] not in {b"{", b"["}:
        return []
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    if isinstance(document, dict) and str(document.get("version", "")).startswith("https://jsonfeed.org/version/"):
        title = document.get("title")
        return [_candidate(url, "json-feed", answer, title if isinstance(title, str) else "")]
    items = _list_in(document)
    return [_candidate(url, "json", answer, "", items)] if items is not None else []


def _list_in(document: object) -> str | None:
    """Where the longest list of objects is: the document itself or one or two keys down."""
    best: tuple[int, str] | None = None
    stack: list[tuple[str, object, int]] = [("@", document, 0)]
    while stack:
        path, value, depth = stack.pop()
        if isinstance(value, list):
            if value and all(isinstance(item, dict) for item in value) and (best is None or len(value) > best[0]):
                best = (len(value), path)
        elif isinstance(value, dict) and depth < 2:
            for key, inner in list(value.items())[:200]:
                name = key if re.fullmatch(r"[A-Za-z_]\w*", key) else orjson.dumps(key).decode()
                stack.append((name if path == "@" else f"{path}.{name}", inner, depth + 1))
    return best[1] if best else None


def _xml(url: str, answer: Answer) -> list[Candidate]:
    body = answer.body or b""
    prologue = _PROLOGUE.match(body)
    head = body[prologue.end() if prologue else 0 :][:2000]
    for root, kind in _ROOTS:
        if root.match(head):
            title = _TITLE.search(body[:_HEAD])
            return [_candidate(url, kind, answer, title.group(1).decode("utf-8", "replace") if title else "")]
    return []


def _page(url: str, answer: Answer) -> list[Candidate]:
    body = answer.body or b""
    if b"<" not in body[:1024]:
        return []
    # by tags, without a tree: what builds one takes quadratic time over what is nested deep (H33)
    head = body[:_HEAD].decode("utf-8", "replace")
    title = _PAGE_TITLE.search(head)
    name = html.unescape(title.group(1)) if title is not None else ""
    out = [_candidate(url, "live-page", answer, name)] if looks_live(body) else []
    seen = {url}
    for link in _LINK.finditer(head):
        attributes = _attributes(link.group(1))
        if "alternate" not in attributes.get("rel", "").lower().split():
            continue
        kind = _FEED_TYPES.get(attributes.get("type", "").split(";")[0].strip().lower())
        if kind is None or len(out) >= _MAX_LINKED:
            continue
        try:
            target = str(URL(url).join(URL(attributes.get("href", "").strip())))
        except ValueError:
            continue
        if target not in seen and target.startswith(("http://", "https://")):
            seen.add(target)
            out.append(Candidate(target, kind, _clean(attributes.get("title") or name)))
    return out


def _attributes(tag: str) -> dict[str, str]:
    """A tag's attributes, the first of each name."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(tag):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        found.setdefault(match.group(1).lower(), html.unescape(value))
    return found


def _candidate(url: str, kind: Kind, answer: Answer, title: str, items: str | None = None) -> Candidate:
    return Candidate(url, kind, _clean(title), answer.content_type, answer.body, items)


def _clean(text: str) -> str:
    return " ".join(text.split())[:200]
