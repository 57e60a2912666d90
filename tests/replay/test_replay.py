"""The replay of a folder: its manifest, its times, its repeats, its table."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from processors.replay import main, read_manifest, replay, replay_polls, summarise
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent, Feed, JsonPaths, decode

FEED = Feed("valley", "https://valley.example/", kind="json", listing="full", json=JsonPaths(id="id", headline="title"))
ONE, TWO, THREE = ({"id": n, "title": f"Story {w}"} for n, w in enumerate(("one", "two", "three")))


def record(folder: Path, *polls: object, column: str = "time") -> Path:
    lines = [f"file\t{column}\tsize"]
    for n, poll in enumerate(polls):
        body = poll if isinstance(poll, bytes) else orjson.dumps(poll)
        (folder / f"{n}.json").write_bytes(body)
        lines.append(f"{n}.json\t2022-01-07T12:{n:02d}:00+01:00\t9")
    (folder / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def told(folder: Path) -> list[tuple[str, str]]:
    return [(event.op, event.snapshot) for event in replay(folder, FEED)]


@pytest.mark.parametrize("column", ["time", "commit_time"])
def test_each_file_is_a_poll(tmp_path: Path, column: str) -> None:
    record(tmp_path, [ONE], [TWO, ONE], column=column)
    assert told(tmp_path) == [("baseline", "0.json"), ("created", "1.json")]


def test_a_repeated_file_lets_an_absence_count(tmp_path: Path) -> None:
    record(tmp_path, [ONE, TWO, THREE], [ONE, TWO], [ONE, TWO])
    assert told(tmp_path)[3:] == [("withdrawn", "2.json")]


def test_times_never_go_back(tmp_path: Path) -> None:
    record(tmp_path, [ONE], [ONE])
    manifest = tmp_path / "manifest.tsv"
    manifest.write_text("file\ttime\n0.json\t2022-01-07T12:00:00Z\n1.json\t2021-01-01T00:00:00Z\n", encoding="utf-8")
    first, second = read_manifest(tmp_path)
    assert second.at_ms == first.at_ms


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\ttime\n", "needs the columns"),
        ("file\ttime\nx.json\tyesterday\n", "line 2: 'yesterday' is not a time"),
        ("file\ttime\n../x.json\t2022-01-07T12:00:00Z\n", "is not a file in this folder"),
        ("file\ttime\n\t2022-01-07T12:00:00Z\n", "is not a file in this folder"),
    ],
)
def test_H63_a_wrong_manifest_is_told_in_words(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "manifest.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        list(replay(tmp_path, FEED))


def test_a_folder_without_manifest_or_file_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a recording needs one"):
        list(replay(tmp_path, FEED))
    (tmp_path / "manifest.tsv").write_text("file\ttime\nx.json\t2022-01-07T12:00:00Z\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"x\.json: cannot be read"):
        list(replay(tmp_path, FEED))


def test_the_summary_says_what_was_thought_of_each_snapshot(tmp_path: Path) -> None:
    record(tmp_path, [ONE], b"[{", [TWO, ONE], [TWO, ONE])
    rows, total = summarise(replay_polls(tmp_path, FEED))
    assert [row.verdict.split(":")[0] for row in rows] == ["good", "bad", "good", "repeat"]
    assert rows[1].events == {"source-error": 1}
    assert total.events == {"baseline": 1, "created": 1, "source-error": 1, "source-recovered": 1}
    assert total.verdict == "1 bad, 2 good, 1 repeat"


def test_whatever_the_snapshots_hold_replay_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, b"", b"<html>no</html>", b"\x00\xff", [])
    assert main([str(tmp_path)]) == 0
    events = [decode(line.encode(), EntryEvent) for line in capsys.readouterr().out.splitlines()]
    assert [event.op for event in events] == ["source-error"]
