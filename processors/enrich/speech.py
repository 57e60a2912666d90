"""What a headline says by whom: "President Says ...", "... - Media Citing Ministry", "Police: ..."."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from processors.enrich.sources import Source, read_source

_SAY = (
    r"(?:says?|said|claims?|claimed|reports?|reported|announces?|announced|confirms?|confirmed|tells?|told|warns?|warned|"
    r"alleges?|states?|insists?|adds?|сообщил[аи]?|сообщает|сообщают|заявил[аи]?|заявляет|sagt|sagen|meldet|melden|"
    r"teilt mit|affirme|affirment|annonce|annoncent|selon|dice|dicen|afirma|afirman|anuncia|informa|informan)"
)
_LAST = re.compile(r"(?:, ?| [–—-] )(?=[^,–—:;\n]{2,90}$)")  # the comma or dash before the last part of a headline
_HINTS = ("according", "laut ", "angaben", "selon", "après", "según", "по ")
_LAST_BUT_ONE = re.compile(r"(?:, ?| [–—-] )")
_SAYING = re.compile(rf"(?P<who>.{{2,60}}?) {_SAY}(?: on [A-Z][a-z]{{2,8}})?[.!]?\s{{0,3}}$", re.IGNORECASE)
_CITING = re.compile(
    r"(?P<who>.{0,50}?) ?(?:citing|quoting|cites|quotes|unter berufung auf|citant|citando(?: a)?|со ссылкой на) "
    r"(?P<origin>.{2,60}?)[.]?\s{0,3}$",
    re.IGNORECASE,
)
_ACCORDING = re.compile(
    r"\b(?:according to|laut|nach angaben (?:von|der|des)|selon|d['’]après|según|по данным|по словам|"
    r"по сообщению|по информации) (?P<who>[^,–—:;\n]{2,60}?)[.]?\s{0,3}$",
    re.IGNORECASE,
)
_LEADING_COLON = re.compile(r"^\s{0,3}(?P<who>[^,–—:;\n]{2,50}?): ")
_LEADING_SAY = re.compile(rf"^\s{{0,3}}(?P<who>[^,–—:;\n]{{2,60}}?) (?P<verb>{_SAY}) (?:that )?", re.IGNORECASE)
_OWN = re.compile(
    r"^[\"'“‘]?(?:he|she|they|it|i|we|his|her|their|its|er|sie|il|elle|ils|él|ella|он|она|они)\b(?:['’]s|['’]re|['’]m)?",
    re.IGNORECASE,
)
_STANCE = re.compile(
    r"\b(?:opposes?|supports?|condemns?|welcomes?|backs?|urges?|calls (?:for|on)|hopes?|wants?|regrets?|"
    r"rejects?|deplores?|"
    r"is concerned|are concerned|worried|ready to|stands? (?:by|with|ready)|should|must|vows?|pledges?|thanks?|"
    r"fordert|begrüßt|verurteilt|condamne|soutient|s['’]oppose|condena|apoya|rechaza|осуждает|поддерживает|призывает)\b",
    re.IGNORECASE,
)
# "claims 12 lives" and "claims responsibility" are no claims in this sense
NO_CLAIM = re.compile(
    r"(?i)\bclaim(?:s|ed)?\s{1,3}(?:\S{1,20}\s{1,3}){0,3}(?:lives|life|responsibility|asylum|titles?|wins?|victory|awards?|prizes?|gold|silver|medals?|crown|trophy|seats?|"
    r"land|damages|compensation|benefits?|refunds?)\b"
)
_MAX = 400


class Statement(Struct, frozen=True):
    """Whoever a headline says it is from. ``verb``: say, colon or trailing. ``origin`` is whom a relay cites."""

    source: Source | None
    origin: Source | None
    verb: Literal["say", "colon", "trailing"]
    clause: str

    @property
    def generic_relay(self) -> bool:
        """Whether it is media, reports or sources that say it, nobody by name."""
        return self.source is not None and self.source.generic


def find_statement(headline: str) -> Statement | None:
    """Whose statement the headline is; None where it is told without a source. Pure."""
    text = headline[:_MAX].rstrip()
    return _trailing(text) or _leading(text)


def _trailing(text: str) -> Statement | None:
    """What the last part of a headline, behind its last comma or dash, says of the source."""
    low = text.lower()
    match = _ACCORDING.search(text) if any(hint in low for hint in _HINTS) else None
    if match is not None:
        source = read_source(text, *match.span("who"))
        return Statement(source, None, "trailing", text[: match.start()]) if source is not None else None
    parts = list(_LAST.finditer(text))
    if not parts:
        return None
    cut, start = parts[-1].span()
    match = _CITING.match(text, start)
    if match is not None:
        return _cited(text, cut, match)
    match = _SAYING.match(text, start)
    if match is not None:
        source = read_source(text, *match.span("who"))
        return Statement(source, None, "say", text[:cut]) if source is not None else None
    if text[cut] != "," and text.count(" ", start) < 5:
        source = read_source(text, start, len(text))
        if source is not None and (source.generic or source.medium or source.institution):
            return Statement(source, None, "trailing", text[:cut])
    return None


def _cited(text: str, cut: int, match: re.Match[str]) -> Statement | None:
    """Such as "- Media Citing Ministry", also as "- Media, Citing Ministry"."""
    who_start, who_end = match.span("who")
    if who_end == who_start:
        earlier = list(_LAST_BUT_ONE.finditer(text, 0, cut))
        if earlier:
            who_start, who_end, cut = earlier[-1].end(), cut, earlier[-1].start()
    source = read_source(text, who_start, who_end) if who_end > who_start else None
    origin = read_source(text, *match.span("origin"))
    return Statement(source, origin, "trailing", text[:cut]) if source is not None or origin is not None else None


def _leading(text: str) -> Statement | None:
    match = _LEADING_COLON.match(text)
    if match is not None and match.group("who").count(" ") < 6:
        source = read_source(text, *match.span("who"))
        # a bare name before a colon may be a place or a heading, above all where small letters follow
        heading = text[match.end() : match.end() + 1].islower()
        numbered = heading and any(char.isdigit() for char in match.group("who"))  # a railway line, not the railway
        if source is not None and (
            source.generic
            or source.medium
            or (source.institution and not numbered)
            or (_titled(match, source) and not heading)
        ):
            return Statement(source, None, "colon", text[match.end() :])
    match = _LEADING_SAY.match(text)
    if match is not None and NO_CLAIM.search(text) is None and match.group("who").count(" ") < 6:
        source = read_source(text, *match.span("who"))
        if source is not None:
            return Statement(source, None, "say", text[match.end() :])
    return None


def _titled(match: re.Match[str], source: Source) -> bool:
    return source.start > match.start("who") or source.who != match.group("who") or " " in source.who


def is_stance(statement: Statement) -> bool:
    """Whether it tells the speaker's own feeling or position: that is the news itself, no claim about other things."""
    clause = statement.clause.lstrip()[:120]
    return _OWN.match(clause) is not None or _STANCE.search(clause) is not None
