"""Content encodings undone as a body arrives, in bounded memory whatever it unpacks to (H21-23).

Each decoder takes a piece of input and yields pieces of output of at most some 64 KiB (zstd: 512 KiB), so that
who adds them up can stop at a cap long before a bomb has gone off.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import brotli
import zstandard

from wirewatch.errors import BadInput

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
_PIECE = 64 << 10
_MAX_CHAIN = 2  # "gzip, gzip" is met in the wild; more is an attack
_MAX_MEMBERS = 1000  # a gzip file of many members is legal; of very many, an attack on our time
_ZSTD_INPUT = 16  # a 4-byte block may unpack to 128 KiB, and the library returns all of a call's output at once
_ZSTD_WINDOW = 8 << 20  # RFC 9659


class Decoder(Protocol):
    """One encoding undone. Raises `BadInput` (``bad-encoding``) on bytes that are not of it."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes give, in bounded pieces."""
        ...

    def ended(self) -> bool:
        """Whether the encoded stream came to its own end."""
        ...


class _Gzip:
    """gzip, any number of members; what follows the last one and is no member is ignored, as browsers do."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._members = 0
        self._head = b""
        self._over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        rest = self._head + data
        self._head = b""
        while rest and not self._over:
            if self._member.eof:
                if len(rest) < 2:
                    self._head = rest
                    return
                if not rest.startswith(b"\x1f\x8b"):
                    self._over = True
                    return
                self._members += 1
                if self._members > _MAX_MEMBERS:
                    raise BadInput(f"more than {_MAX_MEMBERS} gzip members in one body", reason="bad-encoding")
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            yield from _inflate(self._member, rest)
            rest = self._member.unused_data

    def ended(self) -> bool:
        return self._member.eof


class _Deflate:
    """deflate as the standard has it (zlib) or as some servers send it (bare), told apart by its first bytes."""

    def __init__(self) -> None:
        self._head = b""
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._head += data
            if len(self._head) < 2:
                return
            first, second = self._head[0], self._head[1]
            wrapped = first & 0x0F == 8 and (first << 8 | second) % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
            data = self._head
        yield from _inflate(self._stream, data)

    def ended(self) -> bool:
        return self._stream is not None and self._stream.eof


def _inflate(stream: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    try:
        while True:
            piece = stream.decompress(data, _PIECE)
            data = stream.unconsumed_tail
            if piece:
                yield piece
            # a full piece may hold more back, even where no input is left
            if stream.eof or (not data and len(piece) < _PIECE):
                return
    except zlib.error as error:
        raise BadInput(f"the body is not of the encoding it claims: {error}", reason="bad-encoding") from error


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream.is_finished():
            return
        try:
            piece = self._stream.process(data, output_buffer_limit=_PIECE)
            while True:
                if piece:
                    yield piece
                if self._stream.is_finished() or self._stream.can_accept_more_data():
                    return
                piece = self._stream.process(b"", output_buffer_limit=_PIECE)
        except brotli.error as error:
            raise BadInput(f"the body is not of the encoding it claims: {error}", reason="bad-encoding") from error

    def ended(self) -> bool:
        return bool(self._stream.is_finished())


class _Zstd:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj(read_across_frames=False)

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            for at in range(0, len(data), _ZSTD_INPUT):
                if self._stream.eof:
                    return
                piece = self._stream.decompress(data[at : at + _ZSTD_INPUT])
                if piece:
                    yield piece
        except zstandard.ZstdError as error:
            raise BadInput(f"the body is not of the encoding it claims: {error}", reason="bad-encoding") from error

    def ended(self) -> bool:
        return bool(self._stream.eof)


_DECODERS: dict[str, type[_Gzip | _Deflate | _Brotli | _Zstd]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}


class BodyDecoder:
    """A body put together piece by piece, its encodings undone, never larger than ``cap`` bytes.

    Raises `BadInput`: ``bad-encoding`` for an encoding that was not asked for or does not fit its bytes,
    ``too-large`` past the cap (before or after decoding), ``truncated`` where it ends too soon.
    """

    def __init__(self, content_encoding: str, *, cap: int) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        names = [name for name in names if name and name != "identity"]
        unknown = [name for name in names if name not in _DECODERS]
        if unknown or len(names) > _MAX_CHAIN:
            raise BadInput(f"content encoding {content_encoding[:80]!r} cannot be undone", reason="bad-encoding")
        self._chain: Sequence[Decoder] = [_DECODERS[name]() for name in reversed(names)]
        self._cap = cap
        self._raw = 0
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes as they came."""
        self._raw += len(data)
        if self._raw > self._cap:
            raise self._too_large()
        for piece in _through(self._chain, data):
            self._body += piece
            if len(self._body) > self._cap:
                raise self._too_large()

    def finish(self) -> bytes:
        """The whole body."""
        if self._raw and not all(decoder.ended() for decoder in self._chain):
            raise BadInput("the compressed body ends before its end", reason="truncated")
        return bytes(self._body)

    def _too_large(self) -> BadInput:
        return BadInput(f"the body is larger than {self._cap} bytes (poll.max_body)", reason="too-large")


def _through(chain: Sequence[Decoder], data: bytes) -> Iterator[bytes]:
    if not chain:
        yield data
        return
    for piece in chain[0].feed(data):
        yield from _through(chain[1:], piece)
