"""The ledger checker: what should have come out, held against what did. Each check gives its complaints in words.

The origin's own ledger is `wirewatch replay` on the same polls; the index, the topics and the receiver of the
webhooks are held against it: lost, invented, twice, out of order, holes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.end_to_end.program import open_log
from wirewatch import identity
from wirewatch.brokers.interface import Record
from wirewatch.cli.opening import open_index
from wirewatch.events import Alert, EntryEvent, SnapshotInfo, decode
from wirewatch.settings.load import load

ENTRY_OPS = {"baseline", "created", "backfilled", "updated", "withdrawn", "restored"}
Event = Mapping[str, Any]


async def read_topic(folder: Path, topic: str) -> list[Record]:
    """Every record of a topic of the log that the folder's settings name, partition by partition."""
    broker = await open_log(folder)
    try:
        records: list[Record] = []
        for partition in range(broker.partitions(topic)):
            offset, end = 0, (await broker.bounds(topic, partition)).end
            while offset < end and (more := await broker.read(topic, partition, offset, max_records=1024)):
                records += more
                offset = more[-1].offset + 1
        return records
    finally:
        await broker.close()


def check_events(wanted: Mapping[str, Sequence[Event]], got: Sequence[Event]) -> list[str]:
    """Entry events by feed as they should be, against what was published: the same ids, each once, in order."""
    complaints = []
    by_feed: dict[str, list[Event]] = defaultdict(list)
    for event in got:
        by_feed[event["feed_id"]].append(event)
    for feed_id in sorted(wanted.keys() | by_feed.keys()):
        should = [e["id"] for e in wanted.get(feed_id, []) if e["op"] in ENTRY_OPS]
        did = [e["id"] for e in by_feed[feed_id] if e["op"] in ENTRY_OPS]
        twice = [id_ for id_, count in Counter(did).items() if count > 1]
        lost, invented = set(should) - set(did), set(did) - set(should)
        if lost or invented or twice:
            complaints.append(f"{feed_id}: lost {sorted(lost)}, invented {sorted(invented)}, twice {sorted(twice)}")
        if not (lost or invented or twice) and should != did:
            complaints.append(f"{feed_id}: the same events in another order than replay's")
        seqs = [e["seq"] for e in by_feed[feed_id]]
        if seqs != list(range(1, len(seqs) + 1)):
            complaints.append(f"{feed_id}: seq has holes or goes back: {seqs}")
    return complaints


def check_revisions(events: Sequence[Event]) -> list[str]:
    """Each entry's revisions count from 1, and each names the event before it."""
    complaints = []
    last: dict[str, Event] = {}
    for event in events:
        if event["op"] not in ENTRY_OPS:
            continue
        before = last.get(event["entry_id"])
        expected = (1, None) if before is None else (before["revision"] + 1, before["id"])
        if (event["revision"], event["previous_event_id"]) != expected:
            complaints.append(f"{event['id']}: revision {event['revision']} does not follow {before and before['id']}")
        last[event["entry_id"]] = event
    return complaints


async def check_log(folder: Path, topics: Sequence[str]) -> list[str]:
    """No offset is skipped in these topics, and no feed's snapshot number is missing, repeated or goes back."""
    complaints = []
    for topic in topics:
        offsets: dict[int, list[int]] = defaultdict(list)
        for record in await read_topic(folder, topic):
            offsets[record.partition].append(record.offset)
        complaints += [
            f"{topic}: an offset is skipped in partition {partition}"
            for partition, found in offsets.items()
            if found != list(range(len(found)))
        ]
    numbers: dict[str, list[int]] = defaultdict(list)
    for record in await read_topic(folder, "wirewatch.snapshots.v1"):
        try:
            info = decode(record.headers["ww_info"].encode(), SnapshotInfo)
        except Exception:  # noqa: BLE001 - a record that was poisoned on purpose
            continue
        numbers[info.feed_id].append(info.number)
    for feed_id, counted in numbers.items():
        if counted != list(range(1, len(counted) + 1)):
            complaints.append(f"{feed_id}: snapshot numbers {counted}")
    return complaints


