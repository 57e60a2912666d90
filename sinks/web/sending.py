"""Records as server-sent events to one reader, for the API's stream and the live page's alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson
from aiohttp import web

from sinks.web import requests
from sinks.web.stream import StreamHub, TooOld
from wirewatch import metrics
from wirewatch.brokers.interface import Record
from wirewatch.errors import BadInput
from wirewatch.logs import get_logger

_log = get_logger("web")


class EventSender:
    """Sends what readers want as it comes. ``room`` bounds the readers at once.

    ``heartbeat`` seconds without an event bring a comment; a reader that takes nothing for ``patience`` seconds
    is disconnected and may resume (F17).
    """

    def __init__(self, hub: StreamHub, *, room: int, heartbeat: float = 15.0, patience: float = 30.0) -> None:
        self._hub = hub
        self._room = room
        self._heartbeat = heartbeat
        self._patience = patience
        self._readers = 0

    async def send(
        self,
        request: web.Request,
        wanted: Callable[[Record], bool],
        shown: Callable[[Record], tuple[str, str] | None],
    ) -> web.StreamResponse:
        """Send until the reader goes, is too slow, or we stop. ``shown`` gives an event's name and data, or None.

        Begins behind Last-Event-ID, else at ``from``. 400 for a cursor that is none of ours, 410 with the earliest
        one where it is too old, 503 where there is no room.
        """
        place = request.headers.get("Last-Event-ID") or request.query.get("from", "")
        try:
            offsets = await self._hub.place(place)
        except TooOld as old:
            body = orjson.dumps({"error": f"{old}: go on from the earliest", "earliest": old.earliest})
            return web.Response(status=410, body=body, content_type="application/json")
        except BadInput as bad:
            raise requests.refuse(str(bad)) from bad
        if self._readers >= self._room:
            raise web.HTTPServiceUnavailable(text="too many readers of the stream\n", headers={"Retry-After": "10"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        self._readers += 1
        metrics.STREAM_CLIENTS.set(self._readers)
        try:
            await response.prepare(request)
            # the id at once: who is cut off before the first event resumes here too
            await response.write(f": wirewatch\nretry: 3000\nid: {self._hub.cursor(offsets)}\n\n".encode())
            async for record, cursor in self._hub.read(offsets, _careful(wanted), heartbeat=self._heartbeat):
                lines = _lines(record, cursor, shown)
                if lines:
                    async with asyncio.timeout(self._patience):
                        await response.write(lines)
        except (TimeoutError, ConnectionError):
            if request.transport:
                request.transport.abort()
        finally:
            self._readers -= 1
            metrics.STREAM_CLIENTS.set(self._readers)
        return response


def _careful(wanted: Callable[[Record], bool]) -> Callable[[Record], bool]:
    """A record that cannot be read is left out, and does not end the stream for those behind it."""

    def careful(record: Record) -> bool:
        try:
            return record.value is not None and wanted(record)
        except BadInput as bad:
            _log.warning("a record was left out of the stream", topic=record.topic, offset=record.offset, error=bad)
            return False

    return careful


def _lines(record: Record | None, cursor: str, shown: Callable[[Record], tuple[str, str] | None]) -> bytes:
    if record is None:  # an id without data moves the reader's place past what it did not want
        return f": heartbeat\nid: {cursor}\n\n".encode()
    try:
        event = shown(record)
    except BadInput as bad:
        _log.warning("a record was left out of the stream", topic=record.topic, offset=record.offset, error=bad)
        return b""
    return b"" if event is None else f"id: {cursor}\nevent: {event[0]}\ndata: {event[1]}\n\n".encode()


def op_of(record: Record) -> str:
    """The part of the record's type that says what happened: ``created``, ``gap``, ``alert``; empty for none."""
    parts = record.headers.get("ce_type", "").split(".")
    return parts[-2] if len(parts) > 1 else ""
