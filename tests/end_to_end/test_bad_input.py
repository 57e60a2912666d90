"""Bad input through the real program: a clear message, the right exit status, and nothing lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import ledger
from tests.end_to_end.bad_sources import Answer, BadSources, bomb, rss
from tests.end_to_end.program import WIREWATCH, Program, feed_id, replayed, write_settings
from tests.end_to_end.recorded_origin import RecordedOrigin, Recording
from tests.end_to_end.webhook_receiver import WebhookReceiver
from tests.servers.processes import free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FIRST = ("Dam breaks above Velmora", "Bridge at Tarn closed", "Schools in Velmora stay shut")
LATER = (*FIRST, "Dam at Velmora holds again")
GOOD, GROWN = Answer(rss(*FIRST)), Answer(rss(*LATER))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def _refused(folder: Path, settings: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "wirewatch.toml").write_text(settings)
    return subprocess.run(
        [WIREWATCH, *(arguments or ("run",))], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('data_dir = "here\n', ["wirewatch.toml", "not valid TOML", "line 1"]),
        ("[poll]\nmin_intervall = '5s'\n", ["wirewatch.toml", "poll.min_intervall", "poll.min_interval"]),
        ("[poll]\nmin_interval = 'soon'\n", ["poll.min_interval", "soon"]),
        ("[[feeds]]\nid = 'x'\nurl = 'https://e.org/'\nkind = 'gopher'\n", ["'x'", "gopher", "rss, atom, rdf"]),
        ("[[feeds]]\nid = 'x'\nurl = 'gopher://e.org/'\n", ["'x'", "gopher", "only http:// and https://"]),
        ("[[searches]]\nname = 's'\nquery = '\"dam'\n", ["'s'", "character 1", 'closing "']),
        ("[[searches]]\nname = 's'\nquery = 'dam'\nto = ['nobody']\n", ["'s'", "nobody"]),
        ("search = 'solr://h:1'\n", ["search", "embedded"]),
        ("[web]\nlisten = '0.0.0.0:0'\n", ["token"]),
    ],
    ids=["toml", "key", "value", "kind", "scheme", "quotes", "channel", "part", "listen"],
)
def test_broken_settings_are_refused_with_words_that_say_where(tmp_path: Path, settings: str, said: list[str]) -> None:
    done = _refused(tmp_path, settings)
    assert done.returncode == 2
    first, *rest = done.stderr.splitlines()
    assert not rest, done.stderr
    for word in said:
        assert word in first
    assert done.stdout == ""


def test_H51_a_search_with_unbalanced_quotes_is_refused_with_its_position(tmp_path: Path) -> None:
    entries = tmp_path / "searches"
    entries.write_text(json.dumps({"id": "one", "query": 'dam OR "bridge'}) + "\n")
    done = _refused(tmp_path, "", "match", "--searches", str(entries))
    assert done.returncode in {1, 2}
    assert "character 8" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _refused(tmp_path, f'data_dir = "data"\n[web]\nlisten = "127.0.0.1:{port}"\n')
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "--web.listen" in done.stderr
    assert "Traceback" not in done.stderr


@dataclass
class Watched:
    """What one run over all the bad sources left behind, by feed."""

    program: Program
    events: dict[str, list[dict[str, Any]]]
    polls: dict[str, dict[str, Any]]
    second: subprocess.CompletedProcess[str]
    quick: WebhookReceiver
    hanging: WebhookReceiver
    stop_seconds: float
    peak_mib: float

    def ops(self, feed: str) -> list[str]:
        return [event["op"] for event in self.events.get(feed, [])]

    def headlines(self, feed: str) -> list[str]:
        return [event["headline"] for event in self.events.get(feed, []) if event["entry_id"]]


def _scripts() -> dict[str, list[Answer]]:
    page = Answer(b"<!doctype html><html><title>About us</title><p>No feed is here.</p></html>", "text/html")
    full = rss(*FIRST)
    confirmed = [GOOD] * 3
    return {
        "good": [*confirmed, GROWN],
        "page": [page],
        "became-page": [*confirmed, page, page, GROWN],
        "empty": [*confirmed, Answer(b""), Answer(b""), GROWN],
        "cut": [*confirmed, Answer(full[: len(full) * 2 // 3]), GROWN],
        "short": [*confirmed, Answer(full[:-200], length=len(full)), GROWN],
        "charset": [Answer(rss("Überschwemmung in Velmora", "Tür zu", encoding="latin-1"))],
        "bomb": [*confirmed, Answer(bomb(), encoding="gzip"), GROWN],
    }


def _settings(sources: BadSources, nobody: str, quick: str, hanging: str) -> str:
    urls = {name: sources.url(name) for name in sources.scripts} | {"nobody": nobody}
    feeds = "".join(f'\n[[feeds]]\nid = "{name}"\nurl = "{url}"\nevery = "40ms"\n' for name, url in urls.items())
    return f"""data_dir = "data"
