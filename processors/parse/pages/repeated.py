"""Live pages of no known make: blocks that repeat, each with a time and a headline."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter

from msgspec import Struct
from selectolax.lexbor import LexborNode

from processors.parse.dates import ParsedTime, parse_time
from processors.parse.pages.lines import Line, is_furniture, is_prose, without_tail
from processors.parse.pages.outline import Outline, is_byline
from processors.parse.pages.text_page import joined_stamps, without_loose_days
from processors.parse.pages.times import Stamp, read_stamp

_MOST_TIMES = 6_000
_MOST_TIMES_TOLD = 3  # an entry's own, its update's, a quoted post's
_UPDATED_LINE = re.compile(
    r"(?:last )?(?:updated|edited)\b.{0,60}|(?:aktualisiert|mis à jour|обновлено)\b.{0,60}", re.IGNORECASE
)
_BYLINE = re.compile(
    r"(?:By|BY|Von|Par|Por|Door|Af|Av|Autor:?|Автор:?)\s+"
    r"([A-ZÀ-ÞА-Я][\w'’.-]*(?:(?:,| and| und| et| y| e| og| en| и)?\s[A-ZÀ-ÞА-Я][\w'’.-]*){1,7})"
)
_AND = re.compile(r",\s*|\s+(?:and|und|et|y|e|og|en|и)\s+")


class Block(Struct):
    """One repeated block: where its lines begin and end, and the elements it is made of."""

    start: int
    end: int
    stamp: Stamp
    nodes: list[LexborNode]
    headline: Line | None = None
    headline_at: int = -1
    body: list[Line] = []
    authors: tuple[str, ...] = ()


def stamps_of(outline: Outline, *, fetched_at_ms: int, timezone: str) -> dict[int, Stamp]:
    """Every line that is a time, machine-readable times first."""
    found: dict[int, Stamp] = {}
    for index, line in enumerate(outline.lines):
        stamp: Stamp | None = None
        if line.moment:
            exact = parse_time(line.moment, timezone=timezone)
            if exact is not None and exact.precision != "day":
                precision = "minute" if exact.ms % 60_000 == 0 else exact.precision
                stamp = Stamp("exact", line.text or line.moment, exact=ParsedTime(exact.ms, precision))
        if stamp is None and line.text:
            stamp = read_stamp(line.text, fetched_at_ms=fetched_at_ms, timezone=timezone)
        if stamp is not None:
            found[index] = stamp
            if len(found) >= _MOST_TIMES:
                break
    joined = joined_stamps(found, outline.lines)
    for index in found.keys() - joined.keys():  # a clock whose date stands on the next line is told there
        outline.lines[index].text = ""
    return without_loose_days(joined)


def find_blocks(outline: Outline, stamps: dict[int, Stamp]) -> list[list[Block]]:
    """Candidate lists of blocks, best first: for each element, its children that hold a time."""
    children: dict[int, dict[int, LexborNode]] = {}
    parents: dict[int, LexborNode] = {}
    for index, stamp in stamps.items():
        if stamp.kind == "day":
            continue
        node: LexborNode | None = outline.nodes[index]
        while node is not None and (above := node.parent) is not None and above.is_element_node:
            parents[above.mem_id] = above
            kin = children.setdefault(above.mem_id, {})
            if node.mem_id in kin:
                break  # this branch has been climbed already
            kin[node.mem_id] = node
            node = above
    lists = [
        [block for parent in alike for block in _blocks_in(parents[parent], children[parent], outline, stamps)]
        for alike in _lists_of_a_kind(children, parents, outline)
    ]
    lists = [
        _without_contents(_with_headlines(blocks))
        for blocks in lists
        if len(blocks) >= 2 and not _are_parts_of_the_page(blocks, outline, stamps)
    ]
    return sorted(lists, key=_rank)


def _are_parts_of_the_page(blocks: list[Block], outline: Outline, stamps: dict[int, Stamp]) -> bool:
    """Whether the blocks hold lists of their own (the stream, the latest headlines), or one the page's title."""
    titled = sum(any(line.heading == 1 for line in outline.lines[block.start : block.end]) for block in blocks)
    lists = sum(
        sum(index in stamps and stamps[index].kind != "day" for index in range(block.start, block.end))
        > _MOST_TIMES_TOLD
        for block in blocks
    )
    return 0 < titled * 2 <= len(blocks) or lists * 2 > len(blocks)


def _rank(blocks: list[Block]) -> tuple[bool, int]:
    """Longer lists first, but behind those that set headlines out as headings above texts: readers' comments do not."""
    headed = sum(b.headline is not None and b.headline.heading > 0 and len(b.body) > 0 for b in blocks)
    return headed * 2 <= len(blocks), -sum(1 + 2 * (len(b.body) > 0) for b in blocks)


def _lists_of_a_kind(
    children: dict[int, dict[int, LexborNode]], parents: dict[int, LexborNode], outline: Outline
) -> list[list[int]]:
    """The longest lists of elements with times; lists of one kind, one after the other (each day's), are one.

    An entry that holds two times is no such list: what it holds is not of one kind.
    """
    alike: dict[object, list[int]] = {}
    for parent, kin in children.items():
        node, child = parents[parent], next(iter(kin.values()))
        names = (child.attributes.get("class") or "", node.attributes.get("class") or "")
        one_kind = all((n.tag, n.attributes.get("class") or "") == (child.tag, names[0]) for n in kin.values())
        alike.setdefault((child.tag, node.tag, *names) if any(names) and one_kind else parent, []).append(parent)
    lists: list[list[int]] = []
    for found in alike.values():
        if not any(len(children[parent]) >= 2 for parent in found):
            continue
        apart: list[int] = []
        end = 0
        for parent in sorted(found, key=lambda parent: outline.spans.get(parent, (0, 0))):
            start, own_end = outline.spans.get(parent, (0, 0))
            if start >= end:
                apart.append(parent)
                end = own_end
        lists.append(apart)
    return sorted(lists, key=lambda found: -sum(len(children[parent]) for parent in found))[:12]


