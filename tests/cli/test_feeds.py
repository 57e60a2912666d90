"""`wirewatch feeds`: finding out, listing, removing, moving; beside a runner and without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import LIVED, SECRET, Call, Server, rss, running, until

FILED = '[[feeds]]\nid = "filed"\nurl = "{base}/filed"\n'
LIVE = """<html><head><title>Live: dam</title><script type="application/ld+json">{"@context": "https://schema.org",
"@type": "LiveBlogPosting", "headline": "Dam in danger", "liveBlogUpdate": [{"@type": "BlogPosting", "@id": "u1",
"headline": "Crack found", "articleBody": "A crack.", "datePublished": "2026-01-07T20:00:00Z"}]}</script></head>"""


def test_before_anything_ran_lists_are_empty_and_nothing_is_made(folder: Path, wirewatch: Call) -> None:
    for argv, hint in (
        (["feeds", "list"], "wirewatch feeds add"),
        (["searches", "list"], "wirewatch searches add"),
        (["channels", "list"], "wirewatch channels add"),
        (["alerts", "list"], "no alerts since"),
        (["dead-letters", "list"], "no dead letters"),
    ):
        said = wirewatch(*argv)
        assert (said.status, said.out) == (0, "")
        assert hint in said.err
        assert wirewatch(*argv, "--json").out == ""
    assert [path.name for path in folder.iterdir()] == ["wirewatch.toml"]


def test_add_says_what_is_there_shows_entries_and_watches_it(folder: Path, wirewatch: Call, server: Server) -> None:
    server.bodies["/rss"] = rss(("a", "Bridge \u202eshut"), ("b", "Quiet"))
    said = wirewatch("feeds", "add", f"{server.base}/rss", "--tag", "city", "--tag", "desk", "--every", "30s")
    assert (said.status, said.err) == (0, f'{server.base}/rss: a feed (rss), "City desk"\n')
    assert "Bridge shut" in said.out
    assert said.out.endswith("watching city-desk\n")
    (listed,) = wirewatch("feeds", "list", "--json").rows()
    assert (listed["feed"]["id"], listed["feed"]["tags"]) == ("city-desk", ["city", "desk"])
    assert (listed["feed"]["every"], listed["state"]) == ("30s", "never-good")
    again = wirewatch("feeds", "add", f"{server.base}/rss")
    assert (again.status, "watched already, as city-desk" in again.err) == (2, True)


def test_add_finds_the_feed_a_page_links_to(folder: Path, wirewatch: Call, server: Server) -> None:
    server.bodies["/"] = b'<html><head><link rel="alternate" type="application/rss+xml" href="/rss"></head></html>'
    server.bodies["/rss"] = rss(("a", "Bridge shut"))
    said = wirewatch("feeds", "add", f"{server.base}/", "--id", "mine", "--name", "My paper")
    assert (said.status, said.out.splitlines()[-1]) == (0, "watching mine")
    (listed,) = wirewatch("feeds", "list", "--json").rows()
    assert (listed["feed"]["url"], listed["feed"]["name"]) == (f"{server.base}/rss", "My paper")


def test_add_knows_a_live_page(folder: Path, wirewatch: Call, server: Server) -> None:
    server.bodies["/live"] = LIVE.encode()
    said = wirewatch("feeds", "add", f"{server.base}/live")
    assert "a live page" in said.err
    assert "Crack found" in said.out


def test_add_guesses_the_fields_of_a_json_list_and_says_so(folder: Path, wirewatch: Call, server: Server) -> None:
    rows = [{"guid": str(n), "webTitle": f"Story {n}", "webUrl": f"https://example.org/{n}"} for n in range(7)]
    server.bodies["/list"] = json.dumps({"meta": {}, "results": rows}).encode()
    said = wirewatch("feeds", "add", f"{server.base}/list")
    assert "items = results, id = guid, headline = webTitle, url = webUrl" in said.err
    assert "the first 5 of 7 entries" in said.out
    assert "Story 0" in said.out
    (listed,) = wirewatch("feeds", "list", "--json").rows()
    assert (listed["feed"]["kind"], listed["feed"]["json"]["headline"]) == ("json", "webTitle")


def test_a_json_list_without_anything_to_read_is_not_watched(folder: Path, wirewatch: Call, server: Server) -> None:
    server.bodies["/list"] = b'[{"a": 1}, {"a": 2}]'
    said = wirewatch("feeds", "add", f"{server.base}/list")
    assert said.status == 1
    assert "no field of its items looks like a headline or text" in said.err
    assert "[feeds.json]" in said.err


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><body><h1>An article</h1></body></html>", "no feed, no live page"),
        (b'{"a": 1}', "no JSON list"),
        (b"", "the answer is empty"),
    ],
)
def test_what_is_no_feed_is_told_with_status_1(
    folder: Path, wirewatch: Call, server: Server, body: bytes, words: str
) -> None:
    server.bodies["/x"] = body
    for command in ("add", "check"):
        said = wirewatch("feeds", command, f"{server.base}/x")
        assert (said.status, words in said.err) == (1, True)
    assert not (folder / "wirewatch-data").exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://10.0.0.1/feed", "allow_networks"),
        ("ftp://example.org/", "only http:// and https://"),
        ("example.org/feed", "only http:// and https://"),
        ("http://127.0.0.1:1/feed", "Connection refused"),
    ],
)
def test_an_address_that_cannot_be_asked_is_told(folder: Path, wirewatch: Call, url: str, words: str) -> None:
    said = wirewatch("feeds", "add", url)
    assert (said.status, words in said.err) == (2, True)


def test_a_dry_run_and_a_check_add_nothing(folder: Path, wirewatch: Call, server: Server) -> None:
    server.bodies["/rss"] = rss(("a", "Bridge shut"))
    assert "Bridge shut" in wirewatch("feeds", "add", f"{server.base}/rss", "--dry-run").out
    assert "Bridge shut" in wirewatch("feeds", "check", f"{server.base}/rss").out
    assert wirewatch("feeds", "list").out == ""


def test_a_bad_pace_is_refused_before_anything_is_fetched(folder: Path, wirewatch: Call, server: Server) -> None:
    said = wirewatch("feeds", "add", f"{server.base}/rss", "--every", "soon")
    assert (said.status, "--every 'soon'" in said.err) == (2, True)


def test_a_feed_of_the_file_is_listed_before_the_first_start_and_not_added_twice(
    folder: Path, wirewatch: Call, server: Server
) -> None:
    with (folder / "wirewatch.toml").open("a") as file:
        file.write(FILED.format(base=server.base))
    server.bodies["/filed"] = rss(("a", "Bridge shut"))
    assert "not asked yet" in wirewatch("feeds", "list").out
    assert "filed" in wirewatch("feeds", "show", "filed").out
    assert f'xmlUrl="{server.base}/filed"' in wirewatch("feeds", "export").out
    said = wirewatch("feeds", "add", f"{server.base}/filed")
    assert (said.status, "watched already, as filed" in said.err) == (2, True)
    refused = wirewatch("feeds", "remove", "filed")
    assert (refused.status, "'filed' stands in wirewatch.toml" in refused.err) == (2, True)


def test_removing_names_what_there_is(folder: Path, wirewatch: Call, server: Server) -> None:
    server.bodies["/rss"] = rss(("a", "Bridge shut"))
    wirewatch("feeds", "add", f"{server.base}/rss")
    said = wirewatch("feeds", "remove", "nope")
    assert (said.status, "there are: city-desk" in said.err) == (2, True)
    assert wirewatch("feeds", "remove").status == 2
    assert wirewatch("feeds", "remove", "city-desk").out == "city-desk is no longer watched\n"
    assert wirewatch("feeds", "list").out == ""


def test_opml_goes_out_and_in_again(folder: Path, wirewatch: Call) -> None:
    outlines = "".join(f'<outline type="rss" text="F{n}" xmlUrl="https://f{n % 600}.example/"/>' for n in range(700))
    (folder / "in.opml").write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    assert wirewatch("feeds", "import", "in.opml").out == "watching 600 more; 0 were watched already\n"
    out = wirewatch("feeds", "export").out
    assert wirewatch("feeds", "import", "-", stdin=out.encode()).out == "watching 0 more; 600 were watched already\n"
    (folder / "bad.opml").write_text("<html/>")
    said = wirewatch("feeds", "import", "bad.opml")
    assert (said.status, "bad.opml" in said.err) == (2, True)


def test_commands_work_beside_a_runner_and_are_noticed(folder: Path, wirewatch: Call, server: Server) -> None:
    server.bodies["/rss"] = rss(("a", "Bridge shut"))
    server.bodies["/more"] = rss(("m", "More news"))
    (folder / "wirewatch.toml").write_text(LIVED.format(base=server.base, secret=SECRET))
    with running(folder):
        assert wirewatch("feeds", "add", f"{server.base}/more", "--id", "more", "--every", "100ms").status == 0
        until(lambda: '"ok"' in wirewatch("feeds", "list", "--json").out.partition('"id":"more"')[2])
        until(lambda: "More news" in wirewatch("search", "more").out)
        second = wirewatch("run")
        assert (second.status, "another wirewatch runs on" in second.err) == (2, True)
        assert wirewatch("feeds", "remove", "more").status == 0
        assert wirewatch("doctor").status == 0


def test_show_tells_what_was_learned(lived: Path, wirewatch: Call) -> None:
    table = wirewatch("feeds", "show", "city").out
    for word in ("the settings file", "listing", "kind found", "last good"):
        assert word in table
    shown = wirewatch("feeds", "show", "city", "--json").rows()[0]
    assert (shown["feed"]["feed"]["id"], shown["learned"]["entries"]) == ("city", 3)


def test_header_values_and_secrets_in_addresses_are_not_shown(folder: Path, wirewatch: Call) -> None:
    (folder / "wirewatch.toml").write_text(
        '[[feeds]]\nid = "a"\nurl = "https://u:hunter2@a.example/?token=hunter2"\n[feeds.headers]\nX = "hunter2"\n'
    )
    for argv in (
        ["feeds", "list"],
        ["feeds", "list", "--json"],
        ["feeds", "show", "a"],
        ["feeds", "show", "a", "--json"],
    ):
        said = wirewatch(*argv)
        assert said.status == 0
        assert "hunter2" not in said.out + said.err
