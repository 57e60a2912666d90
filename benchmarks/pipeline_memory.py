"""Memory of one `wirewatch run` that watches 1,000 feeds of a local origin: resident size at rest and its peak.

Each feed shows 20 entries of half a kilobyte and brings a new one every few polls; validators are honoured. The
figure is taken when every feed was asked three times and nothing is left to do.

    .venv/bin/python benchmarks/pipeline_memory.py [feeds]
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from wirewatch.brokers.embedded import open_reader

AIM_MIB = 300
HOSTS = 40
WIREWATCH = Path(sys.executable).parent / "wirewatch"


class Origin:
    """1,000 feeds under /N; each moves on at every fourth request."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

            def do_GET(self) -> None:
                asked = origin.asked[self.path] = origin.asked.get(self.path, 0) + 1
                version = asked // 4
                etag = f'"{version}"'
                unchanged = self.headers.get("If-None-Match") == etag
                body = b"" if unchanged else rss(self.path, version)
                self.send_response(304 if unchanged else 200)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.servers = [ThreadingHTTPServer((f"127.0.0.{n + 1}", 0), Handler) for n in range(HOSTS)]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def url(self, number: int) -> str:
        """Where a feed is: one host is asked one thing at a time, so they are spread over many."""
        host, port = self.servers[number % HOSTS].server_address[:2]
        return f"http://{host}:{port}/{number}"

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()


def rss(path: str, version: int) -> bytes:
    """The feed's 20 newest entries."""
    items = ""
    for number in range(version + 20, version, -1):
        chance = random.Random(f"{path}{number}")
        text = " ".join("".join(chance.choices("etaoinshrdlu", k=chance.randint(3, 9))) for _ in range(80))
        when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(1_760_000_000 + number * 60))
        items += (
            f"<item><guid>{path}/{number}</guid><title>{text[:70]}</title><description>{text}</description>"
            f"<pubDate>{when}</pubDate></item>"
        )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{path}</title>{items}</channel></rss>'.encode()


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident now, and the most it ever was."""
    found = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


async def behind(data: Path) -> int:
    """How many records the stages still have to handle."""
    broker = open_reader(data)
    try:
        left = 0
        for stage, topic in (("diff", "wirewatch.snapshots.v1"), ("search", "wirewatch.entries.v1")):
            left += (await broker.bounds(topic, 0)).end - (await broker.committed(stage, topic, 0) or 0)
        return (
            left
            + (await broker.bounds("wirewatch.entry-events.v1", 0)).end
            - (await broker.committed("enrich", "wirewatch.entry-events.v1", 0) or 0)
        )
    finally:
        await broker.close()


def main() -> None:
    feeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    origin = Origin()
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-bench-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "wirewatch.toml").write_text(
        f'data_dir = "data"\nallow_networks = ["127.0.0.0/8"]\n[web]\nlisten = "127.0.0.1:{port}"\n'
        '[poll]\nper_host_interval = "0s"\nrobots = false\n'
        + "".join(f'[[feeds]]\nid = "f{n}"\nurl = "{origin.url(n)}"\nevery = "10s"\n' for n in range(feeds))
    )
    with (folder / "log").open("wb") as log:
        run = subprocess.Popen([WIREWATCH, "run"], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        started = time.monotonic()
        while len(origin.asked) < feeds or min(origin.asked.values()) < 5 or asyncio.run(behind(folder / "data")):
            assert run.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() - started < 300, f"{len(origin.asked)} feeds asked"
            time.sleep(0.5)
        took = time.monotonic() - started
        time.sleep(3)
        now, peak = memory_mib(run.pid)
    finally:
        run.send_signal(signal.SIGTERM)
        run.wait(30)
        origin.close()
        shutil.rmtree(folder)
    print(
        f"{feeds} feeds of 20 entries, each asked 5 times or more, {sum(origin.asked.values())} polls in {took:.0f} s"
    )
    print(f"resident {now:.0f} MiB, at the most {peak:.0f} MiB (aim: under {AIM_MIB})")


if __name__ == "__main__":
    main()
