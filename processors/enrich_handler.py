"""The enrich stage: an entry event in, the same event with its enrichment out, on two topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.enrich import EnrichContext, enrich, failed, warm
from wirewatch.brokers.interface import NewRecord
from wirewatch.canary import is_canary
from wirewatch.errors import BadInput
from wirewatch.events import EntryEvent, decode, encode
from wirewatch.hosting import Step
from wirewatch.logs import get_logger
from wirewatch.topics import ENTRIES, ENTRIES_LATEST

if TYPE_CHECKING:
    from wirewatch.brokers.interface import Record


class EnrichHandler:
    """Hosts `enrich`; see `wirewatch.hosting.Handler`.

    ``public_url`` is the address that people reach our pages at (``[web] public_url``); None leaves ``entry.page``
    empty. The gazetteer and the language model take the better part of a second to load: `warm` does so beforehand.
    """

    stage = "enrich"
    stateful = False

    def __init__(self, *, public_url: str | None = None) -> None:
        self._context = EnrichContext(public_url=public_url)
        self._log = get_logger(self.stage)

    def warm(self) -> None:
        """See `wirewatch.hosting.Warming`."""
        warm()

    def handle(self, record: Record, state: bytes | None) -> Step:
        """The event on `ENTRIES`, and where it is an entry's also on `ENTRIES_LATEST`, under the same id.

        Raises `BadInput` only where the record is no event at all; an event whose enrichment fails goes on.
        """
        del state  # there is none
        if record.value is None:
            raise BadInput("an entry event without a value", reason="bad-record")
        event = decode(record.value, EntryEvent)
        if is_canary(event.feed_id) and event.entry is not None:
            return Step([])  # its feed events show that the pipeline works; its one entry must not pass for news
        event = self._enriched(event)
        headers = {**record.headers, "ce_source": f"wirewatch/enrich/{event.feed_id}"}
        value = encode(event)
        outputs = [NewRecord(ENTRIES.name, event.feed_id, value, headers)]
        if event.entry_id is not None and event.entry is not None:
            outputs.append(NewRecord(ENTRIES_LATEST.name, event.entry_id, value, headers))
        return Step(outputs)

    def _enriched(self, event: EntryEvent) -> EntryEvent:
        try:
            return enrich(event, self._context)
        except Exception as error:  # noqa: BLE001 - whatever fails here, the news goes on
            self._log.error("enrichment failed", event_id=event.id, feed_id=event.feed_id, exc_info=True)
            return failed(event, self._context, f"{type(error).__name__}: {error}"[:300])
