"""How things get their ids: hashes of what they are, so that the same input gives the same id anywhere.

No id rests on an offset, a clock or a feed's URL. Parts are joined with their lengths, so that no two
different lists of parts can give the same bytes.
"""

from __future__ import annotations

import hashlib
from typing import Final

from xxhash import xxh3_128_hexdigest

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = [one + two for one in _LETTERS for two in _LETTERS]
_SHIFTS: Final = range(110, -1, -10)


def _digest(prefix: str, *parts: str | int) -> str:
    raws = [str(part).encode("utf-8", "surrogatepass") for part in parts]
    joined = b"".join([piece for raw in raws for piece in (len(raw).to_bytes(8, "big"), raw)])
    number = int.from_bytes(hashlib.blake2b(joined, digest_size=15, person=prefix.encode()).digest(), "big")
    # base32 in small letters: every event has several ids, and the standard library's takes three times as long
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def entry_id(feed_id: str, identity: str) -> str:
    """An entry, from its feed and its identity at first sight (native id, canonical URL, or headline and time)."""
    return _digest("en", feed_id, identity)


def content_hash(headline: str, body: str) -> str:
    """The text of an entry, as it stands in ``entry.content_hash`` and in its events' ids."""
    return _digest("ch", headline, body)


def event_id(feed_id: str, entry: str | None, op: str, revision: int, content: str) -> str:
    """An event: the same snapshots through the same parser give the same ids, two texts never share one."""
    return _digest("ev", feed_id, entry or "", op, revision, content)


def snapshot_id(feed_id: str, owner: int, number: int) -> str:
    """A snapshot, from its feed, the generation of the poller that wrote it and its number."""
    return _digest("sn", feed_id, owner, number)


def alert_id(subscription_id: str, entry: str) -> str:
    """An alert: one for each pair of subscription and entry, for ever."""
    return _digest("al", subscription_id, entry)


def delivery_id(alert: str, seq: int, channel_id: str) -> str:
    """A delivery: the same on every try, so that a receiver can tell a repeat (``webhook-id``)."""
    return _digest("de", alert, seq, channel_id)


def dead_letter_id(stage: str, topic: str, partition: int, offset: int) -> str:
    """A rejected record, from who rejected it and its place: rejecting it again after a crash is the same one."""
    return _digest("dl", stage, topic, partition, offset)


def subscription_id(name: str) -> str:
    """A saved search, from its name, which is unique."""
    return _digest("su", name)


def body_hash(body: bytes) -> str:
    """A body's bytes: "unchanged" and "repeated" are told by it.

    Taken of every body of every poll, so by the fast hash that entries in a body are told by too; no id rests on it.
    """
    return xxh3_128_hexdigest(body)
