from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from wirewatch.events import EntryEvent
from wirewatch.query import read_event_line

MakeEvent = Callable[..., EntryEvent]

NO_FIGURE = {"min": None, "max": None, "qualifier": "exact", "unit": "person", "text": "", "span": ["headline", 0, 0]}
NO_PLACE = {"id": "XX", "country": None, "lat": None, "lon": None, "via": "name", "background": False, "spans": []}


def _make_event(headline: str = "", body: str = "", **fields: Any) -> EntryEvent:
    raw: dict[str, Any] = {"op": "created", "feed_id": "kz-live", "entry_id": "en_1", "headline": headline, **fields}
    if raw.get("subject") != "feed":
        raw["entry"] = {"headline": headline, "body": body, **fields.get("entry", {})}
    enrichment = raw.get("enrichment")
    if enrichment is not None:
        enrichment = {"version": "1", **enrichment}
        enrichment["figures"] = [{**NO_FIGURE, **one} for one in enrichment.get("figures", [])]
        enrichment["places"] = [{**NO_PLACE, **one} for one in enrichment.get("places", [])]
        raw["enrichment"] = enrichment
    event = read_event_line(msgspec.json.encode(raw))
    assert event is not None
    return event


@pytest.fixture(scope="session")
def make_event() -> MakeEvent:
    """Makes an event from its headline and body; what else is given stands in its JSON."""
    return _make_event