def _blocks_in(
    parent: LexborNode, kin: dict[int, LexborNode], outline: Outline, stamps: dict[int, Stamp]
) -> list[Block]:
    """The blocks below one element: each child with a time, or each time with what follows it up to the next."""
    timed = sorted((outline.spans.get(node.mem_id, (-1, -1)), node.mem_id) for node in kin.values())
    spans = [span for span, _ in timed if span[0] >= 0]
    end_of_all = outline.spans.get(parent.mem_id, (0, 0))[1]
    siblings = [
        (span, n) for n in parent.iter() if (span := outline.spans.get(n.mem_id)) is not None and span[0] < span[1]
    ]
    begins = [span[0] for span, _ in siblings]
    blocks: list[Block] = []
    flat = _are_heads(spans, end_of_all, outline, stamps)
    for number, (start, own_end) in enumerate(spans):
        last = number + 1 == len(spans)
        end = own_end if not flat else end_of_all if last else spans[number + 1][0]
        stamp = next((stamps[i] for i in range(start, end) if i in stamps and stamps[i].kind != "day"), None)
        if stamp is None:
            continue
        near = siblings[bisect_left(begins, start) : bisect_left(begins, end)]
        nodes = [n for span, n in near if span[1] <= end]
        blocks.append(_fill(Block(start, end, stamp, nodes), outline, stamps, cut_tail=flat and last))
    return blocks


def _are_heads(spans: list[tuple[int, int]], end: int, outline: Outline, stamps: dict[int, Stamp]) -> bool:
    """Whether the children with a time only head what follows them: times alone, or with a title and texts between."""
    bare = sum(all(i in stamps for i in range(*span)) for span in spans)
    if bare * 2 > len(spans):
        return True
    lines = outline.lines
    titled = sum(
        all(i in stamps or lines[i].heading or lines[i].strong or not lines[i].text for i in range(*span))
        for span in spans
    )
    starts = [span[0] for span in spans[1:]] + [end]
    followed = sum(
        any(is_prose(line.text) for line in lines[span[1] : start]) for span, start in zip(spans, starts, strict=True)
    )
    return titled * 2 > len(spans) and followed * 2 > len(spans)


def _fill(block: Block, outline: Outline, stamps: dict[int, Stamp], *, cut_tail: bool) -> Block:
    lines = [
        (index, outline.lines[index])
        for index in range(block.start, block.end)
        if index not in stamps and outline.lines[index].text and not _UPDATED_LINE.fullmatch(outline.lines[index].text)
    ]
    if cut_tail:
        kept = without_tail([line for _, line in lines[1:]])
        lines = lines[: 1 + len(kept)]
    lines = [(index, line) for index, line in lines if not is_furniture(line.text)]
    title = next(((i, line) for i, line in lines if line.heading), None)
    if title is None:
        block.authors, lines = _without_byline(lines, -1, outline)
        title = next(((i, line) for i, line in lines[:2] if line.strong and not is_prose(line.text)), None)
        title = title or next(((i, line) for i, line in lines[:1] if line.strong), None)
    if title is not None:
        block.headline_at, block.headline = title
    if not block.authors:
        block.authors, lines = _without_byline(lines, block.headline_at, outline)
    block.body = [
        line
        for index, line in lines
        if index != block.headline_at and (index > block.headline_at or is_prose(line.text))
    ]
    return block


def _without_byline(
    lines: list[tuple[int, Line]], headline_at: int, outline: Outline
) -> tuple[tuple[str, ...], list[tuple[int, Line]]]:
    """The authors that a line above the text names (``By Ada Quill and Bo Reed``, or by its class), and the rest."""
    for number, (index, line) in enumerate(lines):
        if is_prose(line.text):
            break
        if index == headline_at:
            continue
        said = _BYLINE.fullmatch(line.text)
        if said is not None or is_byline(outline.nodes[index]):
            names = tuple(name for name in _AND.split(said.group(1) if said is not None else line.text) if name)
            return names, lines[:number] + lines[number + 1 :]
    return (), lines


def _with_headlines(blocks: list[Block]) -> list[Block]:
    """Where most blocks set no headline out, the first line of each is its headline; blocks without text go."""
    told = [block for block in blocks if block.headline is not None or block.body]
    if sum(block.headline is not None for block in told) * 2 < len(told):
        for block in told:
            if block.headline is None and block.body:
                block.headline = block.body.pop(0)
    return told


def _without_contents(blocks: list[Block]) -> list[Block]:
    """Without a list of key events beside the blocks that it names: all that it tells are headlines of theirs."""
    named = Counter(block.headline.text for block in blocks if block.headline is not None)

    def is_contents(block: Block) -> bool:
        own = block.headline.text if block.headline is not None else ""
        told = [line.text for line in block.body]
        repeats = all(named[text] > (text == own) for text in told)
        return bool(told) and repeats and (len(told) > 1 or not own or named[own] > 1)

    kept = [block for block in blocks if not is_contents(block)]
    return kept if len(kept) >= 2 else blocks
