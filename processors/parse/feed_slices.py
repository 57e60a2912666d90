"""A feed's bytes cut at its entries, so that equal entries are told by their bytes and only changed ones are read.

The cut is by tags alone and proves nothing: whoever uses it compares the number of slices with the number of entries
in the tree. Where they differ (a tag named in a text, in a comment, with a prefix), the slices mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from xxhash import xxh3_128_hexdigest

from processors.parse.feed_pictures import PictureGroups

_ROOT = re.compile(rb"(?:\s*+<\?[^>]*+>)*+\s*+<(rss|rdf:RDF|feed|urlset)[\s>]")
_ENTRIES = {b"rss": b"item", b"rdf:RDF": b"item", b"feed": b"entry", b"urlset": b"url"}
_STARTS = {name: re.compile(rb"<" + name + rb"[ \t\r\n>]") for name in {*_ENTRIES.values()}}
_AFTER_NAME = frozenset({b" ", b"\t", b"\r", b"\n", b">"})


class Reduced(Struct, frozen=True):
    """A document with less in it than its source has: known entries are empty, ``pictures`` are taken out."""

    source: bytes
    pictures: list[list[str]]


class Slices(Struct, frozen=True):
    """``source`` in ``pieces``, cut before each end tag of an entry, which has its ``name``. ``starts`` are where the
    entry's start tag begins in each piece but the last; ``hashes`` are of what follows from there.
    """

    source: bytes
    name: bytes
    pieces: list[bytes]
    starts: list[int]
    hashes: tuple[str, ...]

    def reduced(self, known: Mapping[str, object]) -> Reduced | None:
        """The document with an empty element in the place of each known entry, and without plain groups of pictures;
        None where there is neither.
        """
        groups = PictureGroups(self.source, self.pieces[0])
        if not known and groups.none:
            return None
        end, empty = b"</" + self.name + b">", b"<" + self.name + b"/>"
        kept: list[bytes] = []
        left_out = 0
        for piece, start, hashed in zip(self.pieces, self.starts, self.hashes, strict=False):  # one piece more
            if hashed in known:
                left_out += 1
                kept += (piece[:start], empty)
                continue
            less = None if groups.none else groups.taken_from(piece[start:])
            kept += (piece, end) if less is None else (piece[:start], less, end)
        kept.append(self.pieces[-1])
        return Reduced(b"".join(kept), groups.addresses) if left_out or groups.addresses else None


def slices_of(source: bytes) -> Slices | None:
    """``source`` (UTF-8) cut at its entries; None where they cannot be told by their tags. Each byte is looked at once
    or twice, by what looks at many in one go.
    """
    root = _ROOT.match(source)
    if root is None:
        return None
    name = _ENTRIES[root.group(1)]
    begin, width = _STARTS[name], len(name) + 1
    pieces = source.split(b"</" + name + b">")
    starts = [piece.find(b"<" + name) for piece in pieces]
    del starts[-1]
    for index, start in enumerate(starts):
        if start < 0 or pieces[index][start + width : start + width + 1] not in _AFTER_NAME:  # <items>
            found = begin.search(pieces[index])
            if found is None:
                return None
            starts[index] = found.start()
    hashes = [xxh3_128_hexdigest(piece[start:]) for piece, start in zip(pieces, starts, strict=False)]
    return Slices(source, name, pieces, starts, tuple(hashes)) if hashes else None
