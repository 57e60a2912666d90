"""The diff against the window's size, and a repeat against a parse: `python benchmarks/diff_window.py [FOLDER]`.

FOLDER holds unpacked recordings; without it only the made-up windows are measured.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from processors.diff import FeedState, Seen, decode_state, diff, encode_state
from processors.diff_handler import Page, decide_snapshot
from processors.parse import PARSER_VERSION, ParsedEntry, ParsedFeed, parse
from processors.replay import read_manifest
from wirewatch.events import ParseDefinition
from wirewatch.identity import body_hash

DEFINITION = ParseDefinition("https://bench.example/feed", listing="window")
TEXT = "The river rose in the night and the lower road was closed to traffic. " * 12


def best(work: Callable[[], object], rounds: int = 5) -> float:
    """The fastest of some rounds, in milliseconds."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1000)
    return min(took)


def seen(number: int, parsed: ParsedFeed | None, body: bytes | None, **more: object) -> Seen:
    return Seen(
        **{  # type: ignore[arg-type]  # the fields of Seen
            "feed_id": "bench",
            "owner": 0,
            "number": number,
            "snapshot_id": str(number),
            "fetched_at_ms": 1_700_000_000_000 + number * 60_000,
            "definition": DEFINITION,
            "name": str(number),
            "parser": PARSER_VERSION,
            "body": body,
            "body_hash": body_hash(body) if body is not None else "",
            "parsed": parsed,
            **more,
        }
    )


def window(size: int, shift: int) -> ParsedFeed:
    entries = tuple(
        ParsedEntry(
            native_id=f"id{n}",
            headline=f"Story {n} of the valley",
            body=TEXT,
            published_ms=1_700_000_000_000 + n * 60_000,
            published_precision="minute",
            raw_hash=str(n),
        )
        for n in range(size + shift, shift, -1)
    )
    return ParsedFeed("rss", entries)


def made_up() -> None:
    print("entries  diff of 5 new ms  us/entry  encode ms  repeat us (decode, diff, encode)")
    for size in (50, 100, 500, 1000, 5000):
        state = diff(None, seen(1, window(size, 0), b"1")).state
        after = diff(state, seen(2, window(size, 5), b"2")).state
        parsed = window(size, 10)
        took = best(lambda after=after, parsed=parsed: diff(after, seen(3, parsed, b"3")))
        packed = encode_state(after)
        fresh = best(lambda after=after: encode_state(after))
        again = seen(3, None, None, kind="confirmation", base=2)
        repeat = best(lambda packed=packed, again=again: encode_state(diff(decode_state(packed), again).state), 20)
        print(f"{size:7d}  {took:16.2f}  {took * 1000 / size:8.2f}  {fresh:9.2f}  {repeat * 1000:8.0f}")


def recorded(folder: Path) -> None:
    print("\nrecording              parse ms  diff+state ms  repeat us  repeat/parse")
    for name in ("rss_bbc_20210920", "rss_smh_20210920", "rss_cnn_20210920", "quirk_fox_truncated"):
        polls = read_manifest(folder / name)[:2]
        bodies = [poll.path.read_bytes() for poll in polls]
        parsing = best(lambda bodies=bodies: parse(bodies[1], DEFINITION, fetched_at_ms=0))
        page = Page(DEFINITION.url)
        state: FeedState = decide_snapshot(None, seen(1, None, bodies[0]), page).state
        packed = encode_state(state)
        second = seen(2, None, bodies[1])
        whole = best(
            lambda packed=packed, second=second, page=page: encode_state(
                decide_snapshot(decode_state(packed), second, page).state
            )
        )
        again = seen(2, None, None, kind="confirmation", base=1)
        repeat = best(
            lambda packed=packed, again=again, page=page: encode_state(
                decide_snapshot(decode_state(packed), again, page).state
            ),
            20,
        )
        print(f"{name:22s} {parsing:8.2f}  {whole:13.2f}  {repeat * 1000:9.0f}  {repeat / parsing:11.1%}")


if __name__ == "__main__":
    made_up()
    if len(sys.argv) > 1:
        recorded(Path(sys.argv[1]))
