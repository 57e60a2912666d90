"""The whole program as a child process, as a user runs it, and what it left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.end_to_end.recorded_origin import RecordedOrigin
from wirewatch.brokers.connect import connect
from wirewatch.brokers.interface import Broker
from wirewatch.cli.opening import open_control
from wirewatch.events import Poll, decode
from wirewatch.hosting.runner import streamed_inputs
from wirewatch.settings.load import load
from wirewatch.topics import POLLS

WIREWATCH = Path(sys.executable).parent / "wirewatch"
STAGES = ("diff", "enrich", "search", "match", "notify")


def write_settings(
    folder: Path, origin: RecordedOrigin, *, port: int, every: str = "10ms", extra: str = "", servers: str = ""
) -> None:
    """A wirewatch.toml that watches every recording of the origin. ``servers``: broker, search and control in it."""
    feeds = "".join(
        f'\n[[feeds]]\nid = "{feed_id(name)}"\nurl = "{origin.url(name)}"\nevery = "{every}"\n'
        + re.sub(r"^\[(json|html)\]", r"[feeds.\1]", recording.feed, flags=re.MULTILINE)
        for name, recording in origin.recordings.items()
    )
    (folder / "wirewatch.toml").write_text(
        f"""{servers or f'broker = "embedded:///{folder}/data"'}
data_dir = "{folder}/data"
allow_networks = ["127.0.0.0/8"]
[web]
listen = "127.0.0.1:{port}"
[poll]
min_interval = "{every}"
per_host_interval = "0s"
check_pages = false
robots = false
[ops]
canary_every = "0s"
{extra}{feeds}"""
    )


async def open_log(folder: Path) -> Broker:
    """The log that the folder's settings name, for reading."""
    config = load(folder / "wirewatch.toml")
    return await connect(config.settings, data_dir=config.data_dir, mode="reader")


class Program:
    """``wirewatch run`` in a folder, or some roles of it; started, killed, stopped. ``log_name``: its words."""

    def __init__(self, folder: Path, *arguments: str, log_name: str = "log") -> None:
        self.folder = folder
        self._arguments = arguments
        self._log = folder / log_name
        self.process: subprocess.Popen[bytes] | None = None
        self._began_at = 0

    def start(self) -> None:
        """Start it; its words go to the folder's ``log``."""
        with self._log.open("ab") as log:
            self._began_at = log.tell()
            self.process = subprocess.Popen(
                [WIREWATCH, "run", *self._arguments],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def polls(self) -> bool:
        """Whether it came so far since its last start."""
        return self._said(b'"event": "polling"')

    def runs(self) -> bool:
        """Whether all its stages were made since its last start: from then on it ends in good order when asked."""
        return self._said(b'"event": "running"')

    def _said(self, words: bytes) -> bool:
        return words in self._log.read_bytes()[self._began_at :]

    def kill(self) -> None:
        """Kill it (-9) with everything it started."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP): its connections stay open, nothing moves."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)
        # the signal only asks: wait until every thread stands
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.alive():
            self.kill()

    def stop(self, seconds: float = 30.0) -> float:
        """Ask it to end and give the seconds that took; fails where it does not end in time (F18)."""
        began = time.monotonic()
        self.ask_to_end()
        self.wait_for_end(seconds)
        return time.monotonic() - began

    def ask_to_end(self) -> None:
        """SIGTERM, and no waiting."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def wait_for_end(self, seconds: float = 30.0) -> None:
        """Wait for its end; kills it and fails where that takes too long."""
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def log(self) -> str:
        """What it said."""
        return self._log.read_text(errors="replace")

    def call(self, *arguments: str) -> str:
        """Another command beside it: its standard output; fails with its words where it failed."""
        done = self._called(arguments)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def fail(self, *arguments: str) -> str:
        """The same of a command that is to fail: all that it said."""
        done = self._called(arguments)
        assert done.returncode != 0, done.stdout[-2000:]
        return done.stdout + done.stderr

    def _called(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [WIREWATCH, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )

    def values(self, topic: str) -> list[dict[str, Any]]:
        """Every value of a topic."""
        lines = self.call("tail", topic, "--from", "earliest", "--no-follow", "--json").splitlines()
        return [json.loads(line) for line in lines if line.strip()]

    async def waiting(self) -> dict[str, int]:
        """What the poller, the stages and the outbox still have to do; empty where all is done."""
        broker = await open_log(self.folder)
        try:
            polls = [decode(record.value or b"", Poll) for record in (await broker.latest(POLLS.name)).values()]
            owed = sum(poll.owed for poll in polls)
            left = {"confirmations": owed} if owed else {}
            for stage in STAGES:
                for topic in streamed_inputs(stage):
                    for partition in range(broker.partitions(topic)):
                        end = (await broker.bounds(topic, partition)).end
                        behind = end - (await broker.committed(stage, topic, partition) or 0)
                        if behind:
                            left[stage] = left.get(stage, 0) + behind
        finally:
            await broker.close()
        store = open_control(load(self.folder / "wirewatch.toml"))
        await store.open()
        pending = sum(channel.pending for channel in (await store.waiting()).values())
        await store.close()
        return left | ({"outbox": pending} if pending else {})

    def wait_until_done(self, seconds: float = 60.0) -> None:
        """Wait until nothing was left to do twice in a row; fails, saying what is left, where that takes too long."""
        until = time.monotonic() + seconds
        calm = 0
        while calm < 2:
            assert self.alive(), self.log()[-2000:]
            left = asyncio.run(self.waiting()) if self.polls() else {"start": 1}
            calm = 0 if left else calm + 1
            assert time.monotonic() < until, f"still to do after {seconds:.0f} s: {left}"
            time.sleep(0.3)


def feed_id(name: str) -> str:
    """The id of the feed that watches a recording."""
    return name.replace("_", "-")


def replayed(folder: Path, origin: RecordedOrigin, name: str) -> list[dict[str, Any]]:
    """What `wirewatch replay` gives for the polls that the origin asked for: each version and its confirmations."""
    recording = origin.recordings[name]
    place = folder / "replay" / name
    place.mkdir(parents=True)
    rows = ["file\ttime"]
    for file, at in zip(recording.files, recording.times, strict=True):
        shutil.copy(file, place)
        rows += [f"{file.name}\t{at}"] * 3
    (place / "manifest.tsv").write_text("\n".join(rows) + "\n")
    feed = folder / "replay" / f"{name}.toml"
    feed.write_text(f'id = "{feed_id(name)}"\nurl = "{origin.url(name)}"\n{recording.feed}')
    done = subprocess.run(
        [WIREWATCH, "replay", place, "--feed", feed], capture_output=True, text=True, timeout=300, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
