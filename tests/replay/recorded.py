"""Recordings: how a user would describe each, and the live path simulated as the poller publishes it."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

from processors.diff_handler import DiffHandler
from tests import recorded_feeds
from wirewatch import topics
from wirewatch.brokers.interface import Record
from wirewatch.events import EntryEvent, Feed, SnapshotInfo, decode, encode
from wirewatch.feeds import definition_of, read_feed_file
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.times import format_ms, parse_ms

# the hourly list says how long an entry should stand there; the others are read as everywhere
DEFINITIONS = {**recorded_feeds.DEFINITIONS, "usgs_all_hour": 'span = "3600s"\n' + recorded_feeds.USGS}


def feed_for(name: str, tmp_path: Path) -> Feed:
    """The feed of a recording, as read from a file."""
    path = tmp_path / "feed.toml"
    path.write_text('id = "recorded"\nurl = "https://recorded.example/feed"\n' + DEFINITIONS[name], encoding="utf-8")
    return read_feed_file(path)


def versions(folder: Path, limit: int | None = None) -> list[tuple[str, str]]:
    """``(file, time)`` of a recording's first versions."""
    with (folder / "manifest.tsv").open(encoding="utf-8") as lines:
        rows = [(row["file"], row["commit_time"]) for row in csv.DictReader(lines, delimiter="\t")]
    return rows[:limit]


def thrice(folder: Path, rows: list[tuple[str, str]], out: Path) -> Path:
    """A recording in which each version is polled three times."""
    out.mkdir()
    lines = ["file\ttime"]
    for name, time in rows:
        shutil.copy(folder / name, out / name)
        lines += [f"{name}\t{time}"] * 3
    (out / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return out


@dataclass
class Live:
    """What a poller publishes, through the stage; state goes through bytes each time."""

    feed: Feed
    state: bytes | None = None
    number: int = 0
    owner: int = 0
    base: int | None = None
    at: str = ""

    def __post_init__(self) -> None:
        self.events: list[EntryEvent] = []
        self._handler = DiffHandler()

    def body(self, body: bytes, at: str, *, unconditional: bool = False) -> None:
        self.at = at
        self._hash = body_hash(body)
        self._give("body", body, unconditional=unconditional)
        self.base = self.number

    def confirm(self) -> None:
        self._give("confirmation", None)

    def restarted(self) -> None:
        """Another poller, which knows the last number from `polls`."""
        self.owner += 1

    def _give(self, kind: str, value: bytes | None, *, unconditional: bool = False) -> None:
        self.number += 1
        info = SnapshotInfo(
            kind=kind,  # type: ignore[arg-type]  # one of the two literals above
            feed_id=self.feed.id,
            owner=self.owner,
            number=self.number,
            snapshot_id=snapshot_id(self.feed.id, self.owner, self.number),
            fetched_at=format_ms(parse_ms(self.at)),
            definition=definition_of(self.feed),
            name=str(self.number),
            body_hash=self._hash,
            base=None if value is not None else self.base,
            unconditional=unconditional,
        )
        headers = {"ww_info": encode(info).decode()}
        record = Record(topics.SNAPSHOTS.name, 0, self.number, self.feed.id, value, headers, 0)
        step = self._handler.handle(record, self.state)
        self.state = step.state if step.state is not None else self.state
        for output in step.outputs:
            if output.topic == topics.ENTRY_EVENTS.name:
                assert output.value is not None
                self.events.append(decode(output.value, EntryEvent))
