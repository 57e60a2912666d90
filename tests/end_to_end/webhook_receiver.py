"""A receiver of webhooks that keeps what it got, and may be slow or never answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wirewatch.events import Alert, decode


class WebhookReceiver:
    """Listens on loopback. ``on_request`` is called before the answer; ``hangs``: the answer never comes."""

    def __init__(self, *, pause: float = 0.0, hangs: bool = False) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.on_request: Callable[[], None] = lambda: None
        self._closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((self.headers["webhook-id"], body))
                receiver.on_request()
                if hangs:
                    receiver._closing.wait()
                    return
                time.sleep(pause)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a client that was killed closes its connection in the middle

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/alerts"

    def alerts(self) -> list[tuple[str, Alert]]:
        """Each request's webhook-id and body, in the order they came."""
        return [(webhook_id, decode(body, Alert)) for webhook_id, body in list(self.received)]

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
