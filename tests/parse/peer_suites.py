"""Peers' own conformance suites, their expectations mapped to our fields.

Run alone it prints the table of `docs/conformance.md`:  python tests/parse/peer_suites.py
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tarfile
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from processors.parse import ParsedEntry, ParsedFeed, Split, assemble, split
from processors.parse.dates import parse_time
from processors.parse.text import inner_text_of_title, plain_text
from producers.opml import read_opml
from wirewatch.errors import BadInput, UserError
from wirewatch.events import Kind, ParseDefinition

NOWHERE = "http://feed.invalid/"


class NotApplicable(Exception):  # noqa: N818 - not an error: a reason
    """Why a case says nothing about us, in a few words."""


@dataclass
class Result:
    """What came of a suite's folder."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def read(body: bytes, *, url: str = NOWHERE, content_type: str = "", kind: Kind = "auto") -> ParsedFeed:
    """A feed, also one without entries, as most cases are about the channel alone."""
    taken = split(body, ParseDefinition(url=url, kind=kind), url=url, content_type=content_type, fetched_at_ms=0)
    return assemble(taken) if isinstance(taken, Split) else taken


def squeezed(text: str) -> str:
    return " ".join(text.split())


# --- feedparser: an expression over its own dictionaries --------------------------------------------------------------

_NOT_CARRIED = {
    "base": "xml:base itself (its effect on addresses is)",
    "type": "the media type a text was declared in",
    "mode": "the media type a text was declared in",
    "language": "the language of a single text",
    "encoding": "the name of the encoding",
    "bozo": "only says that the document is not well-formed",
    "bozo_exception": "only says that the document is not well-formed",
    "version": "the number of the format's version",
    "namespaces": "namespaces and prefixes",
    "headers": "HTTP headers, which the poller reads",
    "href": "details of a person or a generator",
}


def _path(node: ast.expr) -> list[str | int]:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return [*_path(node.value), node.slice.value]
    if isinstance(node, ast.Attribute):
        return [*_path(node.value), node.attr]
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        return ["len", *_path(node.args[0])]
    raise NotApplicable("an expression about feedparser's own objects")


def _instant(expected: Any) -> int | None:
    return None if expected is None else round(datetime(*expected[:6], tzinfo=UTC).timestamp() * 1000)


def _check_feed(feed: ParsedFeed, path: list[Any], expected: Any) -> bool:  # noqa: PLR0911 - a table of fields
    match path:
        case ["title"] | ["title_detail", "value"]:
            return feed.title == inner_text_of_title(expected)
        case ["subtitle" | "tagline" | "description"] | ["subtitle_detail" | "tagline_detail", "value"]:
            return squeezed(feed.summary) == squeezed(plain_text(expected))
        case ["link"]:
            return _same_address(feed.url, expected)
        case ["language"]:
            return feed.language == expected
        case ["updated_parsed"]:
            return feed.updated_ms == _instant(expected)
        case ["updated" | "published" | "modified"]:
            at = parse_time(expected)
            return feed.updated_ms == (at.ms if at else None)
        case ["ttl"]:
            return feed.ttl_ms == int(expected) * 60_000
    raise NotApplicable(f"a field of the channel that is not carried: {path[0]}")


def _same_address(ours: str | None, theirs: str) -> bool:
    if not theirs.startswith(("http://", "https://")):
        raise NotApplicable("an address that is not http")
    return (ours or "").rstrip("/") == theirs.rstrip("/")


