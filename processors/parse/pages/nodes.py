"""Elements by CSS selector."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode


def select(root: LexborHTMLParser | LexborNode, selector: str) -> list[LexborNode]:
    """The elements that match, in document order, each once: lexbor gives one for each alternative that it matches."""
    found: dict[int, LexborNode] = {}
    for node in root.css(selector):
        found.setdefault(node.mem_id, node)
    return list(found.values())
