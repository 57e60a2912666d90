"""schema.org microdata of a live blog, brought to the form that JSON-LD has."""

from __future__ import annotations

from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

_MARKUP = frozenset({"articleBody", "text"})
_MOST_PROPERTIES = 50_000


def live_blog_documents(tree: LexborHTMLParser) -> list[dict[str, Any]]:
    """Every LiveBlogPosting that the page marks up with ``itemscope``, as linked data."""
    return [_item(node) for node in tree.css('[itemscope][itemtype*="LiveBlogPosting"]')[:20]]


def _item(scope: LexborNode) -> dict[str, Any]:
    """The scope's properties; inner scopes become objects. Walks the tree without recursion into updates' bodies."""
    item = _new(scope)
    todo: list[tuple[LexborNode, dict[str, Any]]] = [(child, item) for child in reversed(list(scope.iter()))]
    seen = 0
    while todo and seen < _MOST_PROPERTIES:
        seen += 1
        node, owner = todo.pop()
        attributes = node.attributes
        names = (attributes.get("itemprop") or "").split()
        into = owner
        if names and "itemscope" in attributes:
            into = _new(node)
            for name in names:
                _add(owner, name, into)
        elif names:
            for name in names:
                _add(owner, name, _value(node, name))
            if _MARKUP.intersection(names):
                continue
        todo.extend((child, into) for child in reversed(list(node.iter())))
    return item


def _add(owner: dict[str, Any], name: str, value: Any) -> None:
    """As JSON-LD has it: one value alone, several as a list."""
    if name not in owner:
        owner[name] = value
    elif isinstance(owner[name], list):
        owner[name].append(value)
    else:
        owner[name] = [owner[name], value]


def _new(scope: LexborNode) -> dict[str, Any]:
    attributes = scope.attributes
    item: dict[str, Any] = {"@type": (attributes.get("itemtype") or "").rpartition("/")[2]}
    native = attributes.get("itemid") or attributes.get("id")
    if native:
        item["identifier"] = native
    return item


def _value(node: LexborNode, name: str) -> str:
    attributes = node.attributes
    for attribute in ("content", "datetime", "href", "src"):
        value = attributes.get(attribute)
        if value:
            return value
    return (node.inner_html or "") if name in _MARKUP else node.text().strip()
