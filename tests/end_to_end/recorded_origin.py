"""An origin that replays recordings over HTTP and moves on only when asked with what it last served.

One version is served until it was asked for twice more with that version's validator: so a version that was
fetched but not kept when the program was killed is fetched again, and nothing may be missing at the end.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIRMATIONS = 2


@dataclass
class Recording:
    """A recorded source: its files in order, and how far the origin has come."""

    name: str
    feed: str
    files: list[Path]
    times: list[str]
    at: int = 0
    asked: int = 0
    finished: threading.Event = field(default_factory=threading.Event)


def read_recording(folder: Path, feed: str, *, limit: int | None = None) -> Recording:
    """The recording in a folder with its manifest; ``feed`` is its FEED.toml without id and url."""
    with (folder / "manifest.tsv").open() as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t"))[:limit]
    times = [row.get("time") or row["commit_time"] for row in rows]
    return Recording(folder.name, feed, [folder / row["file"] for row in rows], times)


class RecordedOrigin:
    """Serves recordings on loopback, each at ``/NAME``; stops when closed. ``on_body`` is called after each body.

    While ``ceiling`` is below 1 nothing moves on beyond that share of all versions.
    """

    def __init__(self, recordings: list[Recording]) -> None:
        self.recordings = {recording.name: recording for recording in recordings}
        self.on_body: Callable[[], None] = lambda: None
        self.ceiling = 1.0
        self._lock = threading.Lock()
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

            def do_GET(self) -> None:
                status, etag, body = origin.answer(self.path.strip("/"), self.headers.get("If-None-Match"))
                self.send_response(status)
                if etag:
                    self.send_header("ETag", etag)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                if status == 200:
                    origin.on_body()

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that was killed closes its connection in the middle

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        """Where that recording is served."""
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def answer(self, name: str, validator: str | None) -> tuple[int, str, bytes]:
        """Status, ETag and body for one request; moves the recording on where it is time."""
        recording = self.recordings.get(name)
        if recording is None:
            return 404, "", b""
        with self._lock:
            at = recording.at
            etag = f'"v{at}"'
            if validator != etag:
                return 200, etag, recording.files[at].read_bytes()
            if self.ceiling < 1.0 and self.progress() >= self.ceiling:
                return 304, etag, b""
            recording.asked += 1
            if recording.asked >= CONFIRMATIONS:
                recording.asked = 0
                if at + 1 == len(recording.files):
                    recording.finished.set()
                recording.at = min(at + 1, len(recording.files) - 1)
            return 304, etag, b""

    def progress(self) -> float:
        """How far all recordings are, from 0 to 1."""
        total = sum(len(r.files) for r in self.recordings.values())
        return sum(len(r.files) if r.finished.is_set() else r.at for r in self.recordings.values()) / total

    def finished(self) -> bool:
        """Whether every version of every recording was served and confirmed."""
        return all(recording.finished.is_set() for recording in self.recordings.values())

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