allow_networks = ["127.0.0.0/8"]
[web]
listen = "127.0.0.1:{free_port()}"
[poll]
min_interval = "20ms"
per_host_interval = "0s"
robots = false
[ops]
canary_every = "0s"
[alerts]
timeout = "1s"
[[channels]]
id = "quick"
url = "{quick}"
secret = "{SECRET}"
[[channels]]
id = "hanging"
url = "{hanging}"
secret = "{SECRET}"
[[searches]]
name = "dam"
query = "dam"
to = ["hanging", "quick"]
{feeds}"""


def _peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM in /proc")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("bad")
    sources = BadSources(_scripts())
    quick, hanging = WebhookReceiver(), WebhookReceiver(hangs=True)
    nobody = f"http://127.0.0.1:{free_port()}/feed"
    (folder / "wirewatch.toml").write_text(_settings(sources, nobody, quick.url, hanging.url))
    program = Program(folder)
    program.start()
    try:
        until = time.monotonic() + 60
        while not (sources.exhausted() and len(quick.received) >= 6):
            assert program.alive(), program.log()[-2000:]
            assert time.monotonic() < until, f"{sources.asked}, {len(quick.received)} webhooks"
            time.sleep(0.05)
        second = _refused(folder, (folder / "wirewatch.toml").read_text())
        assert program.process is not None
        peak = _peak_mib(program.process.pid)
        took = program.stop()
        events: dict[str, list[dict[str, Any]]] = {}
        for event in program.values("wirewatch.entries.v1"):
            events.setdefault(event["feed_id"], []).append(event)
        polls = {poll["feed_id"]: poll for poll in program.values("wirewatch.polls.v1")}
        yield Watched(program, events, polls, second, quick, hanging, took, peak)
    finally:
        program.end()
        sources.close()
        quick.close()
        hanging.close()


def test_a_second_process_on_the_same_data_is_refused_and_the_first_goes_on(watched: Watched) -> None:
    assert watched.second.returncode == 2
    assert "another wirewatch runs on" in watched.second.stderr
    assert "Traceback" not in watched.second.stderr
    assert watched.program.process is not None
    assert watched.program.process.returncode == 0, watched.program.log()[-2000:]


def test_the_good_feed_is_watched_whatever_the_others_do(watched: Watched) -> None:
    assert watched.ops("good") == ["baseline"] * 3 + ["created"]
    assert watched.headlines("good")[-1] == LATER[-1]


def test_an_unreachable_host_is_an_error_that_says_so(watched: Watched) -> None:
    poll = watched.polls["nobody"]
    assert (poll["outcome"], watched.ops("nobody")) == ("error", [])
    assert "no connection" in poll["error"]
    assert poll["failures"] > 1
    assert '"feed": "nobody"' in watched.program.log()


def test_H28_a_feed_that_is_an_html_page_gives_no_entries_and_says_what_was_looked_for(watched: Watched) -> None:
    assert watched.headlines("page") == []
    assert set(watched.ops("page")) <= {"source-error"}
    assert '"feed": "page"' in watched.program.log()


@pytest.mark.parametrize("feed", ["became-page", "empty", "cut", "short", "bomb"])
def test_H27_H28_H23_after_bad_bodies_nothing_is_withdrawn_and_news_still_comes(watched: Watched, feed: str) -> None:
    ops = [op for op in watched.ops(feed) if not op.startswith("source-")]
    assert ops == ["baseline"] * 3 + ["created"]
    assert sorted(watched.headlines(feed)) == sorted(LATER)


@pytest.mark.parametrize("feed", ["became-page", "empty", "cut"])
def test_H28_a_bad_body_is_told_once_when_it_starts_and_once_when_it_ends(watched: Watched, feed: str) -> None:
    told = [event for event in watched.events[feed] if event["op"].startswith("source-")]
    assert [event["op"] for event in told] == ["source-error", "source-recovered"]
    assert all(event["evidence"]["text"] for event in told)


@pytest.mark.parametrize("feed", ["short", "bomb"])
def test_H21_H27_a_body_that_did_not_come_whole_is_no_snapshot_but_a_failed_poll(watched: Watched, feed: str) -> None:
    assert [line for line in watched.program.log().splitlines() if f'"feed": "{feed}"' in line and '"reason"' in line]
    assert not any(op.startswith("source-") for op in watched.ops(feed))


def test_H21_a_bomb_of_a_gibibyte_does_not_fill_the_memory(watched: Watched) -> None:
    assert watched.peak_mib < 500


def test_H36_text_in_another_charset_than_it_says_is_read(watched: Watched) -> None:
    assert sorted(watched.headlines("charset")) == ["Tür zu", "Überschwemmung in Velmora"]


def test_a_webhook_that_never_answers_holds_up_no_other_and_no_stop(watched: Watched) -> None:
    told = {alert.event.feed_id for _, alert in watched.quick.alerts()}
    assert told >= {"good", "became-page", "empty", "cut", "short", "bomb"}
    assert watched.hanging.received
    assert len({webhook_id for webhook_id, _ in watched.hanging.received}) <= len(told)
    assert watched.stop_seconds < 30


def _growing(folder: Path, versions: int) -> Recording:
    """A source of its own making whose every version brings a story that does not compress."""
    chance = random.Random(13)
    stories: list[str] = []
    files = []
    folder.mkdir()
    for number in range(versions):
        stories.append(f"Story {number} " + " ".join(f"{chance.getrandbits(64):x}" for _ in range(1_500)))
        file = folder / f"{number:06}.xml"
        file.write_bytes(rss(*stories[-8:]) if number < 8 else _window(stories, number))
        files.append(file)
    return Recording("growing", 'kind = "rss"\n', files, ["2023-01-06T12:00:00Z"] * versions)


def _window(stories: list[str], last: int) -> bytes:
    items = "".join(
        f"<item><guid>{n}</guid><title>{stories[n][:12]}</title><description>{stories[n]}</description>"
        f"<pubDate>Fri, 06 Jan 2023 {10 + n // 60}:{n % 60:02}:00 GMT</pubDate></item>"
        for n in range(last, last - 8, -1)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>V</title>{items}</channel></rss>'.encode()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB. Needs root; skips, saying so, elsewhere."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk can only be mounted by root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=False)


def test_F13_a_full_disk_stops_the_program_loudly_and_nothing_is_lost_after_room_is_made(
    small_disk: Path, tmp_path: Path
) -> None:
    origin = RecordedOrigin([_growing(tmp_path / "growing", 60)])
    write_settings(small_disk, origin, port=free_port())
    program = Program(small_disk)
    try:
        program.start()
        assert program.process is not None
        assert program.process.wait(60) == 4, program.log()[-2000:]
        assert "full" in program.log()
        assert 0 < origin.progress() < 1
        subprocess.run(["mount", "-o", "remount,size=256m", small_disk], check=True)
        program.start()
        until = time.monotonic() + 60
        while not origin.finished():
            assert program.alive(), program.log()[-2000:]
            assert time.monotonic() < until, f"only {origin.progress():.0%}"
            time.sleep(0.05)
        program.wait_until_done()
        program.stop()
        wanted = {feed_id("growing"): replayed(tmp_path, origin, "growing")}
        assert ledger.check_events(wanted, program.values("wirewatch.entries.v1")) == []
    finally:
        program.end()
        origin.close()