def _check_entry(  # noqa: C901, PLR0911, PLR0912 - a table of fields
    entry: ParsedEntry, path: list[Any], expected: Any, folder: str
) -> bool:
    match path:
        case ["title"] | ["title_detail", "value"]:
            return entry.headline in {inner_text_of_title(expected), expected}
        case ["description" | "summary"] | ["summary_detail" | "description_detail", "value"] | ["content", 0, "value"]:
            return _same_body(entry, expected, folder)
        case ["id" | "guid"]:
            if ":" not in (entry.native_id or ":"):
                raise NotApplicable("a relative id: ids are compared as text, never resolved")
            return entry.native_id == squeezed(expected)
        case ["link"]:
            return _same_address(entry.url, expected)
        case ["author"] | ["authors", 0, "name"] | ["author_detail", "name"]:
            name = re.sub(r"\s*\(?\S+@\S+\)?$", "", expected)
            return (name or expected) in entry.authors
        case ["author_detail" | "contributors", *_] | ["authors", int(), "email" | "href" | "url"]:
            raise NotApplicable("details of a person or a generator")
        case ["tags", int(place), "term" | "label"] if place < 100:
            return inner_text_of_title(expected) in entry.tags
        case ["category"]:
            return expected in entry.tags
        case ["published_parsed" | "created_parsed"]:
            return entry.published_ms == _instant(expected)
        case ["updated_parsed" | "modified_parsed"]:
            return _instant(expected) in {entry.updated_ms, entry.published_ms}
        case ["published" | "updated" | "created"]:
            at = parse_time(expected)
            return (at.ms if at else None) in {entry.updated_ms, entry.published_ms}
        case ["enclosures", int(), "url" | "href"] | ["media_thumbnail", 0, "url"] | ["media_content", 0, "url"]:
            return any(_same_address(media.url, expected) for media in entry.media)
        case ["links", int(place), "href"]:
            if place == 0 and entry.url:
                return _same_address(entry.url, expected)
            raise NotApplicable("links beside the entry's own")
        case ["image", "href"]:
            return any(media.url == expected for media in entry.media)
        case ["media_credit", int(), "content"]:
            return any(media.credit == expected for media in entry.media)
        case ["language"]:
            return entry.language == expected
    if isinstance(path[-1], str) and path[-1] in _NOT_CARRIED:
        raise NotApplicable(_NOT_CARRIED[path[-1]])
    raise NotApplicable(f"a field of entries that is not carried: {path[0]}")


_ACTIVE = re.compile(
    r"<(?:script|iframe|object|embed|style|link|meta|form|svg)\b|\son\w+\s*=|javascript:", re.IGNORECASE
)


def _same_body(entry: ParsedEntry, expected: str, folder: str) -> bool:
    if _ACTIVE.search(re.sub(r"&lt;.*?&gt;", "", entry.html)):
        return False
    if not plain_text(expected) and not entry.body:
        if "sanitize" in folder and "<" in expected:
            raise NotApplicable("which attributes a sanitiser keeps; the text is empty")
        return True
    return squeezed(entry.body) in {squeezed(plain_text(expected)), squeezed(expected)}


def _check(feed: ParsedFeed, node: ast.expr, folder: str) -> bool:
    """One expression; raises `NotApplicable` where no part of it is about what we carry."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        held, reasons = [], []
        for part in node.values:
            try:
                held.append(_check(feed, part, folder))
            except NotApplicable as reason:
                reasons.append(reason)
        own = [r for r in reasons if "well-formed" not in str(r)]
        if not held:
            raise (own or reasons)[0]
        return all(held)
    if isinstance(node, ast.UnaryOp) or not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq):
        raise NotApplicable(_NOT_CARRIED["bozo"])
    path = _path(node.left)
    try:
        expected = ast.literal_eval(node.comparators[0])
    except ValueError as error:
        raise NotApplicable("an expression about feedparser's own objects") from error
    match path:
        case ["feed", *rest] if rest:
            return _check_feed(feed, rest, expected)
        case ["entries", int(place), *rest] if rest:
            return place < len(feed.entries) and _check_entry(feed.entries[place], rest, expected, folder)
        case ["len", "entries"]:
            return len(feed.entries) == expected
    raise NotApplicable(_NOT_CARRIED.get(str(path[0]), "an expression about feedparser's own objects"))


def _served(body: bytes) -> tuple[str, str]:
    """The address and content type that a case's comment says it was served with."""
    headers = dict(re.findall(r"(?im)^\s*header:\s*([\w-]+)\s*[:=]\s*(.+?)\s*$", body[:2000].decode("latin-1")))
    lowered = {key.lower(): value for key, value in headers.items()}
    return lowered.get("content-location", ""), lowered.get("content-type", "")


