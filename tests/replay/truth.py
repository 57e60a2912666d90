"""What really happened in a recording, worked out from its files by other code than ours."""

from __future__ import annotations

import html
import io
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import feedparser
import jmespath
import lxml.html


def words(text: str | None) -> str:
    """A text down to its words: tags, entities, marks and case gone."""
    plain = re.sub(r"<[^>]*>", " ", html.unescape(html.unescape(text or "")))
    return re.sub(r"\W+", " ", plain.replace("\u200b", "")).strip().casefold()


def plain(text: str | None) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.unescape(html.unescape(text or ""))).split())


Shown = dict[str, tuple[str, str]]
"""For each id the words of headline and body, and both as a reader sees them."""

_JSON = {
    "nsw_rfs_raw_202003": ("features", "properties.guid", "properties.title", "properties.description"),
    "usgs_all_hour": ("features", "properties.url", "properties.title", "''"),
    "hn_domain_a": ("@", "id", "title", "''"),
    "guardian_liveblog_mars": ("blocks", "id", "title", "join(' ', elements[].html)"),
}


def shown(name: str, body: bytes) -> Shown | None:
    """What a file shows, first come first; None where it is no good snapshot."""
    pairs: list[tuple[str, str, str]] = []
    if name in _JSON:
        items, key, head, text = _JSON[name]
        for item in jmespath.search(items, json.loads(body)) or []:
            found: list[Any] = [jmespath.search(path, item) for path in (key, head, text)]
            pairs.append((str(found[0]), found[1] or "", found[2] or ""))
    elif name.startswith("html_heise"):
        for article in lxml.html.fromstring(body).cssselect("article[data-cid]"):
            heads = article.cssselect("header")
            if "$" not in article.get("data-cid"):
                pairs.append((article.get("data-cid"), heads[0].text_content() if heads else "", ""))
    elif re.search(rb"</(rss|feed)>", body):
        pairs += [
            (entry.get("id") or entry.link, entry.get("title", ""), entry.get("summary", ""))
            for entry in feedparser.parse(io.BytesIO(body)).entries
        ]
    out: Shown = {}
    for key, head, text in pairs:
        out.setdefault(key, (words(head) + "\n" + words(text), plain(head) + "\n" + plain(text)))
    return out or None


@dataclass
class Truth:
    """By id and place in the recording: first seen, edited in words, edited at all, gone for two good snapshots."""

    bad: set[int] = field(default_factory=set)
    created: dict[str, int] = field(default_factory=dict)
    edited: set[tuple[str, int]] = field(default_factory=set)
    touched: set[tuple[str, int]] = field(default_factory=set)
    gone: set[tuple[str, int]] = field(default_factory=set)
    seen_at: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def work_out(name: str, files: list[Path]) -> Truth:
    truth = Truth()
    last: Shown = {}
    good: list[tuple[int, Shown]] = []
    headlines: set[str] = set()
    for n, path in enumerate(files):
        now = shown(name, path.read_bytes())
        if now is None:
            truth.bad.add(n)
            continue
        for key, (text, as_seen) in now.items():
            truth.seen_at[key].append(n)
            headline = text.split("\n", 1)[0]
            if key not in last:
                if good and headline not in headlines:
                    truth.created[key] = n
            else:
                if last[key][0] != text:
                    truth.edited.add((key, n))
                if last[key][1] != as_seen:
                    truth.touched.add((key, n))
            headlines.add(headline)
            last[key] = (text, as_seen)
        good.append((n, now))
    for (_, before), (n, now), (_, after) in zip(good, good[1:], good[2:], strict=False):
        truth.gone |= {(key, n) for key in before if key not in now and key not in after}
    return truth
