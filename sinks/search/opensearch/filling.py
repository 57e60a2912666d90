"""Many events at once into the index: what it does not take is told and left out; copying from another index."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from sinks.search.opensearch.client import Client
from sinks.search.opensearch.generations import ensure_current, refresh
from sinks.search.opensearch.write import EventWriter, NewEvent
from wirewatch.errors import BadInput
from wirewatch.events import EntryEvent, decode
from wirewatch.times import Clock

Say = Callable[[str], None]
_PAGE: Final = 500


class Stored(Protocol):
    """An index's events as they came, page by page: by feed and number, from the one after that on."""

    def __call__(self, *, after: tuple[str, int], limit: int) -> Awaitable[list[bytes]]:
        """The next page; empty at the end."""
        ...


async def copy_stored(source: Stored, client: Client, clock: Clock, say: Say) -> tuple[int, int]:
    """Everything of another index into the one that is read: how many events, and how many it did not take."""
    generation = (await ensure_current(client)).generation
    writer = EventWriter(client, generation, clock)
    await writer.forget()
    after, copied, refused = ("", 0), 0, 0
    while page := await source(after=after, limit=_PAGE):
        events = [NewEvent(decode(one, EntryEvent), one) for one in page]
        refused += await write_what_fits(writer, events, say)
        copied += len(events)
        after = (events[-1].event.feed_id, events[-1].event.seq)
        if copied % (20 * _PAGE) == 0:
            say(f"{copied} events copied")
    await refresh(client, generation)  # who copied looks at once
    return copied - refused, refused


async def write_what_fits(writer: EventWriter, events: Sequence[NewEvent], say: Say) -> int:
    """Write them; those that the index does not take are told and left out, as by the search stage. How many."""
    try:
        await writer.write(events)
    except BadInput as bad:
        if len(events) == 1:
            say(f"left out: {bad}")
            return 1
        middle = len(events) // 2
        refused = await write_what_fits(writer, events[:middle], say)
        return refused + await write_what_fits(writer, events[middle:], say)
    return 0
