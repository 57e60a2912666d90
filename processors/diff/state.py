"""The diff's state: what it remembers of a feed (`processors.diff.memory`), in bounded bytes and their versions.

The bytes have four sections, so that a repeated snapshot reads and writes only the first: the head
(counters, hashes, what was learned), the window (entries as the last good snapshot showed them, and
those whose absence is not believed yet), the archive (entries that left) and the last good body.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import msgspec
import zstandard

from processors.diff.memory import Archive, Head, Known, Window
from wirewatch.errors import BrokenStorage

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
MAGIC = b"WWDS"
VERSION = 1
MAX_BYTES = 4 << 20
_MAX_PLAIN = 256 << 20


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed's state. Sections come decoded or as bytes and are decoded when first looked at."""

    head: Head = field(default_factory=Head)
    _window: Window | bytes = field(default_factory=Window)
    _archive: Archive | bytes = field(default_factory=Archive)
    _body: bytes = b""
    _packed_body: bytes = b""
    _cache: dict[str, Window | Archive] = field(default_factory=dict, compare=False)

    @property
    def window(self) -> Window:
        """Entries present and missing."""
        if isinstance(self._window, Window):
            return self._window
        if "window" not in self._cache:
            self._cache["window"] = _looked_into(_WINDOW, self._window)
        window = self._cache["window"]
        assert isinstance(window, Window)
        return window

    @property
    def archive(self) -> Archive:
        """Entries that left."""
        if isinstance(self._archive, Archive):
            return self._archive
        if "archive" not in self._cache:
            self._cache["archive"] = _looked_into(_ARCHIVE, self._archive)
        archive = self._cache["archive"]
        assert isinstance(archive, Archive)
        return archive

    @property
    def body(self) -> bytes:
        """The last good body, empty where it was too large to keep."""
        return self._body or (_unpack(self._packed_body) if self._packed_body else b"")

    def with_head(self, head: Head) -> FeedState:
        """The same memory under another head."""
        return replace(self, head=head)

    def with_memory(
        self, *, window: Window | None = None, archive: Archive | None = None, body: bytes | None = None
    ) -> FeedState:
        """Another window, archive or body; what is not given stays as it is, decoded or not."""
        kept = {
            name: section
            for name, section in self._cache.items()
            if (name == "window" and window is None) or (name == "archive" and archive is None)
        }
        return replace(
            self,
            _window=self._window if window is None else window,
            _archive=self._archive if archive is None else archive,
            _body=self._body if body is None else body,
            _packed_body=self._packed_body if body is None else b"",
            _cache=kept,
        )


_HEAD = msgspec.msgpack.Decoder(Head)
_WINDOW = msgspec.msgpack.Decoder(Window)
_ARCHIVE = msgspec.msgpack.Decoder(Archive)
_ENCODER = msgspec.msgpack.Encoder()
MIGRATIONS: dict[int, Callable[[list[bytes]], list[bytes]]] = {}
"""From a version's sections to the next version's, for each earlier version that was ever released."""


def pack_body(body: bytes | None) -> bytes:
    """A body compressed, to be kept aside; empty where it is too large for that."""
    packed = _pack(body) if body else b""
    return packed if len(packed) <= MAX_BYTES // 4 else b""


def unpack_body(packed: bytes) -> bytes:
    """What `pack_body` was given."""
    return _unpack(packed) if packed else b""


