"""The dateline at the head of a body: ``KARST, 7 May (Agency) -``; its place and agency are split off the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from processors.enrich.text import word_set
from wirewatch.events import Dateline

if TYPE_CHECKING:
    from collections.abc import Callable

# A dateline is looked for only at the very start and within this many characters.
_REACH = 160
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic|janv|fév|fevr|févr|avr|mai|juin|juil|août|"
    r"déc|mär|okt|dez|янв|фев|мар|апр|мая|июн|июл|авг|сен|окт|ноя|дек)[^\W\d_]{0,9}\.?"
)
_DATE = rf"(?:{_MONTH} ?\d{{1,2}}|\d{{1,2}}\.?(?: de)? {_MONTH})(?:,? \d{{4}})?"
_WORD = r"(?:[^\W\d_][^\W\d_.'’]{0,24}\.?(?:['’-][^\W\d_]{1,20}){0,3}|[^\W\d_]\.(?:[^\W\d_]{1,3}\.){1,2})"
_NAME = rf"{_WORD}(?: {_WORD}){{0,4}}"
_AGENCY = r"[^()\n]{2,40}"
_DASH = r"(?:\.?[-–—]{1,2}|:)"
_DASHES = re.compile(_DASH)
_DATELINE = re.compile(
    rf"\s{{0,4}}(?P<place>{_NAME}(?:/{_NAME}){{0,2}})(?P<more> ?, (?!{_DATE}){_NAME}){{0,2}}"
    rf"(?: ?[,.]? (?P<date>{_DATE}))?[,.]?"
    rf"(?: ?\((?P<agency>{_AGENCY})\)|[,.]? (?P<bare>[A-ZА-Я][\w. -]{{1,24}}?))?"
    rf"(?: (?P<date2>{_DATE}))? ?(?P<dash>{_DASH})(?=\s|$)",
    re.IGNORECASE,
)
_SHOUTED = re.compile(r"[^\W\d_]{2}")
_NO_PLACE = word_set(
    "update updates correction corrected breaking exclusive watch video photo photos live analysis opinion "
    "factbox explainer note warning advisory alert factory urgent flash new just developing q a reuters afp ap "
    "dpa"
)


def find_dateline(body: str, known: Callable[[str], bool] | None = None) -> Dateline | None:
    """The dateline that the body begins with, else None. ``span`` ends after the dash.

    What stands before a dash is a dateline only with an agency in brackets, a date, or a place in capitals:
    any other sentence may begin with a name and a dash. ``known``, where given, is asked whether a name that is not
    in capitals is a place ("Mr Smith (Labour) -" is none).
    """
    head = body[:_REACH]
    match = _DATELINE.match(head) if _DASHES.search(head) is not None else None
    if match is None:
        return None
    place = match.group("place").strip()
    if place.endswith(".") and not place[:-1].isupper():
        place = place[:-1]
    agency = match.group("agency") or match.group("bare")
    if not _plausible(match, place, known):
        return None
    return Dateline(place=place, agency=_agency_name(agency), span=("body", match.start("place"), match.end("dash")))


def _plausible(match: re.Match[str], place: str, known: Callable[[str], bool] | None) -> bool:
    """Whether what looks like a dateline is one: in capitals, or with an agency or a date behind a known place."""
    bracketed = match.group("agency")
    dated = match.group("date") or match.group("date2")
    if not place[0].isupper() or place.lower() in _NO_PLACE:
        return False
    if bracketed and bracketed.islower() and (" " in bracketed or len(bracketed) > 5):
        return False  # "Then (as before) -"; agencies in small letters are short: dpa, efe, ansa
    if not (place.isupper() and _SHOUTED.search(place) is not None):
        first = place.split("/", maxsplit=1)[0]
        return match.group("dash") != ":" and bool(bracketed or dated) and (known is None or known(first))
    return match.group("dash") != ":" or bool(dated or bracketed)


def _agency_name(text: str | None) -> str | None:
    """``Reuters, 7 May`` and ``Agency/Other`` to the agency's own name."""
    if text is None:
        return None
    name = re.split(r"[,;]", text, maxsplit=1)[0].strip(" .-–—")
    return name or None
