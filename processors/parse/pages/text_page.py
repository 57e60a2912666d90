"""A live page as plain text: a lead, then times on lines of their own, each with a headline and perhaps a text."""

from __future__ import annotations

from itertools import pairwise

import xxhash
from msgspec import Struct

from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.pages.labels import sounds_live
from processors.parse.pages.lines import (
    Lead,
    Line,
    is_contents,
    is_furniture,
    lines_of_text,
    read_lead,
    without_furniture,
    without_tail,
)
from processors.parse.pages.times import Stamp, When, read_stamp, resolve, split_inline
from processors.parse.text import cut
from wirewatch.errors import BadInput

MOST_ENTRIES = 5_000


class Piece(Struct):
    """A time and the lines that belong to it."""

    stamp: Stamp
    lines: list[Line]


def parse_text_page(text: str, *, url: str, fetched_at_ms: int, timezone: str = "", certain: bool = True) -> ParsedFeed:
    """Plain text as a live page. ``certain``: its owner says that it is one, so two entries are enough.

    `BadInput` ``not-recognised`` where no times stand on lines of their own.
    """
    lines = lines_of_text(text)
    head, pieces = split_at_times(lines, fetched_at_ms=fetched_at_ms, timezone=timezone)
    pieces = without_repeats(pieces)
    lead = read_lead(head, {piece.lines[0].text for piece in pieces if piece.lines})
    live = lead.label is not None or sounds_live(lead.title)
    needed = 1 if certain and live else 2 if certain or live else 3
    whens = resolve([piece.stamp for piece in pieces], page_ms=None, fetched_at_ms=fetched_at_ms, timezone=timezone)
    entries = [
        entry_of(piece, when, position)
        for position, (piece, when) in enumerate(
            (piece, when) for piece, when in zip(pieces, whens, strict=True) if piece.lines
        )
    ]
    if len(entries) < needed:
        raise BadInput(
            f"no live page in this text: looked for lines that are a time alone (21:40 GMT 07.01.2022, 9.40pm, "
            f"3m ago) or begin with one (21:40: ...), each followed by a headline; found {len(entries)} of {needed}",
            reason="not-recognised",
        )
    return feed_of(entries, lead, kind_of_text=True, url=url)


def split_at_times(lines: list[Line], *, fetched_at_ms: int, timezone: str = "") -> tuple[list[Line], list[Piece]]:
    """The lines before the first entry, and one piece for each time (day headings are pieces without lines)."""
    stamps = {
        index: stamp
        for index, line in enumerate(lines)
        if (stamp := read_stamp(line.text, fetched_at_ms=fetched_at_ms, timezone=timezone)) is not None
    }
    stamps = without_loose_days(joined_stamps(stamps, lines))
    if sum(stamp.kind != "day" for stamp in stamps.values()) < 2:
        inline = inline_pieces(lines, fetched_at_ms=fetched_at_ms, timezone=timezone)
        if inline is not None:
            return inline
    starts = sorted(stamps)
    if len(starts) > 1 and _is_page_date(lines, stamps, starts):
        starts = starts[1:]
    if not starts:
        return lines, []
    pieces = [
        Piece(stamps[start], without_furniture(lines[start + 1 : end]) if stamps[start].kind != "day" else [])
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]
    last = max((i for i, piece in enumerate(pieces) if piece.stamp.kind != "day"), default=None)
    if last is not None:
        end = starts[last + 1] if last + 1 < len(starts) else len(lines)
        own = lines[starts[last] + 1 : end]
        pieces[last].lines = own[:1] + without_tail(own[1:]) if own and not is_furniture(own[0].text) else []
    return lines[: starts[0]], pieces[:MOST_ENTRIES]


def joined_stamps(stamps: dict[int, Stamp], lines: list[Line]) -> dict[int, Stamp]:
    """A clock and its date on two lines, one below the other, as one time (where the clock comes first)."""
    joined = dict(stamps)
    for index, stamp in stamps.items():
        if stamp.kind != "clock" or index + 1 >= len(lines) or len(lines[index + 1].text) > 30:
            continue
        below = stamps.get(index + 1)
        if below is not None and below.kind != "day":
            continue
        both = read_stamp(f"{lines[index].text} {lines[index + 1].text}", fetched_at_ms=0)
        if both is not None and both.kind == "exact":
            joined[index + 1] = both
            joined.pop(index, None)
    return joined


