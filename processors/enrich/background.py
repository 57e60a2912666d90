"""Background: paragraphs that recall how it began. Their figures and places are not news."""

from __future__ import annotations

import re

from processors.enrich.text import paragraphs, sentences
from wirewatch.events import Span

_MAX_READ = 20_000
_EVENTS = (
    r"(?:protests?|unrest|riots?|clashes|demonstrations?|rall(?:y|ies)|conflict|war|fighting|crisis|violence|strikes?|"
    r"operation|invasion|offensive|outbreak|pandemic|epidemic|fires?|floods?|siege|coup|hostilities|tensions?|uprising|"
    r"insurgency|campaign|blockade|standoff|dispute|trial)"
)
_BEGAN = (
    r"(?:began|begun|broke out|erupted|started|sparked|flared|has been (?:going|raging)|have been (?:going|raging))"
)
_WHEN = (
    r"(?:earlier|since|last (?:week|month|year|summer|winter|spring|autumn|fall|\w{3,9}day)|ago|"
    r"in the first days|in late|"
    r"in early|in mid|in (?:January|February|March|April|May|June|July|August|September|October|November|December)|"
    r"on (?:January|February|March|April|May|June|July|August|September|October|November|December)|in (?:19|20)\d\d|"
    r"on \w{3,9}day)"
)
_RECAP = re.compile(
    rf"\b{_EVENTS}\b.{{0,160}}?\b{_BEGAN}\b.{{0,160}}?\b{_WHEN}\b|"
    rf"\b(?:have|has) been \w{{3,20}}ing\b.{{0,120}}?\bsince\b|"
    rf"\b{_EVENTS}\b.{{0,60}}?\b(?:have|has) (?:gripped|rocked|swept|raged|continued)\b.{{0,120}}?\bsince\b",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"^(?:background:|hintergrund:|contexte ?:|contexto:|справка:|what we know:|"
    r"in (?:19|20)\d\d,|last (?:year|month),|in (?:January|February|March|April|May|June|July|August|September|October|"
    r"November|December) (?:19|20)\d\d,|since (?:19|20)\d\d,|the (?:war|conflict|fighting|unrest|"
    r"crisis) (?:began|started|"
    r"broke out|erupted)\b|"
    r"(?:die )?(?:\w{3,20} )?(?:proteste|unruhen|kämpfe|ausschreitungen) (?:hatten |haben )?(?:begannen|"
    r"begonnen|hatten)\b|"
    r"(?:les |des )(?:manifestations|protestations|affrontements|"
    r"troubles) (?:\w{3,20} ){0,8}?(?:ont (?:commencé|éclaté)|"
    r"avaient (?:commencé|éclaté))|"
    r"(?:las )?(?:protestas|manifestaciones|disturbios) (?:\w{3,20} ){0,8}?(?:comenzaron|estallaron|empezaron)|"
    r"(?:массовые )?(?:протесты|беспорядки|акции протеста) (?:[\w-]{1,20} ){0,8}?(?:начались|вспыхнули))",
    re.IGNORECASE,
)
_HINTS = ("since", "began", "begun", "broke out", "erupted", "started", "sparked", "flared", "going", "raging")
# who says something now is no background, whatever it is about
_SAID = re.compile(r"\b(?:said|says|told|tweeted|announced|reported|urged|warned|according to)\b", re.IGNORECASE)


def find_background(body: str) -> list[Span]:
    """The paragraphs of a body, never its first, that recall earlier events. Pure; linear in the text."""
    found: list[Span] = []
    for number, (start, end) in enumerate(paragraphs(body[:_MAX_READ])):
        if number == 0:
            continue
        paragraph = body[start : min(end, start + 500)]
        low = paragraph.lower()
        if not any(hint in low for hint in _HINTS) and _OPENING.match(paragraph) is None:
            continue
        first_start, first_end = sentences(paragraph)[0]
        first = paragraph[first_start:first_end]
        low = first.lower()
        hinted = any(hint in low for hint in _HINTS)
        if _OPENING.match(first) is not None or (
            hinted and _RECAP.search(first) is not None and _SAID.search(first) is None
        ):
            found.append(("body", start, end))
    return found
