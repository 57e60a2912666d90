"""Parsing against its peers over the recordings, side by side in one run, as ratios.

usage: python benchmarks/parse_speed.py [ROUNDS]      recordings are found through WIREWATCH_SHARED (default ../shared)
"""

from __future__ import annotations

import io
import os
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import fastfeedparser
import feedparser
import orjson
from lxml import etree

from processors.parse import Split, parse, split
from wirewatch.events import JsonPaths, ParseDefinition

SHARED = Path(os.environ.get("WIREWATCH_SHARED", Path(__file__).resolve().parents[2] / "shared"))
FEEDS = ("rss_bbc_20210920", "rss_smh_20210920", "rss_cnn_20210920", "rss_rnz_20210920")
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


def best(run: Callable[[bytes], object], bodies: list[bytes], rounds: int) -> float:
    """Seconds for all bodies once, the best of some rounds."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        for body in bodies:
            run(body)
        taken.append(time.perf_counter() - start)
    return min(taken)


def split_only(body: bytes) -> object:
    return split(body, FEED, fetched_at_ms=0)


def whole(body: bytes) -> object:
    return parse(body, FEED, fetched_at_ms=0)


def quick(body: bytes) -> object:
    try:
        return fastfeedparser.parse(body)
    except Exception:  # noqa: BLE001 - a peer's refusal is its own affair
        return None


def entry_cost(bodies: list[bytes], rounds: int) -> tuple[float, float]:
    """Microseconds for an entry, and its mean size."""
    splits = [taken for taken in (split(body, FEED, fetched_at_ms=0) for body in bodies) if isinstance(taken, Split)]
    count = sum(len(taken.raw_hashes) for taken in splits)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        for taken in splits:
            for index in range(len(taken.raw_hashes)):
                taken.entry(index)
        seconds.append(time.perf_counter() - start)
    return min(seconds) / count * 1e6, sum(map(len, bodies)) / count


def linearity() -> None:
    item = "<item><guid>{0}</guid><title>Story {0}</title><description>&lt;p&gt;Text {0}&lt;/p&gt;</description></item>"
    print("\nlinear in the size: seconds for n entries")
    for count in (500, 1_000, 2_000, 4_000):
        body = ("<rss><channel>" + "".join(item.format(i) for i in range(count)) + "</channel></rss>").encode()
        seconds = best(whole, [body], 3)
        print(f"  {count:6d} {seconds * 1000:8.1f} ms {seconds / count * 1e6:6.1f} us each")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if not (SHARED / "data" / "sequences").is_dir():
        sys.exit(f"no recordings at {SHARED}: set WIREWATCH_SHARED")
    print("ratios to lxml.fromstring (1.0); split = entries told apart, with raw hashes; * feedparser over parse")
    print("recording               lxml ms  split  parse  known  fastfp feedparser      * us/entry")
    for name in FEEDS:
        bodies = recorded(name)
        known = {e.raw_hash: e for body in bodies for e in parse(body, FEED, fetched_at_ms=0).entries}
        lxml_s = best(etree.fromstring, bodies, rounds)
        split_s = best(split_only, bodies, rounds)
        parse_s = best(whole, bodies, rounds)
        known_s = best(lambda body, k=known: parse(body, FEED, fetched_at_ms=0, known=k), bodies, rounds)
        fast_s = best(quick, bodies, rounds)
        slow_s = best(lambda body: feedparser.parse(io.BytesIO(body)), bodies[:6], 1) * len(bodies) / len(bodies[:6])
        cost, size = entry_cost(bodies, rounds)
        print(
            f"{name:22} {lxml_s / len(bodies) * 1000:8.3f} {split_s / lxml_s:6.2f} {parse_s / lxml_s:6.2f} "
            f"{known_s / lxml_s:6.2f} {fast_s / lxml_s:7.2f} {slow_s / lxml_s:10.1f} {slow_s / parse_s:6.1f} "
            f"{cost:5.1f} ({size:.0f} bytes)"
        )
    bodies = recorded("nsw_rfs_raw_202003")
    loads_s = best(orjson.loads, bodies, rounds)
    json_s = best(lambda body: parse(body, NSW, fetched_at_ms=0), bodies, rounds)
    each = json_s / len(bodies) * 1000
    print(f"\nJSON by paths, nsw_rfs_raw: {json_s / loads_s:.1f} times orjson.loads, {each:.2f} ms each")
    linearity()


if __name__ == "__main__":
    main()
