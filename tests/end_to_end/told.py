"""Saved searches, the channel they go to, and whether all that they were to tell was told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.end_to_end import ledger
from tests.end_to_end.webhook_receiver import WebhookReceiver
from wirewatch import identity
from wirewatch.events import Alert, EntryEvent, decode, encode
from wirewatch.query import matches, parse_query

SEARCHES = {"fires": "fire", "police or covid": "police OR covid", "anything withdrawn": "is:withdrawn"}
DESK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def searches_and_desk(receiver: WebhookReceiver, searches: Mapping[str, str] = SEARCHES) -> str:
    """What the settings say of the searches and of the channel "desk", which all of them go to."""
    written = "".join(
        f"\n[[searches]]\nname = {json.dumps(name)}\nquery = {json.dumps(query)}\nto = ['desk']\n"
        for name, query in searches.items()
    )
    return f'{written}\n[[channels]]\nid = "desk"\nurl = "{receiver.url}"\nsecret = "{DESK_SECRET}"\n'


def check_told(
    published: Iterable[Mapping[str, Any]],
    alerts: Sequence[Alert],
    *,
    searches: Mapping[str, str] = SEARCHES,
    more_than: int = 5,
) -> list[str]:
    """Every created entry that matches a saved search opened an alert; more of them than so many matched."""
    events = [decode(json.dumps(event).encode(), EntryEvent) for event in published]
    matching = {
        identity.subscription_id(name): [
            json.loads(encode(event))
            for event in events
            if event.op == "created" and event.entry is not None and matches(parse_query(query), event).held
        ]
        for name, query in searches.items()
    }
    if sum(map(len, matching.values())) <= more_than:
        return ["too few entries matched for this to show anything"]
    return ledger.check_openings(alerts, matching)
