"""An origin of bad sources: each path answers by a script, one step a request, the last one for ever."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GIB = 1 << 30


@dataclass(frozen=True)
class Answer:
    """One answer. ``length`` is what Content-Length says where that is not the truth."""

    body: bytes
    type: str = "application/rss+xml"
    length: int | None = None
    encoding: str = ""


def rss(*headlines: str, encoding: str = "utf-8") -> bytes:
    """A feed with these headlines, oldest first, one a minute."""
    items = "".join(
        f"<item><guid>{n}</guid><title>{headline}</title><description>{headline}, says the town hall.</description>"
        f"<pubDate>Fri, 06 Jan 2023 10:{n:02}:00 GMT</pubDate></item>"
        for n, headline in reversed(list(enumerate(headlines)))
    )
    head = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Velmora</title>'
    return f"{head}{items}</channel></rss>".encode(encoding)


def bomb() -> bytes:
    """A gzip body of 1 GiB in about a megabyte: many members, which is what fools some caps (H23)."""
    member = gzip.compress(b"\0" * (GIB // 16), compresslevel=1)
    return member * 16


@dataclass
class BadSources:
    """Serves the scripts on loopback; ``asked`` counts requests by path."""

    scripts: dict[str, list[Answer]]
    asked: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sources = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

            def do_GET(self) -> None:
                sources._answer(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that has read enough of a bomb hangs up

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        """Where a source is."""
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def exhausted(self) -> bool:
        """Whether every source was asked for its last answer at least twice."""
        return all(self.asked.get(name, 0) > len(script) for name, script in self.scripts.items())

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.strip("/")
        script = self.scripts.get(name)
        if script is None:
            request.send_error(404)
            return
        step = self.asked.get(name, 0)
        answer = script[min(step, len(script) - 1)]
        request.send_response(200)
        request.send_header("Content-Type", answer.type)
        request.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        if answer.encoding:
            request.send_header("Content-Encoding", answer.encoding)
        request.end_headers()
        # counted before the body goes out: the next request may come while this thread still ends
        self.asked[name] = step + 1
        request.wfile.write(answer.body)
