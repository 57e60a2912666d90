"""A runner that is killed: a stage that numbers each key's records, a stage after it, and a sink.

``python killed_child.py FOLDER INPUTS`` says ``up``, works, and ends once the sink holds all.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import apsw

from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.errors import BadInput
from wirewatch.hosting import Step
from wirewatch.hosting.runner import Runner
from wirewatch.topics import DEAD_LETTERS, Topic

IN = Topic("in.v1", "feed_id", "anything", 3_600_000)
MIDDLE = Topic("middle.v1", "feed_id", "anything", 3_600_000)
OUT = Topic("out.v1", "feed_id", "anything", 3_600_000)
TOPICS = (IN, MIDDLE, OUT, DEAD_LETTERS)


class Numbering:
    stage = "number"
    stateful = True

    def handle(self, record: Record, state: bytes | None) -> Step:
        value = record.value or b""
        hashlib.pbkdf2_hmac("sha256", value, b"", 1_200)  # some work, so that a kill falls into the middle of it
        if value.startswith(b"bad"):
            raise BadInput("as agreed", reason="bad")
        number = int(state or b"0") + 1
        return Step([NewRecord(MIDDLE.name, record.key, b"%d:%s" % (number, value), {})], b"%d" % number)


class Passing:
    stage = "pass"
    stateful = False

    def handle(self, record: Record, state: bytes | None) -> Step:
        return Step([NewRecord(OUT.name, record.key, record.value, {})])


class Keeping:
    stage = "keep"

    def __init__(self, path: Path, all_: int, done: asyncio.Event) -> None:
        self.conn = apsw.Connection(str(path))
        self.conn.pragma("journal_mode", "WAL")
        self.conn.execute("CREATE TABLE IF NOT EXISTS kept(offset INTEGER, key TEXT, value BLOB)")
        self.all = all_
        self.done = done

    async def start(self) -> None:
        self._look()

    async def bind_log(self, log_id: str) -> None:
        self.log_id = log_id

    async def position(self, topic: str, partition: int) -> int | None:
        return self.conn.execute("SELECT max(offset) + 1 FROM kept").fetchone()[0]  # type: ignore[index, return-value]

    async def write(self, records: Sequence[Record]) -> None:
        with self.conn:
            self.conn.executemany("INSERT INTO kept VALUES(?, ?, ?)", [(r.offset, r.key, r.value) for r in records])
        self._look()

    async def skip(self, record: Record) -> None:
        raise AssertionError("nothing is rejected here")

    async def close(self) -> None:
        self.conn.close()

    def _look(self) -> None:
        if self.conn.execute("SELECT count(*) FROM kept").fetchone() == (self.all,):
            self.done.set()


async def main(folder: Path, all_: int) -> None:
    broker = open_runner(folder, topics=TOPICS)
    done = asyncio.Event()
    runner = Runner(
        broker,
        handlers=[Numbering(), Passing()],
        sinks=[Keeping(folder / "sink.db", all_, done)],
        inputs={"number": [IN.name], "pass": [MIDDLE.name], "keep": [OUT.name]},
    )
    print("up", flush=True)  # noqa: T201 - the parent waits for it
    running = asyncio.create_task(runner.run())
    ended = asyncio.create_task(done.wait())
    await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
    runner.stop()
    await running
    await broker.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
