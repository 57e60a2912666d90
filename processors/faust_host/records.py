"""Between Faust's messages and the records that handlers know. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wirewatch.brokers.interface import Record
from wirewatch.brokers.kafka.records import Encoded
from wirewatch.errors import BadInput
from wirewatch.topics import STATE_TOPICS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faust.types.tuples import Message

    from wirewatch.brokers.interface import NewRecord

LIMITS: Final = {topic.name: topic.max_message_bytes for topic in (*TOPICS.values(), *STATE_TOPICS.values())}


def record_of(message: Message, topic: str) -> Record:
    """The record that a message brought; ``topic`` is our name for where it stood.

    What is no UTF-8 in key or headers is shown as well as it can be.
    """
    headers = message.headers or []
    pairs: Iterable[tuple[str, bytes | None]] = headers if isinstance(headers, list | tuple) else headers.items()
    return Record(
        topic=topic,
        partition=message.partition,
        offset=message.offset,
        key=(message.key or b"").decode("utf-8", "replace"),
        value=message.value,
        headers={name: (value or b"").decode("utf-8", "replace") for name, value in pairs},
        timestamp_ms=round(message.timestamp * 1000),
    )


def refuse_foreign_key(message: Message) -> None:
    """`BadInput` where the key is none of ours: nothing could be kept or found under it."""
    try:
        key = (message.key or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"the key of a record on {message.topic} is no UTF-8 text: {error}", reason="bad-key") from error
    if not key:
        raise BadInput(f"a record on {message.topic} has no key; ours have a feed's id", reason="bad-key")


def encode(record: NewRecord) -> Encoded:
    """A record as it is sent. `BadInput` where it is no valid text, or over its topic's limit."""
    encoded = Encoded(record)
    encoded.require_fits(LIMITS[record.topic], record)
    return encoded
