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
_ENDS = {name: re.compile(rb"</" + name + rb">") for name in {*_ENTRIES.values()}}
_AFTER_NAME = b" \t\r\n>"


class Reduced(Struct, frozen=True):
    """A document with less in it than its source has: known entries are empty, ``pictures`` are taken out."""

    source: bytes
    pictures: list[list[str]]


class Slices(Struct, frozen=True):
    """``starts`` are where entries' start tags begin in ``source``, ``ends`` where their end tags do."""

    source: bytes
    name: bytes
    starts: list[int]
    ends: list[int]
    hashes: tuple[str, ...]

    def reduced(self, known: Mapping[str, object]) -> Reduced | None:
        """The document with an empty element in the place of each known entry, and without plain groups of pictures;
        None where there is neither.
        """
        end, empty = b"</" + self.name + b">", b"<" + self.name + b"/>"
        groups = PictureGroups(self.source, self.source[self.starts[0] : self.ends[0]])
        if not known and groups.none:
            return None
        pieces: list[bytes] = []
        left_out = at = 0
        for start, stop, hashed in zip(self.starts, self.ends, self.hashes, strict=True):
            less = None if groups.none or hashed in known else groups.taken_from(self.source[start:stop])
            if hashed in known:
                left_out += 1
                pieces += (self.source[at:start], empty)
            elif less is not None:
                pieces += (self.source[at:start], less, end)
            else:
                pieces += (self.source[at:stop], end)
            at = stop + len(end)
        pieces.append(self.source[at:])
        return Reduced(b"".join(pieces), groups.addresses) if left_out or groups.addresses else None


def slices_of(source: bytes) -> Slices | None:
    """``source`` (UTF-8) cut at its entries; None where they cannot be told by their tags.

    Each byte is looked at once: end tags by a pattern that is one word, which is found faster than by ``find``, start
    tags by ``find``, as the next one is near.
    """
    root = _ROOT.match(source)
    if root is None:
        return None
    name = _ENTRIES[root.group(1)]
    tag, width = b"<" + name, len(name) + 1
    ends = [found.start() for found in _ENDS[name].finditer(source)]
    starts: list[int] = []
    at = 0
    for end in ends:
        start = source.find(tag, at, end)
        while start >= 0 and (start + width == end or source[start + width] not in _AFTER_NAME):  # <items>
            start = source.find(tag, start + width, end)
        if start < 0:
            return None
        starts.append(start)
        at = end + width + 2
    hashes = [xxh3_128_hexdigest(source[start:end]) for start, end in zip(starts, ends, strict=True)]
    return Slices(source, name, starts, ends, tuple(hashes)) if hashes else None
