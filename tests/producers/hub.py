"""A real hub (WebSub) on loopback: verifies intent, distributes with a signature. And it can lie."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from tests.producers.kit import Origin


@dataclass
class Held:
    """A subscription that the hub holds."""

    callback: str
    topic: str
    secret: str
    lease: int


class Hub:
    """Over an origin of the test's own, at ``/hub``. ``forms`` are the requests, ``verified`` what callbacks said."""

    def __init__(self, origin: Origin, *, lease: int = 3600, method: str = "sha256", status: int = 202) -> None:
        self.origin = origin
        self.lease = lease
        self.method = method
        self.status = status
        self.forms: list[dict[str, str]] = []
        self.verified: list[tuple[str, int]] = []
        self.held: dict[str, Held] = {}
        self.deny = ""
        self.topic = ""  # what it claims to verify, where it lies
        self._tasks: set[asyncio.Task[None]] = set()
        origin.routes["/hub"] = self._asked

    @property
    def url(self) -> str:
        return self.origin.url + "/hub"

    async def _asked(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        if self.status == 202:
            task = asyncio.create_task(self._verify(form))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return web.Response(status=self.status, text="no such luck" if self.status >= 400 else "")

    async def _verify(self, form: dict[str, str]) -> None:
        callback, mode, topic = form["hub.callback"], form["hub.mode"], self.topic or form["hub.topic"]
        query = {"hub.mode": mode, "hub.topic": topic}
        if self.deny:
            query |= {"hub.mode": "denied", "hub.reason": self.deny}
        else:
            query["hub.challenge"] = challenge = secrets.token_hex(8)
        if mode == "subscribe" and not self.deny:
            query["hub.lease_seconds"] = str(self.lease)
        async with aiohttp.ClientSession() as session, session.get(callback, params=query) as answer:
            text, status = await answer.text(), answer.status
        if not self.deny and 200 <= status < 300 and text == challenge:
            if mode == "subscribe":
                self.held[callback] = Held(callback, topic, form.get("hub.secret", ""), self.lease)
            else:
                self.held.pop(callback, None)
        self.verified.append((mode, status))

    async def distribute(self, topic: str, body: bytes, *, secret: str | None = None) -> list[int]:
        """Tell all that hold that topic; the statuses that they answer with."""
        told = [held for held in self.held.values() if held.topic == topic]
        return [await push(held.callback, body, secret or held.secret, method=self.method) for held in told]


def signature(body: bytes, secret: str, method: str = "sha256") -> str:
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


async def push(callback: str, body: bytes, secret: str | None, *, method: str = "sha256") -> int:
    """One push, signed where there is a secret; the status of its answer."""
    headers = {"Content-Type": "application/rss+xml"}
    if secret:
        headers["X-Hub-Signature"] = signature(body, secret, method)
    async with (
        aiohttp.ClientSession() as session,
        session.post(callback, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status
