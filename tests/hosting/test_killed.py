"""kill -9 at random points: nothing lost, nothing twice."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from wirewatch.brokers.dead_letters import list_dead_letters
from wirewatch.brokers.embedded import open_reader, open_writer
from wirewatch.brokers.interface import NewRecord
from wirewatch.topics import DEAD_LETTERS, Topic

CHILD = Path(__file__).with_name("killed_child.py")
IN = Topic("in.v1", "feed_id", "anything", 3_600_000)
INPUTS, KEYS, KILLS, BAD_EVERY = 2_000, 7, 12, 101


def value(number: int) -> bytes:
    return b"bad%d" % number if number % BAD_EVERY == 0 else b"v%d" % number


def run_child(folder: Path, good: int, kill_after: float | None) -> bool:
    """Start the runner; kill it after so many seconds at work. Whether it came to its end."""
    child = subprocess.Popen([sys.executable, str(CHILD), str(folder), str(good)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == b"up\n"
        try:
            assert child.wait(kill_after) == 0
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_runner_killed_at_random_points_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    """F1-F4, F6"""
    chance = random.Random(seed)
    good = sum(not value(number).startswith(b"bad") for number in range(INPUTS))
    writer = open_writer(tmp_path, topics=(IN, DEAD_LETTERS))
    published = 0
    kills = 0
    for _ in range(KILLS):
        # a writing command appends between the runs, so that there is always something to do
        upto = min(INPUTS, published + INPUTS // KILLS + 1)
        await writer.publish(
            [NewRecord(IN.name, f"k{number % KEYS}", value(number), {}) for number in range(published, upto)]
        )
        published = upto
        kills += not run_child(tmp_path, good, chance.uniform(0.0, 0.12))
    await writer.close()
    assert published == INPUTS
    assert run_child(tmp_path, good, 60)
    assert kills >= KILLS - 2

    expected: dict[str, list[bytes]] = {}
    for number in range(INPUTS):
        if not value(number).startswith(b"bad"):
            told = expected.setdefault(f"k{number % KEYS}", [])
            told.append(b"%d:%s" % (len(told) + 1, value(number)))
    reader = open_reader(tmp_path)
    out: dict[str, list[bytes]] = {}
    for record in await reader.read("out.v1", 0, 0, max_records=10 * INPUTS):
        out.setdefault(record.key, []).append(record.value or b"")
    assert out == expected
    letters = [item.letter for item in await list_dead_letters(reader)]
    assert sorted(letter.offset for letter in letters) == list(range(0, INPUTS, BAD_EVERY))
    assert (await reader.bounds(DEAD_LETTERS.name, 0)).end == len(letters)
    await reader.close()
    conn = apsw.Connection(str(tmp_path / "sink.db"))
    kept: dict[str, list[object]] = {}
    for key, held in conn.execute("SELECT key, value FROM kept ORDER BY rowid"):
        kept.setdefault(str(key), []).append(held)
    assert kept == expected
    conn.close()
