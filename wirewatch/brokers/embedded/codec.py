"""How headers lie in the store, as JSON, and from what size on packing a value leaves the event loop."""

from __future__ import annotations

from typing import Final

import msgspec

from wirewatch.errors import BrokenStorage

LARGE: Final = 64 * 1024
"""From so many bytes on compression takes long enough to leave the event loop for a thread."""

_header_encoder = msgspec.json.Encoder()
_header_decoder = msgspec.json.Decoder(dict[str, str])


def pack_headers(headers: dict[str, str]) -> bytes:
    """Headers as JSON bytes."""
    return _header_encoder.encode(headers)


def unpack_headers(stored: bytes) -> dict[str, str]:
    """Headers from JSON bytes. Raises `BrokenStorage` where they are damaged."""
    try:
        return _header_decoder.decode(stored)
    except msgspec.DecodeError as error:
        raise BrokenStorage(f"a stored record's headers are damaged: {error}") from error
