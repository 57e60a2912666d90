"""People and organisations, only as far as plain rules find them surely: whoever speaks, and who has a title."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from processors.enrich.text import word_set
from wirewatch.events import Attribution, Mention, Span

if TYPE_CHECKING:
    from wirewatch.events.entries import TextField

MAX_NAMES = 50
_NAME = r"[^\W\d_a-zа-яà-öø-ÿ][^\W\d_]{1,24}(?:[-'’][^\W\d_]{1,24}){0,2}"
_PERSON = re.compile(
    r"\b(?:President|Minister|Chancellor|Secretary of State|Secretary General|Secretary-General|Premier|Governor|Mayor|"
    r"Senator|General|Colonel|Ambassador|spokesman|spokeswoman|spokesperson|chief|King|Queen|Pope|Kanzler|Ministerin|"
    r"Präsident|président|ministre|presidente|ministro|президент|министр|губернатор) "
    rf"({_NAME} (?:(?:von der|von|van|de|al|bin|el) )?{_NAME}(?: {_NAME})?)"
)
_ORGANISATION = re.compile(
    r"\b((?:Interior|Foreign|Defence|Defense|Health|Finance|Justice|Emergency|Emergencies|Education|Energy) Ministry|"
    r"Ministry of [A-Z][a-z]{2,20}(?: [A-Z][a-z]{2,20})?|State Department|United Nations|European Union|European Commission|"
    r"Red Cross|Security Council|World Health Organization|NATO|OSCE|CSTO|UNICEF|UNHCR|OPEC|ECOWAS|"
    r"Reuters|Interfax|Xinhua|TASS|AFP)\b"
)


def find_names(
    fields: list[tuple[TextField, str, int]], attribution: list[Attribution], *, titled: bool
) -> tuple[list[Mention], list[Mention]]:
    """People and organisations in ``(field, text, start)``; a headline written With Capitals is not read for people."""
    people: dict[str, list[Span]] = {}
    organisations: dict[str, list[Span]] = {}
    for field, text, start in fields:
        if not (titled and field == "headline"):
            for match in _PERSON.finditer(text, start):
                _add(people, match.group(1), (field, *match.span(1)))
        for match in _ORGANISATION.finditer(text, start):
            _add(organisations, match.group(1), (field, *match.span(1)))
    for link in attribution:
        words = link.who.split()
        if link.span is not None and link.role == "speaker" and 2 <= len(words) <= 4 and _is_person(words):
            _add(people, link.who, link.span)
    return _mentions(people), _mentions(organisations)


_NO_PERSON = word_set(
    "ministry police department agency office council union army government media president minister committee "
    "mod court services service forces party group officials authorities force company bank kremlin"
)


def _is_person(words: list[str]) -> bool:
    return all(word[0].isupper() and word.lower() not in _NO_PERSON for word in words)


def _add(found: dict[str, list[Span]], name: str, span: Span) -> None:
    spans = found.setdefault(name, []) if len(found) < MAX_NAMES or name in found else []
    if span not in spans:
        spans.append(span)


def _mentions(found: dict[str, list[Span]]) -> list[Mention]:
    return [Mention(name=name, spans=sorted(spans)) for name, spans in found.items()]
