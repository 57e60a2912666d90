"""Text and markup out of elements: titles, bodies, and markup that stands in the XML itself."""

from __future__ import annotations

import base64
import binascii
import html
from urllib.parse import urljoin

from lxml import etree

from processors.parse.feed_roles import split_tag
from processors.parse.text import Content, inner_text_of_title, literal_line, read_literal, read_markup
from processors.parse.urls import absolute

_XML = "{http://www.w3.org/XML/1998/namespace}"
_VOID = frozenset({"br", "hr", "img", "input", "source", "wbr", "col", "area", "embed", "param", "track"})
_PLAIN = frozenset({"text", "text/plain", "text/markdown", "text/x-markdown"})
NO_TEXT = ("image/", "audio/", "video/")
_ADDRESSES = frozenset({"href", "src", "cite", "poster", "data"})


def own_text(element: etree._Element) -> str:
    """An element's text without markup, stripped."""
    if len(element):
        return "".join(map(str, element.itertext())).strip()
    return (element.text or "").strip()


def base_of(element: etree._Element, base: str) -> str:
    """What relative addresses in ``element`` stand against: its xml:base, inherited, on the document's own URL."""
    bases = []
    node: etree._Element | None = element
    while node is not None:
        own = node.get(_XML + "base")
        if own:
            bases.append(own)
        node = node.getparent()
    for own in reversed(bases):
        base = absolute(base, own) or base
    return base


def language_of(element: etree._Element) -> str | None:
    """The xml:lang of an element itself, None where it has none or an empty one."""
    value = element.get(_XML + "lang")
    return value.strip() or None if value else None


def is_bare(element: etree._Element) -> bool:
    """Whether there is nothing but a text: no attribute says how to read it, no element stands in it."""
    return not len(element) and not element.keys()


def is_literal(element: etree._Element) -> bool:
    """Whether Atom says that this is text in which angle brackets are just that."""
    return element.get("type") in _PLAIN and element.get("mode") in {None, "escaped", "xml"}


def markup_of(element: etree._Element) -> str:
    """An element's content as HTML: escaped in it, standing in it, or in base64."""
    if len(element):
        return inner_markup(element)
    text = element.text or ""
    if element.get("type", "").startswith(NO_TEXT):
        return ""  # a picture in base64 is no text in any charset
    if element.get("mode") == "base64" or _is_binary(element.get("type", "")):
        try:
            return base64.b64decode(text, validate=False).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return text
    return text


def _is_binary(kind: str) -> bool:
    return "/" in kind and not kind.startswith("text/") and not kind.endswith(("xml", "html")) and "json" not in kind


def title_of(element: etree._Element) -> str:
    """A headline in one line, whatever stands in it."""
    if not len(element) and not element.keys():  # bare, as nearly all are
        return inner_text_of_title(element.text or "")
    if is_literal(element) and not len(element):
        return literal_line(element.text or "")
    if not len(element) and element.get("mode") is None and not _is_binary(element.get("type", "")):
        return inner_text_of_title(element.text or "")
    return inner_text_of_title(markup_of(element))


def content_of(element: etree._Element, base: str) -> Content:
    """A body: its text, its HTML made safe, its media and links."""
    if not len(element) and not element.keys():  # bare, as nearly all are
        return read_markup(element.text or "", base)
    if is_literal(element) and not len(element):
        return read_literal(element.text or "")
    return read_markup(markup_of(element), base)


def inner_markup(element: etree._Element) -> str:
    """The children and text of an element as HTML, prefixes and namespaces gone; a nested xml:base is applied.

    A single div around it all, as Atom asks for, says nothing and is left out.
    """
    pieces: list[str] = []
    inner = element
    if len(element) == 1 and not (element.text or "").strip() and split_tag(str(element[0].tag))[1] == "div":
        inner = element[0]
        if (inner.tail or "").strip():
            inner = element
    _write(inner, pieces, (inner is not element and inner.get(_XML + "base")) or "")
    return "".join(pieces)


def _write(element: etree._Element, pieces: list[str], base: str) -> None:
    """Append what is inside. Depth is bounded by the parser (256), so recursion is."""
    pieces.append(html.escape(element.text or "", quote=False))
    for child in element:
        _write_element(child, pieces, base)
        pieces.append(html.escape(child.tail or "", quote=False))


def _write_element(child: etree._Element, pieces: list[str], base: str) -> None:
    name = split_tag(str(child.tag))[1].rpartition(":")[2]
    own = child.get(_XML + "base")
    if own:
        base = _joined(base, own)
    written = [name]
    for raw_key, raw_value in child.attrib.items():
        key, value = str(raw_key), str(raw_value)
        if key.startswith("{") or ":" in key:
            continue
        if base and key in _ADDRESSES:
            value = _joined(base, value)
        written.append(f'{key}="{html.escape(value)}"')
    pieces.append(f"<{' '.join(written)}>")
    if name in _VOID:
        return
    _write(child, pieces, base)
    pieces.append(f"</{name}>")


def _joined(base: str, address: str) -> str:
    """A base that stands inside the markup may be relative itself: what comes of it is made absolute with the rest."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address
