"""`wirewatch tail`, `topics`, `dead-letters` and `doctor`: what an operator looks at."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from wirewatch.brokers.dead_letters import make_dead_letter
from wirewatch.brokers.embedded import open_writer
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import EntryEvent
from wirewatch.topics import ENTRIES, SNAPSHOTS, TOPICS


def test_tail_prints_each_value_bare_one_a_line(lived: Path, wirewatch: Call) -> None:
    rows = wirewatch("tail", "--from", "earliest", "--no-follow", "--json").rows()
    assert [row["op"] for row in rows] == ["baseline", "baseline", "created"]
    assert set(rows[0]) == set(EntryEvent.__struct_fields__)


def test_tail_begins_where_it_is_told(lived: Path, wirewatch: Call) -> None:
    def count(*argv: str) -> int:
        said = wirewatch("tail", *argv, "--no-follow", "--json")
        assert said.status == 0, said.err
        return len(said.rows())

    assert count() == count("entries") == count(ENTRIES.name) == count("--from", "earliest") == 3
    assert [count("--from", str(offset)) for offset in (0, 2, 3, 999)] == [3, 1, 0, 0]
    assert (count("--from", "2000-01-01T00:00:00Z"), count("--from", "24h"), count("--from", "2000-01-01")) == (3, 3, 3)
    assert count("--from", "2999-01-01T00:00:00Z") == 0


@pytest.mark.parametrize("from_", ["soon", "-3", "2026-13-01"])
def test_tail_refuses_a_start_that_is_none(lived: Path, wirewatch: Call, from_: str) -> None:
    said = wirewatch("tail", f"--from={from_}", "--no-follow")
    assert (said.status, "earliest, or an offset" in said.err) == (2, True)


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_topic_can_be_looked_at(lived: Path, wirewatch: Call, topic: str) -> None:
    for word in (topic, topic.split(".")[1]):
        said = wirewatch("tail", word, "--no-follow")
        assert (said.status, said.err) == (0, "")
        bare = wirewatch("tail", word, "--no-follow", "--json")
        assert len(bare.rows()) == len(said.out.splitlines())


def test_tail_cannot_be_steered_by_what_stands_on_the_log(lived: Path, wirewatch: Call) -> None:
    publish(lived, NewRecord(ENTRIES.name, "city", b'{"headline": "a\\u001b[2J\\nALERT opened forged \\u202e"}', {}))
    publish(lived, NewRecord(SNAPSHOTS.name, "city", b"\xff\xfe not json \x1b[2J", {}))
    line = wirewatch("tail", "--from", "3", "--no-follow").out
    assert (line.count("\n"), "\x1b" in line, "\u202e" in line) == (1, False, False)
    assert "bytes" in wirewatch("tail", "snapshots", "--no-follow").out.splitlines()[-1]
    assert wirewatch("tail", "snapshots", "--no-follow", "--json").out.splitlines()[-1].startswith('"')


def publish(folder: Path, *records: NewRecord) -> None:
    async def main() -> None:
        broker = open_writer(folder / "wirewatch-data")
        await broker.publish(list(records))
        await broker.close()

    asyncio.run(main())


def test_topics_are_made_checked_and_listed(folder: Path, wirewatch: Call) -> None:
    before = wirewatch("topics", "check")
    assert (before.status, "wirewatch run" in before.err) == (2, True)
    assert wirewatch("topics", "create").status == 0
    assert wirewatch("topics", "check").status == 0
    assert [row["topic"] for row in wirewatch("topics", "list", "--json").rows()] == list(TOPICS)
    assert all(name in wirewatch("topics", "list").out for name in TOPICS)


@pytest.fixture
def letters(lived: Path) -> list[str]:
    """Two dead letters, of two stages, with a hostile error."""

    async def main() -> list[str]:
        broker = open_writer(lived / "wirewatch-data")
        ids = []
        for stage in ("diff", "enrich"):
            (source,) = await broker.publish([NewRecord(SNAPSHOTS.name, "city", b"<rss", {"ww_info": "{}"})])
            letter = make_dead_letter(
                source,
                stage=stage,
                fate="bug",
                reason="bug",
                error="cut\x1b[2J off",
                traceback="File x, line 1",
                now_ms=1,
            )
            await broker.publish([letter])
            ids.append(letter.headers["ww_dead_letter"])
        await broker.close()
        return ids

    return asyncio.run(main())


def test_dead_letters_are_listed_and_shown_whole(wirewatch: Call, letters: list[str]) -> None:
    assert [row["letter"]["id"] for row in wirewatch("dead-letters", "list", "--json").rows()] == letters
    table = wirewatch("dead-letters", "list", "--stage", "diff")
    assert (letters[0] in table.out, letters[1] in table.out, "\x1b" in table.out) == (True, False, False)
    shown = wirewatch("dead-letters", "show", letters[0])
    assert shown.rows()[0]["error"] == json.loads(shown.out)["error"]
    assert "File x, line 1" in shown.err


def test_dead_letters_are_retried_and_dropped_once(wirewatch: Call, letters: list[str]) -> None:
    assert "wirewatch.snapshots.v1" in wirewatch("dead-letters", "retry", letters[0]).out
    again = wirewatch("dead-letters", "retry", letters[0])
    assert (again.status, letters[0] in again.err) == (2, True)
    assert wirewatch("dead-letters", "drop", "--all").out == f"{letters[1]} is dropped\n"
    nothing = wirewatch("dead-letters", "drop", "--all")
    assert (nothing.status, nothing.err) == (0, "no dead letters are open\n")
    states = [row["state"] for row in wirewatch("dead-letters", "list", "--all", "--json").rows()]
    assert states == ["retried", "dropped"]


@pytest.mark.parametrize("argv", [["retry"], ["drop"], ["retry", "x", "--all"], ["show", "nope"], ["drop", "nope"]])
def test_mistakes_with_dead_letters_are_told(wirewatch: Call, letters: list[str], argv: list[str]) -> None:
    said = wirewatch("dead-letters", *argv)
    assert (said.status, said.out) == (2, "")


def states(said: list[dict[str, str]]) -> dict[str, str]:
    return {row["what"]: row["state"] for row in said}


def test_doctor_before_the_first_start_finds_nothing_wrong(folder: Path, wirewatch: Call) -> None:
    (folder / "wirewatch.toml").write_text('[[feeds]]\nid = "a"\nurl = "https://a.example/"\n')
    said = wirewatch("doctor", "--json")
    found = states(said.rows())
    assert said.status == 0
    assert (found["log"], found["index"], found["feed a"], found["contact"]) == (
        "not yet",
        "not yet",
        "not yet",
        "advice",
    )
    assert not (folder / "wirewatch-data").exists()


def test_doctor_afterwards_tells_every_part(lived: Path, wirewatch: Call, letters: list[str]) -> None:
    said = wirewatch("doctor", "--json")
    found = states(said.rows())
    assert said.status == 0
    assert {found[what] for what in ("settings", "disk", "clock", "log", "index", "deliveries", "feed city")} == {"ok"}
    assert found["dead letters"] == "advice"
    assert "can be searched" in wirewatch("doctor").out


def test_doctor_says_what_is_wrong_with_status_1(lived: Path, wirewatch: Call) -> None:
    for path in (lived / "wirewatch-data").glob("search.db*"):
        path.write_bytes(b"no database" * 100)
    said = wirewatch("doctor", "--json", "--control", "postgresql://x")
    assert said.status == 1
    found = {row["what"]: (row["state"], row["words"]) for row in said.rows()}
    assert found["settings"][0] == "wrong"
    assert "names no database" in found["settings"][1]
    assert found["index"][0] == "wrong"