class _Packers(threading.local):
    """One of each for a thread, which they are for: making one takes as long as packing a small state."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_packers = _Packers()


def _pack(data: bytes) -> bytes:
    packed: bytes = _packers.compressor.compress(data)
    return packed


def _unpack(data: bytes) -> bytes:
    try:
        plain: bytes = _packers.decompressor.decompress(data, max_output_size=_MAX_PLAIN)
    except (zstandard.ZstdError, MemoryError) as error:
        raise BrokenStorage(f"the diff's state is damaged: {error}") from error
    return plain


def _looked_into(decoder: msgspec.msgpack.Decoder[T], section: bytes) -> T:
    """A section read when it is first wanted; raises `BrokenStorage` where it turns out damaged."""
    try:
        return decoder.decode(_unpack(section))
    except (msgspec.MsgspecError, ValueError) as error:
        raise BrokenStorage(f"the diff's state is damaged: {error}") from error


def encode_state(state: FeedState) -> bytes:
    """A state as bytes, at most `MAX_BYTES`: the body goes first, then texts of the longest departed, then HTML."""
    head = _ENCODER.encode(state.head)
    window = state._window if isinstance(state._window, bytes) else _pack(_ENCODER.encode(state._window))  # noqa: SLF001 - the sections are this module's own
    archive = state._archive if isinstance(state._archive, bytes) else _pack(_ENCODER.encode(state._archive))  # noqa: SLF001 - as above
    body = state._packed_body or (_pack(state._body) if state._body else b"")  # noqa: SLF001 - as above
    room = MAX_BYTES - len(head) - 64
    if len(window) > room:
        window = _slim_window(state.window, room)
    if len(window) + len(archive) > room:
        archive = _slim_archive(state.archive, room - len(window))
    if len(window) + len(archive) + len(body) > room:
        body = b""
    out = bytearray(MAGIC)
    out.append(VERSION)
    for section in (head, window, archive, body):
        out += len(section).to_bytes(4, "big")
        out += section
    return bytes(out)


def decode_state(data: bytes) -> FeedState:
    """Bytes back to a state; only the head is read now. Raises `BrokenStorage` for what is damaged or newer."""
    if data[:4] != MAGIC or len(data) < 5:
        raise BrokenStorage("the diff's state is damaged: it does not begin as one")
    version = data[4]
    if version > VERSION:
        raise BrokenStorage(f"the diff's state has version {version}, this program knows {VERSION}: upgrade it")
    try:
        sections = _sections(data)
        for step in range(version, VERSION):
            sections = MIGRATIONS[step](sections)
        head, window, archive, body = sections
        return FeedState(_HEAD.decode(head), window, archive, b"", body)
    except (msgspec.MsgspecError, ValueError, KeyError) as error:
        raise BrokenStorage(f"the diff's state is damaged: {error}") from error


def _sections(data: bytes) -> list[bytes]:
    sections, at = [], 5
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        section = data[at + 4 : at + 4 + size]
        if len(section) != size:
            raise ValueError("a section is cut short")
        sections.append(section)
        at += 4 + size
    return sections


def _slim_archive(archive: Archive, room: int) -> bytes:
    left = list(archive.left)
    while True:
        packed = _pack(_ENCODER.encode(Archive(tuple(left))))
        if len(packed) <= room or not left:
            return packed
        with_text = [i for i, known in enumerate(left) if known.entry is not None]
        if with_text:
            for i in with_text[: max(1, len(with_text) // 2)]:
                left[i] = msgspec.structs.replace(left[i], entry=None)
        else:
            left = left[len(left) // 2 + 1 :]


def _slim_window(window: Window, room: int) -> bytes:
    """Less of each entry until it fits: first without HTML, media and links, then only the start of each body."""

    def lighter(known: Known, body: int | None) -> Known:
        if known.entry is None:
            return known
        # without its raw hash, so that the next reading is not taken for the same as this poorer one
        entry = msgspec.structs.replace(known.entry, html="", media=(), links=(), raw_hash="")
        if body is not None and len(entry.body) > body:
            entry = msgspec.structs.replace(entry, body=entry.body[:body], truncated=True)
        return msgspec.structs.replace(known, entry=entry)

    packed = b""
    for body in (None, 4096, 512, 64, 0):
        packed = _pack(
            _ENCODER.encode(
                Window(
                    tuple(lighter(known, body) for known in window.present),
                    tuple(lighter(known, body) for known in window.missing),
                    window.lead,
                )
            )
        )
        if len(packed) <= room:
            break
    return packed
