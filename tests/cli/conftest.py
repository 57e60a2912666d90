"""The program called in this process, as `wirewatch` calls it, on folders of its own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import io
import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import structlog

from wirewatch.cli.app import call
from wirewatch.cli.pipeline import Pipeline
from wirewatch.logs import configure_logs
from wirewatch.settings import load

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@dataclass
class Said:
    """What a call came to."""

    status: int
    out: str
    err: str

    def rows(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Call = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, whose settings allow loopback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wirewatch.toml").write_text('allow_networks = ["127.0.0.0/8"]\n[poll]\nrobots = false\n')
    return tmp_path


@pytest.fixture
def wirewatch(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """Call the program: `wirewatch("feeds", "list")`; ``stdin`` is what it reads."""

    def run(*argv: object, stdin: bytes = b"") -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = call([str(word) for word in argv])
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    yield run
    structlog.reset_defaults()


class Server:
    """A server on loopback: bodies by path to fetch, and what was posted to it."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.posted: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = outer.bodies.get(self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("content-length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.posted.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


def signed(headers: dict[str, str], body: bytes) -> bool:
    """Whether a webhook's signature is right, as the Standard Webhooks describe it."""
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), said, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode() in headers["webhook-signature"].split()


def rss(*items: tuple[str, str]) -> bytes:
    """An RSS feed of (guid, title); the guid is a letter, a later one is a later hour."""
    rows = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title><description>{guid} text</description>"
        f"<pubDate>Wed, 07 Jan 2026 {ord(guid) - 80}:00:00 GMT</pubDate></item>"
        for guid, title in items
    )
    return f"<rss version='2.0'><channel><title>City desk</title>{rows}</channel></rss>".encode()


@contextlib.contextmanager
def running(path: Path) -> Iterator[Pipeline]:
    """`wirewatch run` on a folder, in a thread of this process."""
    pipeline = Pipeline(load(path / "wirewatch.toml", environ={}))
    up = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        work = asyncio.create_task(pipeline.run())
        ready = asyncio.create_task(pipeline.ready.wait())
        await asyncio.wait({work, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        up.set()
        await work

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert up.wait(20), "the pipeline does not come up"
        yield pipeline
    finally:
        loops[0].call_soon_threadsafe(pipeline.stop)
        thread.join(20)


def until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait for what other threads bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


LIVED = """\
allow_networks = ["127.0.0.0/8"]
[web]
listen = "127.0.0.1:0"
[poll]
min_interval = "50ms"
per_host_interval = "0s"
robots = false
[alerts]
terminal = false
[ops]
canary_every = "0s"
[[feeds]]
id = "city"
url = "{base}/rss"
every = "50ms"
[[channels]]
id = "desk"
url = "{base}/hook"
secret = "{secret}"
[[searches]]
name = "Bridges"
query = "bridge"
to = ["desk"]
"""


@pytest.fixture(scope="session")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    """A folder in which wirewatch ran for a while: three entries of a feed, the newest told to a webhook."""
    path = tmp_path_factory.mktemp("lived")
    server = Server()
    server.bodies["/rss"] = rss(("a", "Bridge shut, 12 killed"), ("b", "Quiet day"))
    (path / "wirewatch.toml").write_text(LIVED.format(base=server.base, secret=SECRET))
    configure_logs(level="error", stream=io.StringIO())
    with running(path) as pipeline:
        until(lambda: pipeline.broker is not None and _entries(pipeline) >= 2)
        server.bodies["/rss"] = rss(
            ("c", "New bridge [red]open[/red]"), ("a", "Bridge shut, 12 killed"), ("b", "Quiet day")
        )
        until(lambda: server.posted)
        until(lambda: _entries(pipeline) >= 3)
    structlog.reset_defaults()
    yield path, server
    server.close()


def _entries(pipeline: Pipeline) -> int:
    assert pipeline.broker is not None
    return asyncio.run(pipeline.broker.bounds("wirewatch.entries.v1", 0)).end


@pytest.fixture
def lived(lived_once: tuple[Path, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to be in; nothing runs there."""
    shutil.copytree(lived_once[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def receiver(lived_once: tuple[Path, Server]) -> Server:
    """Where the lived folder's webhook goes."""
    return lived_once[1]
