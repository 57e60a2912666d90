"""Events into the search index's tables. Synchronous, inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw
import msgspec

from sinks.search.embedded.schema import compress, decompress
from wirewatch.events import EntryEvent, decode, encode
from wirewatch.query.document import Document
from wirewatch.query.maxima import COUNTS_AS, FeedMaxima
from wirewatch.times import parse_ms

if TYPE_CHECKING:
    from wirewatch.query.syntax import TextScope

BETWEEN_VALUES = "\ue000"
"""Stands between the values of a field, so that no phrase reaches from one into the next. No token has it."""

_COLUMNS: tuple[TextScope, ...] = ("headline", "body", "place", "dateline", "said-by", "tag")
_INSERT_TEXT = "INSERT INTO text (rowid, headline, body, place, dateline, said_by, tag, facet) VALUES (?,?,?,?,?,?,?,?)"
_REBUILD_AT_ONCE = 500


def write_event(connection: apsw.Connection, event: EntryEvent, stored: bytes | None = None) -> bool:
    """Add one event; False where the feed's event of that number is there already, and nothing was done.

    ``stored`` is the event's JSON as it came, if at hand.
    """
    document = Document(event)
    revision_id = _insert_revision(connection, document, encode(event) if stored is None else stored)
    if revision_id is None:
        return False
    _chain_revisions(connection, event, revision_id)
    _insert_text(connection, revision_id, document)
    _insert_figures(connection, revision_id, document)
    connection.executemany(
        "INSERT INTO located VALUES (?, ?, ?)",
        [
            (revision_id, place.lat, place.lon)
            for place in document.places
            if place.lat is not None and place.lon is not None
        ],
    )
    return True


def rebuild_text(connection: apsw.Connection) -> None:
    """Cut every stored text into tokens anew; for an index that another version of the tokenizer wrote."""
    connection.execute("INSERT INTO text (text) VALUES ('delete-all')")
    last = 0
    while rows := connection.execute(
        "SELECT id, event FROM revisions WHERE id > ? ORDER BY id LIMIT ?", (last, _REBUILD_AT_ONCE)
    ).fetchall():
        for revision_id, stored in rows:
            assert isinstance(revision_id, int)  # the columns are STRICT
            assert isinstance(stored, bytes)
            _insert_text(connection, revision_id, Document(decode(decompress(stored), EntryEvent)))
            last = revision_id


def write_position(connection: apsw.Connection, topic: str, partition: int, next_offset: int) -> None:
    """The offset to read next; never goes back."""
    connection.execute(
        "INSERT INTO positions VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)",
        (topic, partition, next_offset),
    )


def read_position(connection: apsw.Connection, topic: str, partition: int) -> int | None:
    """The offset to read next; None: nothing of that partition was ever written."""
    found = connection.execute(
        "SELECT next_offset FROM positions WHERE topic = ? AND partition = ?", (topic, partition)
    ).get
    return None if found is None else int(found)


def _insert_revision(connection: apsw.Connection, document: Document, value: bytes) -> int | None:
    event = document.event
    time_ms = parse_ms(event.time)
    at_ms = document.published_ms
    connection.execute(
        "INSERT OR IGNORE INTO revisions (feed_id, seq, event_id, entry_id, revision, subject, op, status, at_ms,"
        " first_seen_ms, time_ms, until_ms, sort_ms, current, event) VALUES (?,?,?,?,?,?,?,?,?,?,?,NULL,?,1,?)",
        (
            event.feed_id,
            event.seq,
            event.id,
            event.entry_id,
            event.revision,
            event.subject,
            event.op,
            event.entry.status if event.entry else None,
            at_ms,
            document.first_seen_ms,
            time_ms,
            time_ms if at_ms is None else min(at_ms, time_ms),
            compress(value),
        ),
    )
    return connection.last_insert_rowid() if connection.changes() else None


def _chain_revisions(connection: apsw.Connection, event: EntryEvent, revision_id: int) -> None:
    """End the revision before when this one was seen; one that comes late is ended by the next that is known."""
    if event.entry_id is None:
        return
    time_ms = parse_ms(event.time)
    connection.execute(
        "UPDATE revisions SET until_ms = ?, current = 0 WHERE id ="
        " (SELECT id FROM revisions WHERE entry_id = ? AND seq < ? ORDER BY seq DESC LIMIT 1)",
        (time_ms, event.entry_id, event.seq),
    )
    following = connection.execute(
        "SELECT time_ms FROM revisions WHERE entry_id = ? AND seq > ? ORDER BY seq LIMIT 1", (event.entry_id, event.seq)
    ).get
    if following is not None:
        connection.execute("UPDATE revisions SET until_ms = ?, current = 0 WHERE id = ?", (following, revision_id))


def _insert_text(connection: apsw.Connection, revision_id: int, document: Document) -> None:
    columns = [
        f" {BETWEEN_VALUES} ".join(" ".join(found.tokens) for found in document.words(scope)) for scope in _COLUMNS
    ]
    connection.execute(_INSERT_TEXT, (revision_id, *columns, " ".join(sorted(document.facets))))


def _insert_figures(connection: apsw.Connection, revision_id: int, document: Document) -> None:
    """Each figure under every kind that finds it, with the highest its feed had said before."""
    if not document.figures:
        return
    feed_id = document.event.feed_id
    found = connection.execute("SELECT highest FROM maxima WHERE feed_id = ?", (feed_id,)).get
    said = FeedMaxima() if found is None else msgspec.json.decode(found, type=FeedMaxima)
    rows = []
    for figure in document.figures:
        wider = [kind for kind, finds in COUNTS_AS.items() if figure.kind in finds and kind != figure.kind]
        rows += [(revision_id, kind, figure.value, said.of(kind)) for kind in (figure.kind, *wider)]
    connection.executemany("INSERT INTO figures VALUES (?, ?, ?, ?)", rows)
    risen = said.after(document.event)
    if risen is not said:
        connection.execute("INSERT OR REPLACE INTO maxima VALUES (?, ?)", (feed_id, msgspec.json.encode(risen)))
