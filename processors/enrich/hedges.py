"""Hedges: whether what is said is told as a fact, as reported, as claimed, as unconfirmed or as denied.

The headline decides. Of the body only the first sentence is read, and only for words that hedge by themselves
("reportedly"): who is quoted further down does not turn a fact into a rumour.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from processors.enrich.speech import NO_CLAIM, Statement, find_statement, is_stance
from processors.enrich.text import Lexicon, fold, sentences

Hedge = Literal["none", "reported", "claimed", "unconfirmed", "denied"]
_BODY_READ = 1_000

# words that hedge wherever they stand in a headline or a first sentence
_ANYWHERE: dict[Hedge, str] = {
    "reported": "reportedly | are reported to | is reported to | was reported to | were reported to | said to be"
    " | according to reports | according to media reports | according to some reports | media reports say"
    " | local media say | it is reported | medienberichten zufolge | berichten zufolge | laut medienberichten"
    " | laut berichten | laut medien | nach medienberichten | dem vernehmen nach | selon des medias | selon les medias"
    " | selon la presse | selon des informations de presse | d apres les medias | segun medios | segun los medios"
    " | segun informes | segun la prensa | segun medios locales | по данным сми | по сообщениям сми"
    " | как сообщают сми | сообщают сми | пишут сми | сообщили сми | по информации сми",
    "claimed": "allegedly | purportedly | supposedly | claims | claim | claimed | alleges | allege | alleged that"
    " | angeblich | nach eigenen angaben | behauptet | behaupten | pretendument | soi disant | pretend | pretendent"
    " | presuntamente | supuestamente | asegura | aseguran | якобы | утверждает | утверждают | заявляет о",
    "unconfirmed": "unconfirmed | not confirmed | not been confirmed | yet to be confirmed | not independently verified"
    " | could not be verified | could not be independently verified | unverified | unbestatigt | unbestatigte"
    " | unbestatigten | nicht bestatigt | non confirme | non confirmee | non confirmees | non confirmes | sin confirmar"
    " | no confirmado | no confirmados | неподтвержденным | неподтвержденные | не подтверждено | не подтверждена",
}
# words that deny: only in the headline, where they are what the entry tells
_DENIED = (
    "denies | deny | denied | denying | refutes | refute | refuted | rejects claims | rejects reports |"
    " rejects allegations"
    " | dismisses reports | dismisses claims | rejects report | dementiert | dementieren | bestreitet | bestreiten"
    " | weist zuruck | dement | dementent | nie | nient | a dementi | niega | niegan | desmiente | desmienten | nego"
    " | опроверг | опровергло | опровергла | опровергли | опровергает | опровергают | отрицает | "
    "отрицают | отверг | отвергли"
)
DENIED_THINGS = re.compile(r"(?i)\b(?:den(?:y|ies|ied))\s{1,3}(?:entry|access|bail|visas?|permission|asylum)\b")


@cache
def _lexicon() -> Lexicon[Hedge]:
    table: dict[str, Hedge] = {part: hedge for hedge, text in _ANYWHERE.items() for part in text.split("|")}
    table.update(dict.fromkeys(_DENIED.split("|"), "denied"))
    return Lexicon(table)


def find_hedge(headline: str, body: str) -> Hedge:
    """How far what the entry tells is hedged. Pure."""
    return read_hedge(headline, body, find_statement(headline))


def read_hedge(headline: str, body: str, said: Statement | None) -> Hedge:
    """The same where the headline's own statement ("President Says ...") has been looked for already."""
    in_headline = hedging_words(headline)
    for hedge in ("denied", "unconfirmed", "reported", "claimed"):
        if hedge in in_headline:
            return hedge
    if said is not None:
        if said.generic_relay:
            return "reported"
        if said.verb == "say" and not is_stance(said):
            return "claimed"
    first = _first_sentence(body)
    in_body = hedging_words(first) - {"denied"} if first else set()
    if "claimed" in in_body and "allegedly" not in fold(first) and "angeblich" not in fold(first):
        in_body.discard("claimed")
    for hedge in ("unconfirmed", "reported", "claimed"):
        if hedge in in_body:
            return hedge
    return "none"


def hedging_words(text: str) -> set[Hedge]:
    """The hedges that a text's own words make, wherever they stand in it. Pure."""
    found = {hedge for hedge, _start, _end in _lexicon().find(fold(text))}
    if "claimed" in found and NO_CLAIM.search(text):
        found.discard("claimed")
    if "denied" in found and DENIED_THINGS.search(text):
        found.discard("denied")
    return found


def _first_sentence(body: str) -> str:
    bounds = sentences(body[:_BODY_READ])
    return body[bounds[0][0] : bounds[0][1]] if bounds else ""
