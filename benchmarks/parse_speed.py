"""Parsing against its peers over the recordings, side by side in one run, as ratios.

usage: python benchmarks/parse_speed.py [ROUNDS]      recordings are found through WIREWATCH_SHARED (default ../shared)

Peers take turns within each round and are timed by the processor time of this thread, so that what else the machine
does falls on all of them alike; the best round of each counts.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import fastfeedparser
import feedparser
import msgspec
import orjson
from lxml import etree, html

from processors.diff import FeedState, Seen, diff, needs_parse
from processors.parse import PARSER_VERSION, Split, parse, split
from wirewatch.events import JsonPaths, ParseDefinition
from wirewatch.identity import body_hash

SHARED = Path(os.environ.get("WIREWATCH_SHARED", Path(__file__).resolve().parents[2] / "shared"))
FEEDS = ("rss_bbc_20210920", "rss_smh_20210920", "rss_cnn_20210920", "rss_rnz_20210920")
PAGES = ("corkbeo.ie_2020-10-06.html.gz", "Express_2024_07_18.html.gz")
FEED = ParseDefinition(url="https://recorded.example/feed")
NSW = ParseDefinition(
    url="https://recorded.example/feed",
    kind="json",
    json=JsonPaths(
        items="features",
        id="properties.guid",
        headline="properties.title",
        body="properties.description",
        url="properties.link",
        published="properties.pubDate",
        time_format="%d/%m/%Y %I:%M:%S %p",
    ),
)


def recorded(name: str, most: int = 24) -> list[bytes]:
    path = SHARED / "data" / "sequences" / f"{name}.tar.xz"
    bodies: list[bytes] = []
    with tarfile.open(path) as archive:
        for member in archive:
            opened = archive.extractfile(member) if member.name[-8:-4].isdigit() or ".json" in member.name else None
            if opened is not None and len(bodies) < most:
                bodies.append(opened.read())
    return bodies


def side_by_side(runs: Mapping[str, Callable[[bytes], object]], bodies: list[bytes], rounds: int) -> dict[str, float]:
    """Seconds for all bodies once, by name: the best of some rounds in which all take turns."""
    taken = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.thread_time()
            for body in bodies:
                run(body)
            taken[name] = min(taken[name], time.thread_time() - start)
    return taken


def split_only(body: bytes) -> object:
    return split(body, FEED, fetched_at_ms=0)


def whole(body: bytes) -> object:
    return parse(body, FEED, fetched_at_ms=0)


def quick(body: bytes) -> object:
    try:
        return fastfeedparser.parse(body)
    except Exception:  # noqa: BLE001 - a peer's refusal is its own affair
        return None


def thorough(body: bytes) -> object:
    return feedparser.parse(io.BytesIO(body))


def entry_cost(bodies: list[bytes], rounds: int) -> float:
    """Microseconds to normalise an entry."""
    splits = [taken for taken in (split(body, FEED, fetched_at_ms=0) for body in bodies) if isinstance(taken, Split)]
    seconds = []
    for _ in range(rounds):
        start = time.thread_time()
        for taken in splits:
            for index in range(len(taken.raw_hashes)):
                taken.entry(index)
        seconds.append(time.thread_time() - start)
    return min(seconds) / sum(len(taken.raw_hashes) for taken in splits) * 1e6


def feeds(rounds: int) -> None:
    print("feeds, as ratios to lxml.fromstring (1.0); split = entries told apart, with raw hashes; known = all of them")
    print("are, of the snapshot before; f/p = feedparser over our whole first parse; us = to normalise an entry")
    print("recording               lxml ms  split  first  known  fastfp feedparser   f/p    us (bytes an entry)")
    ours = theirs = 0.0
    for name in FEEDS:
        bodies = recorded(name, 8)
        entries = [entry for body in bodies for entry in parse(body, FEED, fetched_at_ms=0).entries]
        known = {entry.raw_hash: entry for entry in entries}
        runs = {
            "lxml": etree.fromstring,
            "split": split_only,
            "first": whole,
            "known": lambda body, k=known: parse(body, FEED, fetched_at_ms=0, known=k),
            "fastfeedparser": quick,
        }
        took = side_by_side(runs, bodies, rounds)
        took |= side_by_side({"feedparser": thorough, "first": whole}, bodies, max(2, rounds // 4))
        ours, theirs = ours + took["first"], theirs + took["feedparser"]
        lxml_s, size = took["lxml"], sum(map(len, bodies)) / len(entries)
        print(
            f"{name:22} {lxml_s / len(bodies) * 1000:8.3f} {took['split'] / lxml_s:6.2f} {took['first'] / lxml_s:6.2f} "
            f"{took['known'] / lxml_s:6.2f} {took['fastfeedparser'] / lxml_s:7.2f} {took['feedparser'] / lxml_s:10.1f} "
            f"{took['feedparser'] / took['first']:5.1f} {entry_cost(bodies, rounds):5.1f} ({size:.0f})"
        )
    print(f"all of them: feedparser takes {theirs / ours:.1f} times as long as a whole first parse")


def pages(rounds: int) -> None:
    print("\nJSON-LD pages, as ratios to lxml.html.fromstring: first parse, and with all updates known")
    for name in PAGES:
        body = gzip.decompress((SHARED / "data" / "pages" / name).read_bytes())
        entries = parse(body, FEED, fetched_at_ms=0).entries
        known = {entry.raw_hash: entry for entry in entries}
        runs = {
            "lxml": html.fromstring,
            "first": whole,
            "known": lambda body, k=known: parse(body, FEED, fetched_at_ms=0, known=k),
        }
        took = side_by_side(runs, [body] * 5, rounds)
        print(
            f"  {name:32} {len(entries):3d} updates {took['lxml'] / 5 * 1000:6.2f} ms "
            f"{took['first'] / took['lxml']:5.2f} {took['known'] / took['lxml']:5.2f}"
        )


def entries_of_1_kb(rounds: int) -> None:
    print("\nnormalising an entry of 1 KB, us")
    text = "The river rose in the night and the lower road was closed. " * 12
    marked = "".join(f"<p>The <b>river</b> rose, <a href='https://n.example/{n}'>they said</a>.</p>" for n in range(8))
    usual = (
        "<p>The river rose in the night and the lower road was closed.</p>" * 8
        + "<p>They <a href='https://n.example/1'>said</a> so.</p><img src='https://n.example/1.jpg' alt='The river'>"
    )
    for name, inside in {
        "plain text": text,
        "plain text in CDATA": f"<![CDATA[{text}]]>",
        "HTML with a link and a picture": f"<![CDATA[{usual}]]>",
        "the same, escaped": usual.replace("<", "&lt;"),
        "HTML with eight links": f"<![CDATA[{marked}]]>",
    }.items():
        item = (
            "<item><guid>{0}</guid><link>https://n.example/{0}</link><title>Story {0} of the valley</title><pubDate>"
            "Fri, 07 Jan 2022 20:31:04 GMT</pubDate><description>{1}</description></item>"
        )
        body = f"<rss><channel>{''.join(item.format(n, inside) for n in range(50))}</channel></rss>".encode()
        print(f"  {name:32} {entry_cost([body], rounds):6.1f} ({len(body) / 50:.0f} bytes)")


def unchanged(rounds: int) -> None:
    print(
        "\na snapshot that repeats the one before (its hash, and the decision not to parse it), in % of a first parse"
    )
    for name in FEEDS:
        body = recorded(name, 1)[0]
        seen = Seen("bench", 0, 1, "1", 0, FEED, "1", parser=PARSER_VERSION, body=body, body_hash=body_hash(body))
        state = diff(None, msgspec.structs.replace(seen, parsed=parse(body, FEED, fetched_at_ms=0))).state

        def repeat(body: bytes, state: FeedState = state, seen: Seen = seen) -> bool:
            return needs_parse(state, msgspec.structs.replace(seen, number=2, body=body, body_hash=body_hash(body)))

        assert not repeat(body)
        took = side_by_side({"first": whole, "repeat": repeat}, [body] * 5, rounds)
        print(f"  {name:22} {100 * took['repeat'] / took['first']:5.2f} %")


def linearity() -> None:
    item = "<item><guid>{0}</guid><title>Story {0}</title><description>&lt;p&gt;Text {0}&lt;/p&gt;</description></item>"
    print("\nlinear in the size: seconds for n entries")
    for count in (500, 1_000, 2_000, 4_000):
        body = ("<rss><channel>" + "".join(item.format(i) for i in range(count)) + "</channel></rss>").encode()
        seconds = side_by_side({"whole": whole}, [body], 3)["whole"]
        print(f"  {count:6d} {seconds * 1000:8.1f} ms {seconds / count * 1e6:6.1f} us each")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    if not (SHARED / "data" / "sequences").is_dir():
        sys.exit(f"no recordings at {SHARED}: set WIREWATCH_SHARED")
    feeds(rounds)
    pages(rounds)
    entries_of_1_kb(rounds)
    unchanged(rounds)
    bodies = recorded("nsw_rfs_raw_202003")
    took = side_by_side(
        {"orjson": orjson.loads, "parse": lambda body: parse(body, NSW, fetched_at_ms=0)}, bodies, min(rounds, 5)
    )
    print(
        f"\nJSON by paths, nsw_rfs_raw: {took['parse'] / took['orjson']:.1f} times orjson.loads, "
        f"{took['parse'] / len(bodies) * 1000:.2f} ms each"
    )
    linearity()


if __name__ == "__main__":
    main()
