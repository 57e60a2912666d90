"""Records as CloudEvents 1.0 in Kafka's binary mode: the envelope is headers, the value is the data."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from wirewatch.errors import BadInput

T = TypeVar("T")


class CeType:
    """The closed set of ``ce_type`` values."""

    SNAPSHOT: Final = "wirewatch.snapshot.v1"
    SNAPSHOT_CONFIRMED: Final = "wirewatch.snapshot-confirmed.v1"
    PAGE_CHECKED: Final = "wirewatch.page-checked.v1"
    POLL: Final = "wirewatch.poll.v1"
    FETCH_REQUEST: Final = "wirewatch.fetch-request.v1"
    FEED: Final = "wirewatch.feed.v1"
    SUBSCRIPTION: Final = "wirewatch.subscription.v1"
    ALERT: Final = "wirewatch.alert.v1"
    DEAD_LETTER: Final = "wirewatch.dead-letter.v1"

    @staticmethod
    def for_op(op: str) -> str:
        """``created`` -> ``wirewatch.entry.created.v1``; ``gap`` -> ``wirewatch.feed.gap.v1``."""
        subject = "feed" if op in {"gap", "source-error", "source-recovered"} else "entry"
        return f"wirewatch.{subject}.{op}.v1"


def headers_for(
    ce_type: str,
    *,
    id: str,  # noqa: A002 - the attribute's name in CloudEvents
    source: str,
    time: str,
    content_type: str = "application/json",
) -> dict[str, str]:
    """The headers every record carries. ``source`` is the stage and feed (``wirewatch/diff/kz-live``)."""
    return {
        "ce_specversion": "1.0",
        "ce_id": id,
        "ce_type": ce_type,
        "ce_source": source,
        "ce_time": time,
        "ce_dataschema": f"urn:wirewatch:schema:{ce_type}",
        "content-type": content_type,
    }


_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[type, msgspec.json.Decoder[object]] = {}


def encode(value: msgspec.Struct) -> bytes:
    """A struct as JSON bytes, every field there."""
    return _ENCODER.encode(value)


def decode(data: bytes, type_: type[T]) -> T:
    """JSON bytes as that struct, unknown fields ignored; `BadInput` says where it does not fit."""
    decoder = _DECODERS.get(type_)
    if decoder is None:
        decoder = _DECODERS[type_] = msgspec.json.Decoder(type_)
    try:
        return decoder.decode(data)  # type: ignore[return-value]  # the decoder was made for type_
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"not a {type_.__name__}: {error}", reason="bad-record") from error
