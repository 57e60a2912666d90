"""`wirewatch searches`, `channels`, `alerts` and `search`, on a folder in which news has been seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import SECRET, Call, Server, signed


def test_a_search_is_saved_listed_shown_and_removed(lived: Path, wirewatch: Call) -> None:
    added = wirewatch("searches", "add", "Toll", "figure.killed>=10", "--to", "desk", "--to", "terminal")
    assert (added.status, "figure.killed>=10" in added.out) == (0, True)
    listed = {row["name"]: row for row in wirewatch("searches", "list", "--json").rows()}
    assert (listed["Toll"]["channels"], listed["Toll"]["origin"]) == (["desk", "terminal"], "command")
    assert listed["Bridges"]["origin"] == "file"
    assert "Toll" in wirewatch("searches", "list").out
    assert wirewatch("searches", "show", "Toll").rows()[0]["id"] == listed["Toll"]["id"]
    assert wirewatch("searches", "remove", listed["Toll"]["id"]).out == "'Toll' is removed\n"
    assert [row["name"] for row in wirewatch("searches", "list", "--json").rows()] == ["Bridges"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["add", "X", '"open'], "character 1"),
        (["add", "X", "since:2h dam"], "a saved search"),
        (["add", "X", "dam", "--to", "nope"], "there are: desk, terminal"),
        (["add", "Bridges", "dam"], "stands in wirewatch.toml"),
        (["remove", "Bridges"], "stands in wirewatch.toml"),
        (["remove", "nope"], "there are: 'Bridges'"),
        (["show", "nope"], "there are: 'Bridges'"),
        (["test", "(("], "character"),
        (["test", "dam", "--since", "soon"], "--since soon: write a duration"),
        (["test", "dam", "--samples", "0"], "1 to 100"),
        (["explain", "Bridges", "en_nope"], "wirewatch search ... --json"),
    ],
)
def test_mistakes_with_searches_are_told(lived: Path, wirewatch: Call, argv: list[str], words: str) -> None:
    said = wirewatch("searches", *argv)
    assert (said.status, words in said.err) == (2, True), said.err


def test_a_query_is_tried_on_history(lived: Path, wirewatch: Call) -> None:
    tried = wirewatch("searches", "test", "bridge", "--since", "24h", "--samples", "1", "--json").rows()[0]
    assert [(day["entries"], day["quiet"]) for day in tried["days"]] == [(2, 1)]
    assert len(tried["samples"]) == 1
    assert "Bridge" in wirewatch("searches", "test", "bridge").out


def test_explain_names_the_clauses_that_held_and_failed(lived: Path, wirewatch: Call) -> None:
    entry = wirewatch("search", "shut", "--json").rows()[0]["entry_id"]
    wirewatch("searches", "add", "Both", "bridge OR dam")
    wirewatch("searches", "add", "Neither", "dam")
    assert wirewatch("searches", "explain", "Both", entry).status == 0
    told = wirewatch("searches", "explain", "Both", entry, "--json").rows()[0]
    assert (told["matches"], told["matched"][0]["text"]) == (True, "Bridge")
    failed = wirewatch("searches", "explain", "Neither", entry)
    assert (failed.status, "does not match" in failed.err, "fails" in failed.out) == (1, True, True)


def test_a_webhook_is_added_tested_and_removed_and_its_signature_is_right(
    folder: Path, wirewatch: Call, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    assert wirewatch("channels", "add", "w", f"{server.base}/hook", "--secret", "env:HOOK_SECRET").status == 0
    assert wirewatch("channels", "test", "w").out == "the test alert arrived at w\n"
    headers, body = server.posted[0]
    assert signed(headers, body)
    assert json.loads(body)["test"] is True
    server.status = 500
    failed = wirewatch("channels", "test", "w")
    assert (failed.status, "did not arrive" in failed.err) == (2, True)
    monkeypatch.delenv("HOOK_SECRET")
    assert "HOOK_SECRET is not set" in wirewatch("channels", "test", "w").err
    assert wirewatch("channels", "remove", "w").status == 0
    assert "no channel 'w'" in wirewatch("channels", "test", "w").err


def test_a_fresh_secret_is_shown_once_and_never_listed(folder: Path, wirewatch: Call) -> None:
    made = wirewatch("channels", "add", "w", "https://u:hunter2@hook.example/?token=hunter2").err
    secret = made.split()[-1]
    assert secret.startswith("whsec_")
    for argv in (["channels", "list"], ["channels", "list", "--json"]):
        said = wirewatch(*argv)
        assert secret not in said.out
        assert "hunter2" not in said.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["add", "w", "http://10.0.0.1/"], "allow_networks"),
        (["add", "w", "gopher://h/"], "http"),
        (["add", "w"], "needs a url"),
        (["add", "A b", "https://h.example/"], "lower-case"),
        (["add", "desk", "https://h.example/"], "stands in wirewatch.toml"),
        (["remove", "desk"], "stands in wirewatch.toml"),
        (["remove", "terminal"], "built in"),
        (["test", "nope"], "there are: desk, terminal"),
    ],
)
def test_mistakes_with_channels_are_told(lived: Path, wirewatch: Call, argv: list[str], words: str) -> None:
    said = wirewatch("channels", *argv)
    assert (said.status, words in said.err) == (2, True), said.err


def test_a_channel_that_a_search_names_stays(lived: Path, wirewatch: Call) -> None:
    wirewatch("channels", "add", "w", "https://h.example/")
    wirewatch("searches", "add", "Toll", "dam", "--to", "w")
    said = wirewatch("channels", "remove", "w")
    assert (said.status, "'Toll'" in said.err) == (2, True)


def test_alerts_are_listed_shown_and_sent_again(lived: Path, wirewatch: Call, receiver: Server) -> None:
    told = wirewatch("alerts", "list", "--json").rows()
    assert [(alert["type"], alert["state"]) for alert in told] == [("opened", "open"), ("opened", "quiet")]
    assert "Bridges" in wirewatch("alerts", "list").out
    shown = wirewatch("alerts", "show", told[0]["alert_id"]).rows()[0]
    (delivery,) = shown["deliveries"]
    assert (delivery["channel"], delivery["status"]) == ("desk", "delivered")
    headers, body = receiver.posted[0]
    assert headers["webhook-id"] == delivery["delivery_id"]
    assert signed(headers, body)
    assert wirewatch("alerts", "resend", "--since", "1h").out == "1 deliveries are due again\n"
    again = wirewatch("alerts", "show", told[0]["alert_id"]).rows()[0]["deliveries"][0]
    assert (again["delivery_id"], again["status"]) == (delivery["delivery_id"], "pending")
    assert wirewatch("alerts", "resend", "--since", "1h", "--dead-only").out == "0 deliveries are due again\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["show", "al_nope"], "alerts list"),
        (["list", "--since", "soon"], "--since soon"),
        (["list", "--limit", "0"], "--limit 0"),
        (["resend", "--since", "1h", "--channel", "nope"], "there are: desk, terminal"),
        (["resend"], "--since"),
    ],
)
def test_mistakes_with_alerts_are_told(lived: Path, wirewatch: Call, argv: list[str], words: str) -> None:
    said = wirewatch("alerts", *argv)
    assert (said.status, words in said.err) == (2, True), said.err


def test_search_shows_what_stands_there_within_its_window(lived: Path, wirewatch: Call) -> None:
    def found(*argv: str) -> list[str]:
        return [event["headline"] for event in wirewatch("search", "--json", *argv).rows()]

    newest, oldest = "New bridge [red]open[/red]", "Bridge shut, 12 killed"
    assert found("bridge") == [newest, oldest]
    assert found("bridge", "--limit", "1") == [newest]
    assert found("bridge", "--until", "2026-01-07T18:30:00Z") == [oldest]
    assert found("bridge", "--since", "2026-01-07T18:30:00Z") == [newest]
    assert found("bridge", "--as-of", "2000-01-01") == []
    assert found("--", "-bridge") == ["Quiet day"]
    table = wirewatch("search", "bridge", "--limit", "1")
    assert "[red]open[/red]" in table.out
    assert "there is more: --limit 2" in table.err
    assert (wirewatch("search", "nothing-of-this").status, wirewatch("search", "nothing-of-this").out) == (0, "")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (['"open'], "character 1"),
        ([], "character 1"),
        (["x", "--since", "soon"], "--since soon"),
        (["x", "--limit", "z"], "z"),
    ],
)
def test_mistakes_in_a_search_are_told(lived: Path, wirewatch: Call, argv: list[str], words: str) -> None:
    said = wirewatch("search", *argv)
    assert (said.status, words in said.err) == (2, True), said.err


def test_a_search_before_the_first_start_says_what_to_do(folder: Path, wirewatch: Call) -> None:
    said = wirewatch("search", "dam")
    assert (said.status, "start wirewatch run" in said.err) == (2, True)
