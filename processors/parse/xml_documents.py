"""XML read safely: no entities, no network, no file; cut documents and error pages told by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml import etree
from msgspec import Struct

from processors.parse.encoding import as_utf8, decode
from processors.parse.feed_slices import Slices, slices_of
from processors.parse.xml_mending import mend_attributes, mend_xml
from wirewatch.errors import BadInput

LARGEST = 16 * 1024 * 1024  # bytes; fetching caps bodies at 15 MiB
_ROOTS = re.compile(rb"</((?:[A-Za-z_][\w.-]{0,30}:)?(?:rss|RSS|feed|RDF|urlset|sitemapindex|channel|entry))\s*>")
_TOO_DEEP, _EXTRA = 114, 5
_BAD_BYTES = frozenset({6, 9, 31, 32, 81, 82, 1544})
_CUT_INSIDE = frozenset({45, 63})  # a comment or a CDATA section never ends: its end tag of the root was mere text
_BAD_ATTRIBUTE = frozenset({39, 41, 65})  # no quotes, no value, no space before it
_NOT_CLOSED = frozenset({76, 77})  # an end tag of another name, an element without one


class Document(Struct, frozen=True):
    """A document's root, the UTF-8 that it was read from, and what had to be mended. ``slices`` are its entries' bytes
    where they can be told; ``reduced`` says that the tree has less in it than they have: known entries are empty
    elements, and groups of ``pictures`` the number of their addresses here.
    """

    root: etree._Element
    source: bytes
    notes: tuple[str, ...] = ()
    slices: Slices | None = None
    reduced: bool = False
    pictures: Sequence[Sequence[str]] = ()


class Unreadable(BadInput):
    """XML that lxml cannot read though it has its end: a looser reader may. ``source`` is UTF-8, cut at the end."""

    def __init__(self, message: str, *, source: bytes) -> None:
        super().__init__(message, reason="bad-xml")
        self.source = source


def read_document(body: bytes, content_type: str = "", known: Mapping[str, object] | None = None) -> Document:
    """``body`` as a tree of XML. Strict first; mended and lenient only where its root element is closed.

    Entries whose bytes have a hash in ``known`` were well-formed when they were read, and are left out of the tree,
    as groups of pictures are that are plain in the bytes; with ``known`` None, all of it is read.

    Raises `BadInput`: ``truncated``, ``too-deep``, ``too-large``, ``entity-expansion``; `Unreadable` (``bad-xml``)
    where it ends as it should and still cannot be read.
    """
    if len(body) > LARGEST:
        raise BadInput(f"the document has {len(body)} bytes; at most {LARGEST} are read", reason="too-large")
    source, note = as_utf8(body, content_type)
    source = source.lstrip() if source[:1].isspace() else source
    notes = (note,) if note else ()
    failed: etree.XMLSyntaxError | None = None
    slices = slices_of(source)  # where it is cut into any, no DOCTYPE stands before the root
    if slices is not None or (b"<!DOCTYPE" not in source and b"<!ENTITY" not in source):
        less = slices.reduced(known) if slices is not None and known is not None else None
        try:
            if less is not None:
                root = etree.fromstring(less.source, _STRICT)
                return Document(root, less.source, notes, slices, reduced=True, pictures=less.pictures)
            return Document(etree.fromstring(source, _STRICT), source, notes, slices)
        except etree.XMLSyntaxError as error:
            failed = error
    if failed is not None and known is not None:
        return read_document(body, content_type)  # what it is called, and where, is told of the whole
    return _second_attempt(body, content_type, source, notes, failed)


def _parser(*, recover: bool = False) -> etree.XMLParser:
    # huge_tree stays off: libxml2 then refuses more than 256 levels and text of more than 10 MB by itself
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
        collect_ids=False,
        recover=recover,
    )


_STRICT = _parser()  # it keeps nothing of what it read, and making one takes as long as reading a small feed


def _second_attempt(
    body: bytes,
    content_type: str,
    source: bytes,
    notes: tuple[str, ...],
    failed: etree.XMLSyntaxError | None,
) -> Document:
    _refuse_excess(failed)
    if failed is not None and _code(failed) in _BAD_BYTES:
        text, note = decode(body, content_type)
        notes = (*notes, *([note] if note else []))
    else:
        text = source.decode("utf-8", "replace")
    mended = mend_xml(text).strip().encode("utf-8")
    end = _end_of_root(mended)
    if end is None:
        where = f": {failed.msg}" if failed is not None else ""
        raise BadInput(
            f"the document ends before its root element does, after {len(body)} bytes{where}", reason="truncated"
        )
    if len(mended) > end:
        notes = (*notes, f"{len(mended) - end} bytes after the end of the feed were left out")
        mended = mended[:end]
    try:
        root = etree.fromstring(mended, _STRICT)
    except etree.XMLSyntaxError as error:
        _refuse_excess(error)
        if _code(error) in _BAD_ATTRIBUTE:
            mended = mend_attributes(mended)
        root = _lenient(mended, error)
    if failed is not None:
        notes = (*notes, f"not well-formed XML, mended: {failed.msg}")
    return Document(root, mended, notes, slices_of(mended))


def _code(error: etree.XMLSyntaxError) -> int:
    """libxml2's number for it; SyntaxError's own stubs do not know the attribute."""
    return int(getattr(error, "code", 0))


def _refuse_excess(error: etree.XMLSyntaxError | None) -> None:
    if error is not None and _code(error) == _TOO_DEEP:
        reason = "too-deep" if "depth" in str(error.msg) else "too-large"
        raise BadInput(f"the document is {reason.replace('-', ' ')} to be read: {error.msg}", reason=reason)


def _lenient(mended: bytes, error: etree.XMLSyntaxError) -> etree._Element:
    """What libxml2 makes of it, if that is all; elements that close in the wrong place are for a looser reader."""
    parser = _parser(recover=True)
    root = etree.fromstring(mended, parser)
    codes = {entry.type for entry in parser.error_log}
    if codes & _CUT_INSIDE:
        raise BadInput(f"the document ends inside a text, after {len(mended)} bytes: {error.msg}", reason="truncated")
    if root is None or codes & _NOT_CLOSED:
        raise Unreadable(f"not well-formed XML: {error.msg}", source=mended)
    return root


def _after_comments(source: bytes) -> int:
    """Where what stands before the root ends: comments may hold anything, tags too."""
    at = 0
    while (matched := re.compile(rb"\s*+(?:<\?[^>]*+>\s*+)*+<!--").match(source, at)) is not None:
        end = source.find(b"-->", matched.end())
        if end < 0:
            return len(source)
        at = end + 3
    return at


def _end_of_root(source: bytes) -> int | None:
    """Where the root element's end tag ends; None where there is none."""
    opening = re.compile(rb"<([A-Za-z_][\w.:-]{0,60})").search(source, _after_comments(source))
    if opening is None:
        return None
    name = opening.group(1)
    closing = source.rfind(b"</" + name)
    if closing >= 0:
        end = source.find(b">", closing)
        if end >= 0 and not source[closing + 2 + len(name) : end].strip():
            return end + 1
    if closing < 0 and _ROOTS.search(source) is None and (empty := re.match(rb"<[^<>]*/>", source[opening.start() :])):
        return opening.start() + empty.end()
    return None
