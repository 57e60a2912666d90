"""`wirewatch parse`, `replay` and `match`: on files, with no log at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call, rss
from wirewatch.events import Entry

JSON_LIST = b'{"results": [{"guid": "k", "webTitle": "Dam cracks"}]}'
FEED_TOML = 'kind = "json"\n[json]\nitems = "results"\nid = "guid"\nheadline = "webTitle"\n'


def test_parse_prints_one_entry_a_line(folder: Path, wirewatch: Call) -> None:
    (folder / "a.xml").write_bytes(rss(("a", "Bridge shut"), ("b", "Quiet")))
    rows = wirewatch("parse", "a.xml").rows()
    assert [row["headline"] for row in rows] == ["Bridge shut", "Quiet"]
    assert set(rows[0]) == set(Entry.__struct_fields__)
    assert wirewatch("parse", "-", stdin=(folder / "a.xml").read_bytes()).rows() == rows


def test_parse_with_feed_tells_of_a_feed_in_which_no_entry_stands(folder: Path, wirewatch: Call) -> None:
    (folder / "none.xml").write_text("<rss><channel><title>Quiet</title></channel></rss>")
    (only,) = wirewatch("parse", "none.xml", "--with-feed").rows()
    assert only["feed"]["title"] == "Quiet"


def test_parse_with_feed_prints_the_feeds_own_line_first(folder: Path, wirewatch: Call) -> None:
    (folder / "a.xml").write_bytes(rss(("a", "Bridge shut")))
    first, entry = wirewatch("parse", "a.xml", "--with-feed").rows()
    assert {"kind", "title", "label", "summary", "body", "url", "language", "updated", "listing"} <= set(first["feed"])
    assert (first["feed"]["kind"], first["feed"]["title"], entry["native_id"]) == ("rss", "City desk", "a")


def test_parse_reads_a_shape_that_a_feed_file_describes(folder: Path, wirewatch: Call) -> None:
    (folder / "l.json").write_bytes(JSON_LIST)
    (folder / "feed.toml").write_text(FEED_TOML)
    refused = wirewatch("parse", "l.json")
    assert (refused.status, refused.out) == (1, "")
    assert "--feed FEED.toml" in refused.err
    (row,) = wirewatch("parse", "l.json", "--feed", "feed.toml").rows()
    assert (row["native_id"], row["headline"]) == ("k", "Dam cracks")


@pytest.mark.parametrize(
    "body", [b"", b"<html><body><p>text</p></body></html>", b'{"a": 1}', b"\x00\xff\xfe", b"http://x/"]
)
def test_nothing_recognised_is_told_with_status_1(folder: Path, wirewatch: Call, body: bytes) -> None:
    (folder / "x").write_bytes(body)
    said = wirewatch("parse", "x")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("wirewatch: x: ")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["parse", "nofile"], "nofile: cannot be read: No such file"),
        (["parse", "."], "cannot be read: Is a directory"),
        (["parse", "wirewatch.toml", "--url", "foo"], "--url"),
        (["parse", "wirewatch.toml", "--feed", "bad.toml"], "bad.toml: unknown key 'kinda'"),
        (["replay", "nowhere"], "manifest.tsv"),
        (["match"], "--searches"),
        (["match", "--searches", "nofile"], "nofile"),
    ],
)
def test_mistakes_with_files_are_told(folder: Path, wirewatch: Call, argv: list[str], words: str) -> None:
    (folder / "bad.toml").write_text("kinda = 1\n")
    said = wirewatch(*argv)
    assert (said.status, words in said.err) == (2, True), said.err


@pytest.fixture
def recording(folder: Path) -> Path:
    path = folder / "rec"
    path.mkdir()
    bodies = [rss(("a", "Bridge shut")), b"\x00 rubbish", b"", rss(("b", "Road open"), ("a", "Bridge shut"))]
    rows = ["file\ttime"]
    for n, body in enumerate(bodies):
        (path / f"{n}.xml").write_bytes(body)
        rows.append(f"{n}.xml\t2026-01-07T20:0{n}:00Z")
    (path / "manifest.tsv").write_text("\n".join(rows) + "\n")
    return path


def test_replay_prints_events_and_exits_0_whatever_the_snapshots_hold(recording: Path, wirewatch: Call) -> None:
    said = wirewatch("replay", recording)
    rows = said.rows()
    assert said.status == 0
    assert [row["op"] for row in rows] == ["baseline", "source-error", "source-recovered", "created"]
    assert [row["snapshot"] for row in rows] == ["0.xml", "1.xml", "3.xml", "3.xml"]


def test_replay_of_nothing_but_rubbish_exits_0(recording: Path, wirewatch: Call) -> None:
    (recording / "manifest.tsv").write_text("file\tcommit_time\n1.xml\t2026-01-07T20:00:00Z\n")
    assert wirewatch("replay", recording).status == 0
    assert wirewatch("replay", recording, "--summary").status == 0


def test_replays_summary_has_a_row_for_each_snapshot(recording: Path, wirewatch: Call) -> None:
    lines = wirewatch("replay", recording, "--summary").out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["0.xml", "1.xml", "2.xml", "3.xml"]
    assert "1 baseline" in lines[1]
    assert "1 created" in lines[4]


def test_match_says_which_searches_each_entry_matches(folder: Path, recording: Path, wirewatch: Call) -> None:
    searches = [{"id": "b", "query": "bridge"}, {"id": "r", "query": "headline:road"}]
    (folder / "s.jsonl").write_text("\n".join(map(json.dumps, searches)))
    events = wirewatch("replay", recording).out.encode()
    rows = wirewatch("match", "--searches", "s.jsonl", stdin=events).rows()
    assert [row["searches"] for row in rows if row["entry_id"]] == [["b"], ["r"]]


def test_a_search_that_cannot_be_read_names_its_place(folder: Path, wirewatch: Call) -> None:
    (folder / "s.jsonl").write_text('{"id": "b", "query": "((("}')
    said = wirewatch("match", "--searches", "s.jsonl")
    assert (said.status, "character" in said.err) == (2, True)