def run_feedparser(folder: Path) -> dict[str, Result]:
    """feedparser's cases, by folder."""
    results: dict[str, Result] = defaultdict(Result)
    for line in (folder / "feedparser_expect.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        place = case["file"].removeprefix("tests/").rpartition("/")[0]
        result = results[place]
        body = (folder / "feedparser" / case["file"]).read_bytes()
        if "/cdf/" in case["file"]:
            result.skipped["CDF, a format of 1997 that nobody serves"] += 1
            continue
        url, content_type = _served(body)
        url = urljoin(f"http://127.0.0.1:8097/{case['file']}", url)
        expression = ast.parse(case["expect"].strip(), mode="eval").body
        try:
            feed = read(body, url=url, content_type=content_type)
            held = _check(feed, expression, place)
        except NotApplicable as reason:
            result.skipped[str(reason)] += 1
            continue
        except BadInput as error:
            if error.reason == "truncated" and body.rstrip().endswith((b"</rss", b"</feed")):
                result.skipped["a document cut inside its last tag, which is refused by rule"] += 1
                continue
            try:  # a refusal counts only where the case asks for something that we carry
                _check(ParsedFeed("rss", ()), expression, place)
            except NotApplicable as reason:
                result.skipped[str(reason)] += 1
                continue
            held = False
            case["file"] += f" ({error.reason})"
        if held:
            result.passed += 1
        else:
            result.failed.append(f"{case['file']}: {case['expect'][:160]}")
    return results


# --- gofeed: a JSON document beside each feed -------------------------------------------------------------------------


def _go_feed(feed: ParsedFeed, want: dict[str, Any], kind: str) -> list[bool]:
    held: list[bool] = []
    if want.get("title"):
        held.append(feed.title == inner_text_of_title(want["title"]))
    for key in ("description", "subtitle"):
        if want.get(key):
            held.append(squeezed(feed.summary) == squeezed(plain_text(want[key])))
            break
    link = want.get("home_page_url") if kind == "json" else want.get("link")
    if isinstance(link, str) and link.startswith("http"):
        held.append(_same_address(feed.url, link))
    if isinstance(want.get("language"), str) and want["language"]:
        held.append(feed.language == want["language"])
    return held


def _go_entry(entry: ParsedEntry, want: dict[str, Any]) -> list[bool]:
    held: list[bool] = []
    if want.get("title"):
        held.append(entry.headline == inner_text_of_title(want["title"]))
    content = want.get("content") or want.get("content_html") or want.get("content_text")
    content = content.get("value") if isinstance(content, dict) else content
    body = content or want.get("description") or want.get("summary")
    if body:
        held.append(squeezed(entry.body) == squeezed(plain_text(body)))
    guid = want.get("guid") or want.get("id")
    guid = guid.get("value") if isinstance(guid, dict) else guid
    if guid and "<" not in guid and "&lt;" not in guid:
        held.append(entry.native_id in {squeezed(guid), None if guid == want.get("title") else squeezed(guid)})
    link = want.get("link") or want.get("url")
    if isinstance(link, str) and link.startswith("http"):
        held.append(_same_address(entry.url, link))
    for key in ("publishedParsed", "pubDateParsed", "date_published"):
        if want.get(key):
            at = parse_time(want[key])
            held.append(at is not None and entry.published_ms == at.ms)
    if want.get("updatedParsed"):
        at = parse_time(want["updatedParsed"])
        held.append(at is not None and at.ms in {entry.updated_ms, entry.published_ms})
    authors = [a.get("name") for a in want.get("authors") or [] if isinstance(a, dict) and a.get("name")]
    held.extend(name in entry.authors for name in authors[:1])
    held.extend(category in entry.tags for category in want.get("categories") or [] if isinstance(category, str))
    urls = [str(enclosure.get("url", "")) for enclosure in want.get("enclosures") or []]
    held.extend(any(media.url == url for media in entry.media) for url in urls if url.startswith("http"))
    return held


def _sources(expected: Path) -> list[Path]:
    feeds = [expected.with_suffix(".xml"), expected.with_suffix(".rss")]
    if expected.stem.endswith("_expected"):
        feeds.append(expected.with_name(expected.name.replace("_expected.json", ".json")))
    return feeds


def run_gofeed(folder: Path) -> dict[str, Result]:
    """gofeed's cases, by folder."""
    results: dict[str, Result] = defaultdict(Result)
    data = folder / "gofeed" / "testdata"
    for expected in sorted(data.rglob("*.json")):
        if expected.with_name(f"{expected.stem}_expected.json").exists():
            continue  # a JSON Feed: its expectation is the case
        source = next((s for s in _sources(expected) if s.exists()), None)
        place = f"gofeed/{expected.parent.relative_to(data)}"
        result = results[place]
        if source is None:
            result.skipped["no feed of that name beside the expectation"] += 1
            continue
        want = json.loads(expected.read_text("utf-8-sig"))
        refused = ""
        items = want.get("items") or want.get("entries") or []
        try:
            # their JSON parser is called by name, as a feed with a kind is here
            feed = read(source.read_bytes(), url=NOWHERE, kind="json-feed" if source.suffix == ".json" else "auto")
            held = _go_feed(feed, want, expected.parent.name)
            if source.suffix == ".json":
                items = [{**item, "authors": item.get("authors") or [item.get("author")]} for item in items]
            for place_in, item in enumerate(items):
                held += _go_entry(feed.entries[place_in], item) if place_in < len(feed.entries) else [False]
        except NotApplicable as reason:
            result.skipped[str(reason)] += 1
            continue
        except BadInput as error:
            held = [False]
            refused = f" ({error.reason})"
        if not held:
            result.skipped["fields that are not carried"] += 1
        elif all(held):
            result.passed += 1
        else:
            result.failed.append(str(expected.relative_to(data)) + refused)
    return results


# --- listparser: expressions in a comment of each OPML file --------------------------------------------------------


def run_listparser(folder: Path) -> dict[str, Result]:
    """listparser's OPML: what it says of feeds, as `producers.opml` reads them."""
    results: dict[str, Result] = defaultdict(Result)
    data = folder / "listparser" / "tests" / "files"
    for path in sorted([*(data / "opml").rglob("*.xml"), *(data / "malformed").rglob("*.xml")]):
        body = path.read_bytes()
        result = results[f"listparser/{path.parent.relative_to(data)}"]
        expressions = re.findall(r"(?m)^\s*Eval:\s*(.+?)\s*$", body.decode("utf-8", "replace"))
        ours = [expression for expression in expressions if re.search(r"""result\[["']feeds["']\]""", expression)]
        if not ours:
            result.skipped["lists of lists, dates and owners of OPML, which are not carried"] += 1
            continue
        try:
            feeds = read_opml(body)
        except UserError as error:
            if "declares a document type" in str(error):
                result.skipped["OPML that declares entities, which is refused by rule"] += 1
            else:
                result.failed.append(f"{path.relative_to(data)} ({error})")
            continue
        read_as = [
            {
                "url": feed.url,
                "title": feed.name,
                "categories": [tag.split("/") for tag in feed.tags],
                "tags": [tag for tag in feed.tags if "/" not in tag],
            }
            for feed in feeds
        ]
        # the suite's own expressions, over plain values and with nothing else in reach
        scope = {"__builtins__": {"len": len}, "result": {"feeds": read_as}}
        if all(eval(expression, dict(scope)) for expression in ours):
            result.passed += 1
        else:
            result.failed.append(f"{path.relative_to(data)}: {'; '.join(ours)[:160]}")
    return results


def run_all(folder: Path) -> dict[str, Result]:
    """All suites, by folder."""
    return {**run_feedparser(folder), **run_gofeed(folder), **run_listparser(folder)}


def table(results: dict[str, Result]) -> str:
    """Markdown: a row a folder, then the reasons."""
    rows = ["| suite and folder | passed | failed | not applicable |", "|---|---:|---:|---:|"]
    reasons: Counter[str] = Counter()
    for place, result in sorted(results.items()):
        rows.append(f"| {place} | {result.passed} | {len(result.failed)} | {sum(result.skipped.values())} |")
        reasons.update(result.skipped)
    passed, failed = totals(results)
    rows.append(f"| **all** | **{passed}** | **{failed}** | **{sum(reasons.values())}** |")
    rows += ["", f"{100 * passed / (passed + failed):.1f} % of the applicable cases pass.", ""]
    rows += ["| not applicable, because it is about | cases |", "|---|---:|"]
    rows += [f"| {reason} | {count} |" for reason, count in reasons.most_common()]
    return "\n".join(rows)


def totals(results: dict[str, Result]) -> tuple[int, int]:
    return sum(r.passed for r in results.values()), sum(len(r.failed) for r in results.values())


def main() -> None:
    shared = Path(os.environ.get("WIREWATCH_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(shared / "data" / "suites" / "peers.tar.xz") as packed:
            packed.extractall(folder, filter="data")
        results = run_all(Path(folder))
    print(table(results))  # noqa: T201 - printing the table is what it is run for
    if "--failed" in sys.argv:
        for result in results.values():
            print("\n".join(result.failed))  # noqa: T201 - as above


if __name__ == "__main__":
    main()