async def check_index(folder: Path, events: Sequence[Event]) -> list[str]:
    """The index holds exactly the model built from the events: every revision of every entry, the newest current."""
    model: dict[str, list[str]] = defaultdict(list)
    feeds: dict[str, list[str]] = defaultdict(list)
    for event in events:
        feeds[event["feed_id"]].append(event["id"])
        if event["entry_id"] is not None:
            model[event["entry_id"]].append(event["id"])
    complaints = []
    index = open_index(load(folder / "wirewatch.toml"))
    try:
        for entry_id, ids in model.items():
            found = [event.id for event in await index.entry(entry_id)]
            if found != ids[::-1]:
                complaints.append(f"index: {entry_id} has {found}, newest first, and should have {ids[::-1]}")
        for feed_id, ids in feeds.items():
            indexed: list[EntryEvent] = []
            while more := await index.events(feed_id, after_seq=indexed[-1].seq if indexed else 0):
                indexed += more
            if [event.id for event in indexed] != ids:
                complaints.append(f"index: {feed_id} has {len(indexed)} events and should have {len(ids)}")
    finally:
        await index.close()
    return complaints


def check_deliveries(alerts: Sequence[Alert], received: Sequence[tuple[str, Alert]], channel: str) -> list[str]:
    """Each step of an alert has one webhook-id for ever, and whatever is still so was told.

    ``received`` are webhook-ids with their bodies, in the order they came, repetitions included.
    """
    complaints = []
    ids: dict[tuple[str, int], set[str]] = defaultdict(set)
    for webhook_id, alert in received:
        ids[alert.alert_id, alert.seq].add(webhook_id)
    for (alert_id, seq), used in ids.items():
        if used != {identity.delivery_id(alert_id, seq, channel)}:
            complaints.append(f"{alert_id} step {seq} was delivered as {sorted(used)}")
    known = {(alert.alert_id, alert.seq) for alert in alerts}
    complaints += [f"{step} was delivered and is on no topic" for step in ids.keys() - known]
    return complaints + _check_steps(alerts, ids.keys()) + _check_order(received)


def _check_steps(alerts: Sequence[Alert], told: Collection[tuple[str, int]]) -> list[str]:
    """An alert's steps count from 1 and each means one thing; what was opened was told, unless it was undone."""
    complaints = []
    steps: dict[str, dict[int, Alert]] = defaultdict(dict)
    for alert in alerts:
        same = steps[alert.alert_id].setdefault(alert.seq, alert)
        if (same.type, same.event.id) != (alert.type, alert.event.id):
            complaints.append(f"{alert.alert_id} step {alert.seq} means two things")
    for alert_id, by_seq in steps.items():
        if sorted(by_seq) != list(range(1, len(by_seq) + 1)):
            complaints.append(f"{alert_id} has the steps {sorted(by_seq)}")
        opened = next((step for step in by_seq.values() if step.type == "opened" and step.state == "open"), None)
        undone = opened and any(step.state != "open" for step in by_seq.values() if step.seq > opened.seq)
        if opened and not undone and (alert_id, opened.seq) not in told:
            complaints.append(f"{alert_id} was opened and never told: {opened.text}")
    return complaints


def _check_order(received: Sequence[tuple[str, Alert]]) -> list[str]:
    """A step is first told after the steps before it; a repetition after a kill may come late."""
    complaints = []
    newest: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    for _, alert in received:
        if alert.seq < newest.get(alert.alert_id, 0) and (alert.alert_id, alert.seq) not in seen:
            complaints.append(f"{alert.alert_id} step {alert.seq} was first told after step {newest[alert.alert_id]}")
        seen.add((alert.alert_id, alert.seq))
        newest[alert.alert_id] = max(newest.get(alert.alert_id, 0), alert.seq)
    return complaints


def check_openings(alerts: Sequence[Alert], matching: Mapping[str, Sequence[Event]]) -> list[str]:
    """Each saved search (by id) opened an alert for exactly the created entries that match it."""
    complaints = []
    for subscription_id, events in matching.items():
        should = {event["entry_id"] for event in events if event["op"] == "created"}
        have = {a.event.entry_id for a in alerts if a.subscription.id == subscription_id}
        if missing := should - have:
            complaints.append(f"{subscription_id}: no alert for {sorted(missing)}")
    return complaints
