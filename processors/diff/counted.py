"""What a number beside some words counts: people harmed and what was destroyed are news; readers and minutes are not.

Stems of words, in more languages than the figures are read in: that a number is news must be known everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from processors.diff.lexicon import FIGURE_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_HARM_STEMS: Final = tuple(
    sorted(
        {word[:6] for word in FIGURE_KINDS if len(word) > 3}
        | set(
            """
            killi victi casual fatal corps infect opfer leich infiz victim blessé arrest
            mort uccis ferit dispers vittim arrestat sfollat evacua feriti decedut
            feridos vítim vitim desaparecid detid presos falec
            doden dode gedood gewond vermis slachtoffer gearrest
            zabit ranny rannyc ofiar zagini aresztow śmiert
            ölü öldü yaral kayıp tutukl gözalt hayatını
            döda dödad skadad sakna gripn drepte skadd savne dræbt såred
            загин поране жертв убит погиб
            قتل قتلى مقتل وفاة وفيات إصاب جرح جريح جرحى مفقود فقدان ضحاي ضحية اعتقال
            """.split()  # noqa: SIM905 - a list of words reads better as one
        ),
        key=len,
    )
)
_HARM_WORDS: Final = frozenset([word for word in FIGURE_KINDS if len(word) <= 3] + "mrt ölü döda cases fälle".split())  # noqa: SIM905
_HARM_CHARACTERS: Final = re.compile("[死亡伤傷殉]|遇难|遇難|失踪|行方不明|被捕|逮捕|感染|사망|부상|실종|숨진|체포")
_MEASURE_STEMS: Final = ("hectare", "hektar", "acre", "home", "house", "häuser", "maison", "casas", "cases", "гектар")
_MEASURE_WORDS: Final = frozenset(["ha", "km²", "га", "casos", "cas", "fälle", "fällen", "случаев", "症例"])
_AUDIENCE_STEMS: Final = ("comment", "komment", "coment", "коммент", "просмотр", "visualiza", "reaction", "minut")
_AUDIENCE_WORDS: Final = frozenset(
    """
    reply replies view views like likes share shares point points vote votes vues vistas aufrufe gelesen readers leser
    hour hours stunde stunden std heure heures hora horas час часа часов second seconds sekunden day days tag tage tagen
    jour jours día días дня дней
    """.split()  # noqa: SIM905 - as above
)
_SENTENCE_ENDS: Final = frozenset(".!?;|·•。！？")
_NEAR: Final = 3


def counts_news(tokens: Sequence[str], i: int) -> bool:
    """Whether the number at ``i`` counts people harmed, or homes and hectares lost, by the words around it.

    Beside it, or in its sentence up to three words before it or behind what it counts. What names readers or minutes
    ("two dead in Aster 3 comments") is no news, whatever stands before it.
    """
    after = tokens[i + 1].casefold() if i + 1 < len(tokens) else ""
    if after in _AUDIENCE_WORDS or after.startswith(_AUDIENCE_STEMS):
        return False
    if after in _MEASURE_WORDS or after.startswith(_MEASURE_STEMS):
        return True
    return any(_is_harm(word) for word in (*_words(tokens, i, -1), *_words(tokens, i, 1)))


def _words(tokens: Sequence[str], i: int, step: int) -> list[str]:
    """The words next to a place, up to where its sentence ends."""
    words: list[str] = []
    i += step
    while 0 <= i < len(tokens) and len(words) < _NEAR and tokens[i] not in _SENTENCE_ENDS:
        if tokens[i][0].isalpha():
            words.append(tokens[i].casefold())
        i += step
    return words


def _is_harm(word: str) -> bool:
    if word in _HARM_WORDS or word.startswith(_HARM_STEMS):
        return True
    return not word.isascii() and _HARM_CHARACTERS.search(word) is not None
