"""JSON-LD out of a page, found without building a DOM, and mended where that cannot change its meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import orjson

_SCRIPT = re.compile(r"<script\b[^>]*\Z", re.IGNORECASE)
_LONGEST_TAG = 2_000
_CLOSE = re.compile(r"</[sS][cC][rR][iI][pP][tT]")  # spelled out: it begins with a literal, which is found fast
_WRAPPED = re.compile(
    r"[\s\ufeff]*(?://\s*)?(?:<!--|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)?\s*"
    r"(?P<json>.*?)"
    r"\s*(?:(?://\s*)?(?:-->|\]\]>)|/\*\s*\]\]>\s*\*/)?\s*(?://\s*)?;?\s*",
    re.DOTALL,
)
# A string, or a comma with nothing but a closing bracket behind it. Strings come first, so commas in them are safe.
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"|,(?=\s*[}\]])', re.DOTALL)
_ESCAPED = re.compile(r"[\[{\s]{1,9}&(?:quot|#34|#x22);", re.IGNORECASE)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_DEEPEST = 200
_MOST_NODES = 200_000
_UPDATES = frozenset({"liveBlogUpdate", "liveBlogUpdates"})

_NAMES = ("ld+json", "LD+JSON", "ld&#x2B;json", "ld&#x2b;json", "ld&#43;json")
"""As scripts name their type: some write the plus as an entity."""
_NAMED = re.compile(rb"\+json")  # found twice as fast as the whole name: it begins with a character that is rare

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def find_blocks(html: str) -> Iterator[str]:
    """The text of every ``application/ld+json`` script, in order; one that is never closed is left out."""
    name = next((name for name in _NAMES if name in html), _NAMES[0])
    at = 0
    while (named := html.find(name, at)) >= 0:
        at = named + len(name)
        head = html[max(0, named - _LONGEST_TAG) : named]
        if not _SCRIPT.match(head, head.rfind("<") if "<" in head else len(head)):
            continue
        end_of_tag = html.find(">", at, at + _LONGEST_TAG)
        closed = _CLOSE.search(html, end_of_tag) if end_of_tag >= 0 else None
        if closed is None:
            return
        yield html[end_of_tag + 1 : closed.start()]
        at = closed.end()


def blocks_in_bytes(body: bytes) -> list[bytes] | None:
    """The same from a page's bytes, which spares decoding all of it; None where it is not plain where one ends."""
    blocks: list[bytes] = []
    at = 0
    for found in _NAMED.finditer(body):
        named = found.start() - len(b"ld")
        if named < at or body[named : named + 2] != b"ld":
            continue
        at = found.end()
        opening = body.rfind(b"<", max(0, named - _LONGEST_TAG), named)
        if opening < 0 or not _SCRIPT.match(body[opening:named].decode("latin-1")):
            continue
        end_of_tag = body.find(b">", at, at + _LONGEST_TAG)
        closing = body.find(b"</script", end_of_tag) if end_of_tag >= 0 else -1
        if closing < 0 or b"</SCRIPT" in body[end_of_tag:closing].upper():
            return None
        blocks.append(body[end_of_tag + 1 : closing])
        at = closing
    return blocks


def read_json(block: str) -> tuple[Any, bool]:
    """The block's value, and whether it had to be mended; ``ValueError`` where it cannot be read.

    Mended: raw line breaks and control characters in strings, trailing commas, backslashes that escape nothing,
    HTML comments, CDATA or a byte order mark around it, quotes as entities, lone surrogates. Not mended: anything where
    the author's meaning would be a guess.
    """
    try:
        return orjson.loads(block), False
    except orjson.JSONDecodeError:
        pass
    wrapped = _WRAPPED.fullmatch(block)
    inner = wrapped.group("json") if wrapped is not None else block.strip()
    if _ESCAPED.match(inner):  # no JSON begins so: all of it was escaped as if it stood outside of a script
        inner = unescape(inner)
    if _too_deep(inner):
        raise ValueError(f"nested more than {_DEEPEST} deep")
    mended = _STRING_OR_COMMA.sub(_mend, inner)
    try:
        value = json.loads(mended, strict=False)
        if _SURROGATE.search(mended) is not None:
            # half a character cannot be written down again: a question mark takes its place
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON, nor safely mended: {error}") from error
    return value, True


def _mend(match: re.Match[str]) -> str:
    text = match.group()
    if text == ",":
        return ""
    if "\\" not in text:
        return text
    return _PAIR.sub(lambda pair: pair.group() if pair.group(1) in '"\\/bfnrtu' else pair.group(1), text)


def _too_deep(text: str) -> bool:
    """Counted without regard to strings: a few brackets in texts do no harm to so coarse a limit."""
    depth = 0
    for bracket in re.finditer(r"[\[{]|[\]}]", text):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > _DEEPEST:
            return True
    return False


def nodes_of(document: Any) -> list[dict[str, Any]]:
    """Every object in the document, outer before inner (``@graph``, ``mainEntity`` and lists included).

    What stands inside an update of a live blog is left out: no live blog is found there.
    """
    found: list[dict[str, Any]] = []
    todo: list[Any] = [document]
    while todo and len(found) < _MOST_NODES:
        value = todo.pop()
        if isinstance(value, dict):
            found.append(value)
            inner = [v for k, v in value.items() if isinstance(v, (dict, list)) and k not in _UPDATES]
            todo.extend(reversed(inner))
        elif isinstance(value, list):
            todo.extend(reversed(value))
    return found


def is_a(node: dict[str, Any], name: str) -> bool:
    """Whether the node's ``@type`` names it, with or without schema.org's address before it."""
    kinds = node.get("@type") or node.get("type")
    if isinstance(kinds, str):  # asked of every node, and nearly always so
        return name in kinds and kinds.rpartition("/")[2].rpartition(":")[2] == name
    return any(
        isinstance(kind, str) and kind.rpartition("/")[2].rpartition(":")[2] == name
        for kind in (kinds if isinstance(kinds, list) else [kinds])
    )
