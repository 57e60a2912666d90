"""The table of stages: what each reads, what it writes, and where it lives. The CLI, docs and deployment follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from wirewatch import topics
from wirewatch.topics import Topic

Reach = Literal["internet", "index", "control"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: a role that can run on its own. ``entry_point`` is ``module:name`` of what is hosted.

    ``reaches``: what it talks to beside the broker. ``scales_on``: the input whose lag, in the stage's own consumer
    group, says that another process would help; None where lag says nothing, ``scaling`` tells why in both cases.
    """

    name: str
    room: str
    inputs: tuple[Topic, ...]
    outputs: tuple[Topic, ...]
    entry_point: str
    does: str
    reaches: frozenset[Reach]
    scales_on: Topic | None
    scaling: str


POLL = Stage(
    "poll",
    "producers",
    (topics.FEEDS, topics.FETCH_REQUESTS, topics.POLLS),
    (topics.SNAPSHOTS, topics.POLLS),
    "producers.poller:Poller",
    "fetches what is due, politely, and publishes each body that changed",
    frozenset({"internet"}),
    None,
    "feeds are divided by partition; what bounds a poller is requests in flight, not records that wait",
)
DIFF = Stage(
    "diff",
    "processors",
    (topics.SNAPSHOTS,),
    (topics.ENTRY_EVENTS, topics.FETCH_REQUESTS),
    "processors.diff_handler:DiffHandler",
    "parses each snapshot and says what is new, edited, withdrawn or restored",
    frozenset(),
    topics.SNAPSHOTS,
    "by feed; a process more means that the state of the feeds it takes over is read again first",
)
ENRICH = Stage(
    "enrich",
    "processors",
    (topics.ENTRY_EVENTS,),
    (topics.ENTRIES, topics.ENTRIES_LATEST),
    "processors.enrich_handler:EnrichHandler",
    "adds who, where, how many and who said it",
    frozenset(),
    topics.ENTRY_EVENTS,
    "by feed, with no state to move",
)
SEARCH = Stage(
    "search",
    "sinks",
    (topics.ENTRIES,),
    (),
    "sinks.search.embedded.sink:EmbeddedSearchSink",
    "makes every revision searchable",
    frozenset({"index"}),
    topics.ENTRIES,
    "by feed; an index that refuses is not helped by more writers",
)
MATCH = Stage(
    "match",
    "sinks",
    (topics.ENTRIES, topics.SUBSCRIPTIONS),
    (topics.ALERTS,),
    "sinks.alerts.match:MatchSink",
    "holds each event against the saved searches",
    frozenset({"control"}),
    topics.ENTRIES,
    "by feed; each process knows every saved search",
)
NOTIFY = Stage(
    "notify",
    "sinks",
    (topics.ALERTS,),
    (),
    "sinks.alerts.notify:NotifySink",
    "delivers alerts to channels and records what was delivered",
    frozenset({"internet", "control"}),
    topics.ALERTS,
    "by subscription; the deliveries themselves are shared through the control store",
)
WEB = Stage(
    "web",
    "sinks",
    (topics.ENTRIES, topics.ALERTS, topics.FEEDS, topics.POLLS),
    (topics.FETCH_REQUESTS,),
    "sinks.web.server:WebServer",
    "the page, the API, the live stream, metrics and probes",
    frozenset({"index", "control"}),
    None,
    "each process follows the whole log for its own readers: it scales by readers, and has no group",
)

STAGES: dict[str, Stage] = {stage.name: stage for stage in (POLL, DIFF, ENRICH, SEARCH, MATCH, NOTIFY, WEB)}


def reached(roles: Iterable[str]) -> frozenset[Reach]:
    """What a process that runs these roles talks to beside the broker."""
    return frozenset().union(*(STAGES[role].reaches for role in roles))