def without_loose_days(stamps: dict[int, Stamp]) -> dict[int, Stamp]:
    """Dates alone head days only where clocks alone follow; elsewhere they are text."""
    if any(stamp.kind == "clock" for stamp in stamps.values()):
        return stamps
    return {index: stamp for index, stamp in stamps.items() if stamp.kind != "day"}


def _is_page_date(lines: list[Line], stamps: dict[int, Stamp], starts: list[int]) -> bool:
    """Whether the first time is the page's own and not an entry's: what follows up to the next time says so.

    It does where the page's contents or its order switch stand there, where it names its update, or where it is
    older than the next while all the others run from new to old.
    """
    between = lines[starts[0] + 1 : starts[1]]
    if any(is_contents(line.text) for line in between) or any(
        is_furniture(line.text) and "first" in line.text.lower() for line in between
    ):
        return True
    if "(" in lines[starts[0]].text:
        return True
    times = [stamp.exact.ms for s in starts if (stamp := stamps[s]).kind == "exact" and stamp.exact is not None]
    rest = times[1:]
    return len(rest) >= 3 and times[0] < rest[0] and all(a >= b for a, b in pairwise(rest))


def inline_pieces(lines: list[Line], *, fetched_at_ms: int, timezone: str) -> tuple[list[Line], list[Piece]] | None:
    """Pieces where times do not stand alone but begin lines: ``21:40 Uhr: Headline``."""
    found = {
        index: both
        for index, line in enumerate(lines)
        if (both := split_inline(line.text, fetched_at_ms=fetched_at_ms, timezone=timezone, heading=bool(line.heading)))
        is not None
    }
    if len(found) < 2:
        return None
    starts = sorted(found)
    pieces: list[Piece] = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        stamp, rest = found[start]
        below = lines[start + 1 : end]
        below = without_tail(below) if end == len(lines) else without_furniture(below)
        pieces.append(Piece(stamp, [Line(rest), *below]))
    return lines[: starts[0]], pieces[:MOST_ENTRIES]


def without_repeats(pieces: list[Piece]) -> list[Piece]:
    """Without the pieces that only name an entry told elsewhere (a table of contents, key events, a pinned copy).

    Two pieces are one entry where time and headline are equal; the longer stays.
    """
    best: dict[tuple[str, str], Piece] = {}
    for piece in pieces:
        if piece.lines:
            key = (piece.stamp.raw, piece.lines[0].text)
            if key not in best or len(piece.lines) >= len(best[key].lines):
                best[key] = piece
    chosen = {id(piece) for piece in best.values()}
    return [piece for piece in pieces if not piece.lines or id(piece) in chosen]


def entry_of(piece: Piece, when: When | None, position: int) -> ParsedEntry:
    """A piece as an entry: its first line is the headline, the others its body."""
    body, truncated = cut("\n".join(line.text for line in piece.lines[1:]))
    return ParsedEntry(
        native_id=None,
        headline=piece.lines[0].text,
        body=body,
        published_ms=when.ms if when else None,
        published_precision=when.precision if when else "none",
        published_from=when.source if when else "source",
        published_raw=piece.stamp.raw,
        position=position,
        truncated=truncated,
        raw_hash=xxhash.xxh3_64_hexdigest(
            "\n".join((piece.stamp.raw, *(line.text for line in piece.lines))).encode("utf-8", "replace")
        ),
    )


def feed_of(
    entries: list[ParsedEntry], lead: Lead, *, url: str, kind_of_text: bool = False, language: str | None = None
) -> ParsedFeed:
    """The feed of a page that said its lead and entries only to the eye."""
    return ParsedFeed(
        kind="text" if kind_of_text else "live-page",
        entries=tuple(entries),
        title=lead.title,
        label=lead.label,
        summary=lead.summary,
        body=lead.body,
        section=lead.section,
        url=url,
        language=language,
        has_lead=bool(lead.title),
    )
