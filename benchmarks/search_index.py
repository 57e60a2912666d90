"""Entries a second into the search index, against bare FTS5 inserts of the same text, in one run.

    .venv/bin/python benchmarks/search_index.py [entries]

Both write batches of 200 into a file with WAL and synchronous=FULL. Bare means: headline and body as they are
into a contentless FTS5 table with its own tokenizer, and nothing else: no events kept, no figures, no position.
Then searches over what was written, each as a reader would make it.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import apsw
import msgspec

from sinks.search.embedded.index import EmbeddedIndex
from sinks.search.embedded.sink import EmbeddedSearchSink
from sinks.search.interface import SearchIndex
from wirewatch.brokers.interface import Record
from wirewatch.query import read_event_line
from wirewatch.times import format_ms
from wirewatch.topics import ENTRIES

BATCH = 200
START_MS = 1_700_000_000_000


def records(count: int) -> list[tuple[Record, str, str]]:
    """Events of about 1 KB of text with a figure, a place and an attribution, as records."""
    rng = random.Random(5)
    made = ["".join(rng.choices("etaoinshrdlucmfwypvbg", k=rng.randint(3, 9))) for _ in range(20_000)]
    weights = [1 / (rank + 3) for rank in range(len(made))]
    found = []
    for nth in range(count):
        text = rng.choices(made, weights, k=170)
        headline, body = " ".join(text[:11]).capitalize(), f"{' '.join(text[11:])}; {rng.randint(1, 9)},000 people."
        at = format_ms(START_MS + nth * 1_000)
        raw = {
            "id": f"ev_{nth}",
            "seq": nth + 1,
            "op": "created",
            "feed_id": "bench",
            "entry_id": f"en_{nth}",
            "time": at,
            "first_seen": at,
            "published": at,
            "headline": headline,
            "entry": {"headline": headline, "body": body},
            "enrichment": {
                "version": "1",
                "figures": [
                    {
                        "kind": "killed",
                        "value": nth % 90,
                        "min": None,
                        "max": None,
                        "qualifier": "exact",
                        "unit": None,
                        "text": "",
                        "span": ["body", 0, 0],
                    }
                ],
                "places": [
                    {
                        "name": text[0],
                        "id": "KZ",
                        "country": "KZ",
                        "lat": 43.0 + nth % 7,
                        "lon": 76.0,
                        "via": "name",
                        "background": False,
                        "spans": [],
                    }
                ],
                "attribution": [{"who": text[1], "role": "origin", "generic": False, "span": None}],
            },
        }
        event = read_event_line(msgspec.json.encode(raw))
        found.append((Record(ENTRIES.name, 0, nth, "bench", msgspec.json.encode(event), {}, START_MS), headline, body))
    return found


def bare(folder: Path, made: list[tuple[Record, str, str]]) -> float:
    """Seconds for bare FTS5 inserts."""
    connection = apsw.Connection(str(folder / "bare.db"))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.execute("CREATE VIRTUAL TABLE text USING fts5 (headline, body, content='', contentless_delete=1)")
    start = time.perf_counter()
    for at in range(0, len(made), BATCH):
        with connection:
            connection.executemany(
                "INSERT INTO text (headline, body) VALUES (?, ?)",
                [(headline, body) for _, headline, body in made[at : at + BATCH]],
            )
    took = time.perf_counter() - start
    connection.close()
    return took


async def ours(folder: Path, made: list[tuple[Record, str, str]]) -> float:
    """Seconds for the same through the sink, whole."""
    sink = EmbeddedSearchSink(folder / "search.db")
    await sink.start()
    start = time.perf_counter()
    for at in range(0, len(made), BATCH):
        await sink.write([record for record, _, _ in made[at : at + BATCH]])
    took = time.perf_counter() - start
    await sink.close()
    return took


async def searching(index: SearchIndex, headline: str, *more: str) -> None:
    """How long searches take, first pages of 50 with their words found in them; ``more`` name words of their own."""
    rare, common = max(headline.lower().split(), key=len), min(headline.lower().split(), key=len)
    for query in (
        rare,
        common,
        f"{common} -{rare}",
        f"{common[:2]}*",
        f"{common} figure.killed>=80",
        "near:43,76,10km",
        "feed:bench",
        *(text.format(rare=rare, common=common) for text in more),
    ):
        took = []
        for _ in range(9):
            start = time.perf_counter()
            page = await index.search(query, now_ms=START_MS)
            took.append((time.perf_counter() - start) * 1e3)
        print(f"  {query:32} {statistics.median(took):8.1f} ms  {len(page.hits)} hits on the page")
    await index.close()


def main() -> None:
    """Measure and print."""
    made = records(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare_took = bare(folder, made)
        ours_took = asyncio.run(ours(folder, made))
        size = sum(path.stat().st_size for path in folder.glob("search.db*")) / len(made)
        print(f"{len(made)} entries in batches of {BATCH}")
        print(f"bare FTS5 inserts   {len(made) / bare_took:9.0f} entries/s")
        print(f"the search sink     {len(made) / ours_took:9.0f} entries/s, {size:.0f} bytes an entry on disk")
        print(f"ratio               {ours_took / bare_took:9.2f} times the bare inserts")
        asyncio.run(searching(EmbeddedIndex(folder / "search.db"), made[len(made) // 2][1]))


if __name__ == "__main__":
    main()
