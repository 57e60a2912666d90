"""The attribution chain: who told it, and who said it first.

A chain has at most two links: whoever passes it on (relay, or our source's own correspondent) and whoever says
it (speaker; origin where another passes it on). The body's first words on it count, then what the headline adds.
Statements further down are other statements, and "the ministry said" speaks of one who is known by then.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from processors.enrich.sources import Source, read_source
from processors.enrich.speech import Statement, find_statement, is_stance
from processors.enrich.text import Lexicon, fold, sentences
from wirewatch.events import Attribution

if TYPE_CHECKING:
    from wirewatch.events.entries import TextField

Role = Literal["speaker", "origin", "relay", "own-reporting"]
Cue = Literal["left", "confirmed", "right", "citing", "seen-by", "after"]
BODY_READ = 8_000

_CUES: dict[Cue, str] = {
    "left": "said | says | told | reported | reports | announced | tweeted | wrote | stated | declared | warned | noted"
    " | stressed | urged | posted | claimed | added | explained | insisted | alleged | acknowledged | told reporters"
    " | has reported | have reported | sagte | teilte mit | meldete | berichtete | erklarte | a declare | a annonce"
    " | a indique | a affirme | a rapporte | ont indique | ont annonce | dijo | informo | afirmo | anuncio | informaron"
    " | заявил | заявила | заявили | сообщил | сообщила | сообщили | сообщает | сообщают",
    "confirmed": "confirmed | confirms | bestatigte | a confirme | confirmo | подтвердил | подтвердила | подтвердили",
    "right": "according to | laut | nach angaben von | nach angaben der | nach angaben des | selon | d apres | segun"
    " | по данным | по словам | по сообщению | по информации | как сообщили в | как сообщает | sagte | teilte | teilten"
    " | a declare | a annonce | dijo | informo | afirmo | заявил | заявила | сообщил | сообщила | сообщили | сообщает"
    " | передает",
    "citing": "citing | quoting | quoted | cited | unter berufung auf | citant | citando | citando a | со ссылкой на",
    "seen-by": "seen by | obtained by | reviewed by | published by | quoted by | cited by | carried by | released by",
    "after": "zufolge",
}
# where the words that name a source end
_END = re.compile(
    r"[,;:()\n\"“”«»„?!–—]|\.(?=\s|$)|\b(?:on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|seen by|"
    r"obtained by|reviewed by|"
    r"published by|released by|quoted by|that|which|who|citing|quoting|as|in a|in an|at a|late|early|earlier|and said|"
    r"said|told|have|has|had|is|are|was|were|will|wurden|wurde|sind|ont|sont|fueron|han|что|dass|que|mit|"
    r"mehr als|plus de|"
    r"au moins|mindestens|al menos|más de|по меньшей|более|at least|more than|over|up to)\b|\s\d"
)
_BEGIN = re.compile(
    r"[,;:()\n\"“”«»„?!–—]|\.\s|\b(?:that|which|and|but|while|as|when|after|because|что|dass|que|although|where|since)\b"
)
_TAIL = re.compile(
    r"(?:\s+(?:on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|earlier|later|also|then|has|have|had|today|"
    r"yesterday|again|"
    r"in a statement|reportedly|separately|previously))+$"
)
_TAIL_ENDS = (
    "day", "earlier", "later", "also", "then", "has", "have", "had", "again", "statement", "reportedly", "separately",
    "previously",
)  # fmt: skip
_PASSIVE = re.compile(r"\b(?:was|were|is|are|been|being|be|to|will|not)$")
_REACH = 140


class _Said(Struct):
    """One source in the body with the part that it has."""

    source: Source
    role: Role
    field: TextField


def find_attribution(headline: str, body: str, *, body_start: int = 0) -> list[Attribution]:
    """The chain of an entry's text. Pure; linear in the text, of which the first 8,000 characters are read.

    ``body_start`` is where the text begins after a dateline.
    """
    statement = find_statement(headline)
    return chain(statement, read_body(body, body_start))


def chain(statement: Statement | None, said: list[_Said]) -> list[Attribution]:
    """Join what the headline says with what the body says."""
    links = list(said)
    if statement is not None:
        relay = next((link for link in links if link.role in {"relay", "own-reporting"}), None)
        speaker = next((link for link in links if link.role in {"speaker", "origin"}), None)
        source, origin = statement.source, statement.origin
        if source is not None and (source.generic or source.medium or origin is not None):
            if relay is None:
                links.insert(0, _Said(source, "relay", "headline"))
            if origin is not None and speaker is None:
                links.append(_Said(origin, "origin", "headline"))
        elif source is not None and speaker is None and not is_stance(statement):
            links.append(_Said(source, "speaker", "headline"))
    return [
        Attribution(
            who=link.source.who,
            role=link.role,
            generic=link.source.generic,
            span=(link.field, link.source.start, link.source.end),
        )
        for link in links
    ]


def _lexicon() -> Lexicon[tuple[Cue, ...]]:
    table: dict[str, tuple[Cue, ...]] = {}
    for cue, text in _CUES.items():
        for phrase in text.split("|"):
            key = phrase.strip()
            table[key] = (*table.get(key, ()), cue)
    return Lexicon(table)


_LEXICON = _lexicon()


def read_body(body: str, body_start: int, folded: str | None = None) -> list[_Said]:
    """The body's chain, in order: a sentence's relay before its origin, else as they come.

    ``folded`` is the body as `fold` gives it, where that is known already.
    """
    text = body[:BODY_READ]
    cues = [hit for hit in _LEXICON.find(fold(body) if folded is None else folded) if hit[1] >= body_start]
    if not cues:
        return []
    links: list[_Said] = []
    position = 0
    for start, end in sentences(text):
        here: list[tuple[tuple[Cue, ...], int, int]] = []
        while position < len(cues) and cues[position][1] < end:
            if cues[position][1] >= start:
                here.append(cues[position])
            position += 1
        if here:
            _read_sentence(text, max(start, body_start), end, here, links)
        if len(links) == 2 or position == len(cues):
            break
    return links


def _read_sentence(
    text: str,
    start: int,
    end: int,
    cues: list[tuple[tuple[Cue, ...], int, int]],
    links: list[_Said],
) -> None:
    relay = next((link for link in links if link.role in {"relay", "own-reporting"}), None)
    speaker = next((link for link in links if link.role in {"speaker", "origin"}), None)
    new: list[_Said] = []
    for kinds, cue_start, cue_end in cues:
        for source, cue in _sources(text, start, end, kinds, cue_start, cue_end):
            role = _role(source, cue)
            if role in {"relay", "own-reporting"}:
                if relay is None:
                    relay = _Said(source, role, "body")
                    new.insert(0, relay)
            elif speaker is None:
                speaker = _Said(source, role, "body")
                new.append(speaker)
    if relay is not None and speaker is not None and speaker in new:
        speaker.role = "origin"
    links.extend(new)


def _role(source: Source, cue: Cue) -> Role:
    if source.own:
        return "own-reporting"
    if cue == "seen-by" or source.generic or (source.medium and cue != "citing"):
        return "relay"
    return "origin" if cue in {"citing", "right", "after", "confirmed"} else "speaker"


def _sources(
    text: str, start: int, end: int, kinds: tuple[Cue, ...], cue_start: int, cue_end: int
) -> list[tuple[Source, Cue]]:
    """Whom a cue points to: those before it ("Ann Lee said") or behind it ("according to Ann Lee")."""
    for cue in kinds:
        if cue in {"left", "confirmed", "after"}:
            source = _before(text, start, cue_start)
        else:
            source = _behind(text, cue_end, end)
        if source is not None:
            return [(source, cue)]
    return []


def _before(text: str, start: int, cue_start: int) -> Source | None:
    begin = max(start, cue_start - _REACH)
    stretch = text[begin:cue_start]
    stretch = stretch.rstrip()
    tail = _TAIL.search(stretch) if stretch.endswith(_TAIL_ENDS) else None
    stretch = stretch[: tail.start()] if tail is not None else stretch.rstrip(",")
    if _PASSIVE.search(stretch) is not None:
        return None
    last = 0
    for match in _BEGIN.finditer(stretch):
        last = match.end()
    while last < len(stretch) and stretch[last] == " ":
        last += 1
    return read_source(text, begin + last, begin + len(stretch))


def _behind(text: str, cue_end: int, end: int) -> Source | None:
    limit = min(end, cue_end + _REACH)
    begin = cue_end
    while begin < limit and text[begin] == " ":
        begin += 1
    match = _END.search(text, begin, limit)
    return read_source(text, begin, match.start() if match is not None else limit)
