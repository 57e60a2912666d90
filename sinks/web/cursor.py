"""A place in the stream, as an opaque text: one offset for each partition of each topic it carries.

The cursor names the log it was made for, so that another broker's is told apart from one that is too old.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

import msgspec

from wirewatch.errors import BadInput

Offsets = dict[tuple[str, int], int]
_SHAPE = re.compile(r"^[A-Za-z0-9_-]{1,4000}$")


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    log: str
    offsets: dict[str, list[int]]


def encode_cursor(log_id: str, offsets: Mapping[tuple[str, int], int]) -> str:
    """The cursor whose reader goes on with exactly these offsets."""
    by_topic: dict[str, list[int]] = {}
    for (topic, _partition), offset in sorted(offsets.items()):
        by_topic.setdefault(topic, []).append(offset)
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(_Cursor(log_id, by_topic))).decode().rstrip("=")


def decode_cursor(text: str, log_id: str, expected: Mapping[tuple[str, int], int]) -> Offsets:
    """The offsets to go on with. `BadInput` where the text is no cursor, or one of another log (H57).

    ``expected`` holds the partitions there are; a cursor must name just these. Of a topic that has grown since it names
    the first ones, and nothing of the others had been seen.
    """
    if not _SHAPE.match(text):
        raise BadInput("the cursor is not one of ours: start without Last-Event-ID", reason="bad-cursor")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        cursor = msgspec.msgpack.decode(raw, type=_Cursor)
    except (binascii.Error, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BadInput("the cursor is not one of ours: start without Last-Event-ID", reason="bad-cursor") from error
    if cursor.log != log_id:
        raise BadInput("the cursor is of another broker: start without Last-Event-ID", reason="bad-cursor")
    offsets = {(topic, n): o for topic, each in cursor.offsets.items() for n, o in enumerate(each)}
    offsets |= {place: 0 for place in expected if place not in offsets and place[0] in cursor.offsets}
    if set(offsets) != set(expected) or any(o < 0 for o in offsets.values()):
        raise BadInput("the cursor does not fit this broker's topics: start without Last-Event-ID", reason="bad-cursor")
    return offsets
