"""The table of stages: what each reads, what it writes, and where it lives. The CLI, docs and deployment follow."""

from __future__ import annotations

from dataclasses import dataclass

from wirewatch import topics
from wirewatch.topics import Topic


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: a role that can run on its own. ``entry_point`` is ``module:name`` of what is hosted."""

    name: str
    room: str
    inputs: tuple[Topic, ...]
    outputs: tuple[Topic, ...]
    entry_point: str
    does: str


POLL = Stage(
    "poll",
    "producers",
    (topics.FEEDS, topics.FETCH_REQUESTS, topics.POLLS),
    (topics.SNAPSHOTS, topics.POLLS),
    "producers.poller:Poller",
    "fetches what is due, politely, and publishes each body that changed",
)
DIFF = Stage(
    "diff",
    "processors",
    (topics.SNAPSHOTS,),
    (topics.ENTRY_EVENTS, topics.FETCH_REQUESTS),
    "processors.diff_handler:DiffHandler",
    "parses each snapshot and says what is new, edited, withdrawn or restored",
)
ENRICH = Stage(
    "enrich",
    "processors",
    (topics.ENTRY_EVENTS,),
    (topics.ENTRIES, topics.ENTRIES_LATEST),
    "processors.enrich_handler:EnrichHandler",
    "adds who, where, how many and who said it",
)
SEARCH = Stage(
    "search",
    "sinks",
    (topics.ENTRIES,),
    (),
    "sinks.search.embedded.sink:EmbeddedSearchSink",
    "makes every revision searchable",
)
MATCH = Stage(
    "match",
    "sinks",
    (topics.ENTRIES, topics.SUBSCRIPTIONS),
    (topics.ALERTS,),
    "sinks.alerts.match:MatchSink",
    "holds each event against the saved searches",
)
NOTIFY = Stage(
    "notify",
    "sinks",
    (topics.ALERTS,),
    (),
    "sinks.alerts.notify:NotifySink",
    "delivers alerts to channels and records what was delivered",
)
WEB = Stage(
    "web",
    "sinks",
    (topics.ENTRIES, topics.ALERTS, topics.FEEDS, topics.POLLS),
    (),
    "sinks.web.server:WebServer",
    "the page, the API, the live stream, metrics and probes",
)

STAGES: dict[str, Stage] = {stage.name: stage for stage in (POLL, DIFF, ENRICH, SEARCH, MATCH, NOTIFY, WEB)}
