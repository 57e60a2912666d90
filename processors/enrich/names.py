"""People and organisations, only as far as plain rules find them surely: whoever speaks, and who has a title."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from processors.enrich.text import Lexicon, word_set
from wirewatch.events import Attribution, Mention, Span

if TYPE_CHECKING:
    from wirewatch.events.entries import TextField

MAX_NAMES = 50
_NAME = r"[^\W\d_a-zа-яà-öø-ÿ][^\W\d_]{1,24}(?:[-'’][^\W\d_]{1,24}){0,2}"
_PERSON = re.compile(rf" ({_NAME} (?:(?:von der|von|van|de|al|bin|el) )?{_NAME}(?: {_NAME})?)")
_TITLES = (
    "President | Minister | Chancellor | Secretary of State | Secretary General | Premier | Governor | Mayor | Senator"
    " | General | Colonel | Ambassador | spokesman | spokeswoman | spokesperson | chief | King | Queen | Pope | Kanzler"
    " | Ministerin | Präsident | président | ministre | presidente | ministro | президент | министр | губернатор"
)
_ORGANISATIONS = (
    "Interior Ministry | Foreign Ministry | Defence Ministry | Defense Ministry | Health Ministry | Finance Ministry"
    " | Justice Ministry | Education Ministry | Energy Ministry | Ministry of Health | Ministry of Defence"
    " | Ministry of Foreign Affairs | Ministry of the Interior | Ministry of Justice | State "
    "Department | United Nations"
    " | European Union | European Commission | Red Cross | Security Council | World Health Organization | NATO | OSCE"
    " | CSTO | UNICEF | UNHCR | OPEC | ECOWAS | Reuters | Interfax | Xinhua | TASS | AFP"
)
_LEXICON: Lexicon[bool] = Lexicon(  # whether it is an organisation; else what follows may be a person's name
    dict.fromkeys(_TITLES.split("|"), False) | dict.fromkeys(_ORGANISATIONS.split("|"), True)
)


def find_names(
    fields: list[tuple[TextField, str, str, int]], attribution: list[Attribution], *, titled: bool
) -> tuple[list[Mention], list[Mention]]:
    """People and organisations in ``(field, text, folded, start)``; a headline written With "
    "Capitals is not read for people.
    """
    people: dict[str, list[Span]] = {}
    organisations: dict[str, list[Span]] = {}
    for field, text, folded, start in fields:
        for organisation, begin, end in _LEXICON.find(folded):
            if begin < start:
                continue
            if organisation and text[begin].isupper():
                _add(organisations, text[begin:end], (field, begin, end))
            elif not organisation and not (titled and field == "headline"):
                match = _PERSON.match(text, end)
                if match is not None:
                    _add(people, match.group(1), (field, *match.span(1)))
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
