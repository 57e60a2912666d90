"""The same commands and pages with the index on OpenSearch: only a setting differs."""

from __future__ import annotations

import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import LIVED, SECRET, Call, Server, _entries, rss, running, until
from tests.servers.opensearch import OpenSearchServer

pytestmark = pytest.mark.servers


def page(url: str, path: str) -> str:
    with urllib.request.urlopen(urllib.parse.urljoin(url, path), timeout=60) as answer:
        return str(answer.read().decode())


def test_pages_and_commands_find_what_the_pipeline_wrote_also_while_the_index_is_made_anew(
    folder: Path, wirewatch: Call, server: Server, opensearch: OpenSearchServer
) -> None:
    opensearch.empty()
    server.bodies["/rss"] = rss(("a", "Bridge shut, 12 killed"), ("b", "Quiet day"))
    settings = LIVED.format(base=server.base, secret=SECRET)
    (folder / "wirewatch.toml").write_text(f'search = "{opensearch.url}"\n{settings}')

    def found(query: str) -> list[Any]:
        return [row["headline"] for row in wirewatch("search", query, "--json").rows()]

    with running(folder) as pipeline:
        until(lambda: len(found("feed:city")) == 2)
        assert found("figure.killed>=10") == ["Bridge shut, 12 killed"]
        said = wirewatch("index", "rebuild")
        assert said.status == 0, said.err
        assert "searches go to wirewatch-entries-v1-2 now" in said.err
        assert len(found("feed:city")) == 2
        server.bodies["/rss"] = rss(("c", "New bridge open"), ("a", "Bridge shut, 12 killed"), ("b", "Quiet day"))
        until(lambda: len(found("feed:city")) == 3)
        assert "<mark>bridge</mark> open" in page(pipeline.url, "/search?q=bridge")
        assert "New bridge open" in page(pipeline.url, "/feeds/city")
        assert page(pipeline.url, "/readyz")
        assert wirewatch("feeds", "list").status == 0
        doctor = wirewatch("doctor").out
        assert "can be searched" in doctor
        tried = wirewatch("searches", "test", "bridge", "--since", "100000h")
        assert tried.status == 0, tried.err
    assert not (folder / "wirewatch-data" / "search.db").exists()


def test_before_the_first_start_doctor_finds_nothing_wrong_with_a_server_without_an_index(
    folder: Path, wirewatch: Call, opensearch: OpenSearchServer
) -> None:
    opensearch.empty()
    (folder / "wirewatch.toml").write_text(f'search = "{opensearch.url}"\n')
    said = wirewatch("doctor", "--json")
    (index,) = [row for row in said.rows() if row["what"] == "index"]
    assert (said.status, index["state"]) == (0, "not yet")
    assert "wirewatch run" in index["words"]


def test_an_index_of_someone_else_is_refused_in_one_line_and_nothing_is_left_open(
    folder: Path, opensearch: OpenSearchServer
) -> None:
    address = f"http://{opensearch.url.removeprefix('opensearch://')}/desk-entries-v1"
    with urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=60):
        pass
    command = (Path(sys.executable).parent / "wirewatch", "run", "--role", "search", "--opensearch.prefix", "desk")
    try:
        ended = subprocess.run(
            [*command, "--search", opensearch.url], cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        with urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=60):
            pass
    assert ended.returncode == 2
    assert "which wirewatch did not make" in ended.stderr
    assert "Unclosed" not in ended.stderr


def test_an_opensearch_that_is_away_stops_only_the_search_stage_f12(
    folder: Path, wirewatch: Call, server: Server, opensearch: OpenSearchServer
) -> None:
    server.bodies["/rss"] = rss(("a", "Quiet day"))
    settings = LIVED.format(base=server.base, secret=SECRET)
    (folder / "wirewatch.toml").write_text(f'search = "opensearch://127.0.0.1:1"\n{settings}')
    with running(folder) as pipeline:
        until(lambda: _entries(pipeline) >= 1)
        server.bodies["/rss"] = rss(("c", "New bridge open"), ("a", "Quiet day"))
        until(lambda: server.posted)  # the alert goes out
        said = wirewatch("search", "bridge")
        assert said.status == 3
        assert "opensearch://127.0.0.1:1 cannot be reached" in said.err


def test_the_embedded_index_is_not_rebuilt_and_another_setting_is_not_understood(folder: Path, wirewatch: Call) -> None:
    said = wirewatch("index", "rebuild")
    assert said.status == 2
    assert "brought up to date by wirewatch run" in said.err
    (folder / "wirewatch.toml").write_text('search = "elasticsearch://me:hunter2@host:9200"\n')
    said = wirewatch("search", "bridge")
    assert said.status == 2
    assert "is not understood; write embedded" in said.err
    assert "hunter2" not in said.err


def test_what_the_embedded_index_holds_is_copied_before_the_log_is_read(
    lived: Path, wirewatch: Call, opensearch: OpenSearchServer
) -> None:
    opensearch.empty()
    before = [wirewatch("search", query, "--json").out for query in ("feed:city", "figure.killed:new>=10")]
    settings = (lived / "wirewatch.toml").read_text()
    (lived / "wirewatch.toml").write_text(f'search = "{opensearch.url}"\n{settings}')
    assert wirewatch("search", "feed:city").status == 2  # there is none yet
    for _again in range(2):
        said = wirewatch("index", "copy")
        assert said.status == 0, said.err
        assert "3 events copied, 0 left out" in said.err
    after = [wirewatch("search", query, "--json").out for query in ("feed:city", "figure.killed:new>=10")]
    assert after == before
    assert after[1]
    (lived / "wirewatch-data" / "search.db").unlink()
    assert "to copy from" in wirewatch("index", "copy").err
