"""What stands between a page's bytes and the HTML parser: hostile shapes, cut pages, and pages that are not the page.

HTML parsers are quadratic in depth and in the number of attributes of one tag. One linear pass over the tags,
done here, keeps such pages from ever reaching them.
"""

from __future__ import annotations

import re

from processors.parse.words import word_set
from wirewatch.errors import BadInput

DEEPEST = 500
"""Open elements at once; real pages stay under 100, pages that forget to close things under 300."""
_DEEPEST_ANYWHERE = 10_000  # also counting what stands in scripts and comments: a scan that is fooled still ends
_MOST_ATTRIBUTES = 1_000
_LONG_TAG = 4_096  # characters; only longer tags can hold too many attributes

_TAG = re.compile(r"<(?:(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40})|!--)")
_ATTRIBUTES = re.compile(
    r"""<[a-zA-Z][^\s/>]*+((?:[\s/]++|[^\s/>=][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+|=)*+)"""
)
_ATTRIBUTE = re.compile(r"""[^\s/>=][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+""")
_VOID = word_set("area base br col embed hr img input link meta param source track wbr")
_CLOSED_BY_NEXT = word_set("p li td th tr dt dd option optgroup tbody thead tfoot colgroup rt rp")
_FLAT = _VOID | _CLOSED_BY_NEXT | {"html", "head", "body"}
_RAW = word_set("script style textarea title noscript template iframe xmp noembed noframes")
_BARRIERS = frozenset({"table", "object", "marquee", "applet", "svg", "math"})
_REOPENED = word_set("a b big code em font i nobr s small strike strong tt u")


class _Depth:
    """Open elements, kept as a parser would, near enough: an end tag reaches no further than the table it is in."""

    def __init__(self) -> None:
        self.stack: list[str] = []
        self.open: dict[str, int] = {}
        self.outer: list[dict[str, int]] = []
        self.reopened = 0

    def start(self, name: str) -> None:
        self.stack.append(name)
        if name in _BARRIERS:
            self.outer.append(self.open)
            self.open = {}
        self.open[name] = self.open.get(name, 0) + 1
        if name in _REOPENED:
            self.reopened += 1

    def end(self, name: str) -> None:
        if name in _REOPENED and self.reopened:
            self.reopened -= 1
        if not self.open.get(name):
            return
        while True:
            gone = self.stack.pop()
            if gone in _BARRIERS:
                self.open = self.outer.pop()
            else:
                self.open[gone] -= 1
            if gone == name:
                return


class _Counts:
    """Tags without their order: what was opened and never closed by its own name. Never less than the truth."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}
        self.total = 0

    def take(self, name: str, *, closing: bool) -> None:
        count = self.open.get(name, 0)
        if not closing:
            self.open[name] = count + 1
            self.total += 1
        elif count:
            self.open[name] = count - 1
            self.total -= 1


class _Scan:
    """The tags of a page, one after the other: what is open, and whether a script or the like is being read."""

    def __init__(self) -> None:
        self.depth = _Depth()
        self.anywhere = _Counts()
        self.raw = ""

    def take(self, name: str, *, closing: bool) -> bool:
        """Note a tag; False where too much is open after it."""
        if name not in _FLAT:
            self.anywhere.take(name, closing=closing)
        if self.raw:
            if closing and name == self.raw:
                self.raw = ""
        elif name in _RAW:
            self.raw = "" if closing else name
        elif name not in _FLAT:
            if closing:
                self.depth.end(name)
            else:
                self.depth.start(name)
        return (
            len(self.depth.stack) <= DEEPEST
            and self.depth.reopened <= DEEPEST
            and self.anywhere.total <= _DEEPEST_ANYWHERE
        )


def check_shape(text: str) -> list[str]:
    """Refuse what would make an HTML parser quadratic: `BadInput` ``too-deep`` or ``too-many-attributes``.

    Linear; stops at the first excess. Gives the elements that are still open at the end of the text.
    """
    scan = _Scan()
    tag_at = -1
    for tag in _TAG.finditer(text):
        at = tag.start()
        if tag_at >= 0 and at - tag_at > _LONG_TAG:
            _check_attributes(text, tag_at, at)
        closing, name = tag.groups()
        tag_at = -1 if closing or name is None else at
        if name is not None and not scan.take(name.lower(), closing=bool(closing)):
            raise BadInput(
                f"more than {DEEPEST} elements are nested in each other at character {at}", reason="too-deep"
            )
    if tag_at >= 0 and len(text) - tag_at > _LONG_TAG:
        _check_attributes(text, tag_at, len(text))
    return [*scan.depth.stack, scan.raw] if scan.raw else scan.depth.stack


def _check_attributes(text: str, start: int, end: int) -> None:
    tag = _ATTRIBUTES.match(text, start, end)
    if tag is None:
        return
    for count, _ in enumerate(_ATTRIBUTE.finditer(tag.group(1)), start=1):
        if count > _MOST_ATTRIBUTES:
            raise BadInput(
                f"a tag at character {start} has more than {_MOST_ATTRIBUTES} attributes",
                reason="too-many-attributes",
            )


def check_whole(text: str, still_open: list[str] | None = None) -> None:
    """`BadInput` ``truncated`` where the page ends before its own end.

    A page may leave out ``</body></html>``; then its other elements must be closed (``still_open`` from
    `check_shape`, worked out here if not given). A page cut inside a tag is cut in any case.
    """
    tail = text[-4096:].lower()
    if "</html" in tail or "</body" in tail:
        return
    head = text[:4096].lower()
    if "<html" not in head and "<!doctype" not in head and "<body" not in head:
        return  # a fragment: nothing says where it ends
    if "</html" in text.lower():
        return  # a long tail of comments or scripts behind the end
    left = check_shape(text) if still_open is None else still_open
    last = text.rfind("<")
    if left or (last > text.rfind(">") and _TAG.match(text, last)):
        inside = f"inside <{left[-1]}>" if left else "inside a tag"
        raise BadInput(f"the page ends {inside}, before </body> and </html>: it was cut", reason="truncated")
