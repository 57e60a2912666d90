"""Making values smaller where that pays: zstd, for every store and log of ours. Reaches no I/O library."""

from __future__ import annotations

import threading
from typing import Final

import zstandard

from wirewatch.errors import BrokenStorage

_SMALL: Final = 200
"""Below so many bytes compression gains less than it costs."""

_local = threading.local()


def pack(data: bytes) -> tuple[bytes, int | None]:
    """What to store, and the length before compression (None: stored as it is). Safe in any thread."""
    if len(data) < _SMALL:
        return data, None
    compressor = getattr(_local, "compressor", None)
    if compressor is None:
        # a compressor may serve one thread at a time only
        compressor = _local.compressor = zstandard.ZstdCompressor(level=3, write_checksum=False)
    packed: bytes = compressor.compress(data)
    return (packed, len(data)) if len(packed) < len(data) else (data, None)


def unpack(stored: bytes, raw_size: int | None) -> bytes:
    """What `pack` was given. Raises `BrokenStorage` where the bytes are damaged."""
    if raw_size is None:
        return stored
    decompressor = getattr(_local, "decompressor", None)
    if decompressor is None:
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    try:
        data: bytes = decompressor.decompress(stored, max_output_size=raw_size)
    except zstandard.ZstdError as error:
        raise BrokenStorage(f"a stored value cannot be decompressed: {error}") from error
    if len(data) != raw_size:
        raise BrokenStorage(f"a stored value has {len(data)} bytes where {raw_size} were written")
    return data
