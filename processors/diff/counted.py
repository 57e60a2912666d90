"""What a number beside some words counts: people harmed and what was destroyed are news; readers and minutes are not.

Stems of words, in more languages than the figures are read in: that a number is news must be known everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from processors.diff.lexicon import FIGURE_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_OTHER_STEMS: Final = {
    "killed": """killi fatal corps leich mort uccis decedut falec doden dode gedood zabit ofiar śmiert öldü hayatını
        döda drepte dræbt загин убит погиб قتل قتلى مقتل وفاة وفيات ضحاي ضحية""",
    "injured": "casual verlet blessé ferit feridos gewond ranny yaral skada skadd såred поране إصاب جرح جريح جرحى",
    "missing": "dispers desaparecid vermis zagini kayıp sakna savne зникл مفقود فقدان",
    "arrested": "arrest presos detid tutukl gözalt gearrest aresztow gripn اعتقال",
    "evacuated": "sfollat evacu ewakuow евакуй إجلاء",
    "other": "victi vítim vittim opfer slachtoffer infec infiz жертв",
}
_HARM_STEMS: Final = tuple(
    sorted(
        [(word[:6], kind) for word, kind in FIGURE_KINDS.items() if len(word) > 3]
        + [(stem, kind) for kind, stems in _OTHER_STEMS.items() for stem in stems.split()],
        key=lambda pair: -len(pair[0]),
    )
)
_HARM_STEM: Final = tuple(stem for stem, _ in _HARM_STEMS)
_HARM_WORDS: Final = {word: kind for word, kind in FIGURE_KINDS.items() if len(word) <= 3} | dict.fromkeys(
    ("mrt", "ölü", "döda"), "killed"
)
_HARM_CHARACTERS: Final = (
    (re.compile("死|亡|殉|遇难|遇難|사망|숨진"), "killed"),
    (re.compile("[伤傷]|부상"), "injured"),
    (re.compile("失踪|行方不明|실종"), "missing"),
    (re.compile("被捕|逮捕|체포"), "arrested"),
    (re.compile("感染"), "other"),
)
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
MAX_TOKENS: Final = 1_500
_GROUPED: Final = re.compile(r"\d{1,3}(?:[\s.,'’]\d{3})+")
_GROUPS: Final = re.compile(r"[\s.,'’]")
_OTHER_SCRIPT: Final = re.compile(
    "[\u0590-\u06ff\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u10a0-\u10ff\u1200-\u137f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
)
"""Hebrew, Arabic, India's, Thai, Lao, Burmese, Georgian, Ethiopic, Japanese, Chinese, Korean."""
_NO_COUNT: Final = re.compile("[年月日号號時时点點分秒歳岁才년월일시분초세%:/]")
TOKENS: Final = re.compile(r"\d+(?:[\s.,:/'’-]+\d+)*|[^\W\d]+|[^\w\s]")
"""Numbers with their groups, words, and single marks."""


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
    return _harm_near(tokens, i) is not None


def _harm_near(tokens: Sequence[str], i: int) -> str | None:
    words = (*_words(tokens, i, 1), *_words(tokens, i, -1))
    return next((kind for word in words if (kind := _harm_of(word)) is not None), None)


def _words(tokens: Sequence[str], i: int, step: int) -> list[str]:
    """The words next to a place, up to where its sentence ends."""
    words: list[str] = []
    i += step
    while 0 <= i < len(tokens) and len(words) < _NEAR and tokens[i] not in _SENTENCE_ENDS:
        if tokens[i][0].isalpha():
            words.append(tokens[i].casefold())
        i += step
    return words


def _harm_of(word: str) -> str | None:
    """What befell whom, by one word: ``killed``, ``injured``, ...; None where it says nothing of the kind."""
    if word in _HARM_WORDS:
        return _HARM_WORDS[word]
    if word.startswith(_HARM_STEM):
        return next(kind for stem, kind in _HARM_STEMS if word.startswith(stem))
    if word.isascii():
        return None
    return next((kind for pattern, kind in _HARM_CHARACTERS if pattern.search(word) is not None), None)


def changed_count(before: str, after: str) -> tuple[str, int, int] | None:
    """``(kind, from, to)`` of a number of people harmed that alone changed in a sentence, by its neighbours; else None.

    For the languages whose figures are not read: only the numbers may differ. In scripts of which few words are known
    here, any count is one; times, dates and ages are none.
    """
    a, b = TOKENS.findall(before), TOKENS.findall(after)
    if len(a) != len(b) or len(a) > MAX_TOKENS:
        return None
    places = [i for i in range(len(a)) if a[i] != b[i]]
    if not all(a[i][0].isdigit() and b[i][0].isdigit() for i in places):
        return None
    for i in places:
        old, new = _number(a[i]), _number(b[i])
        if old is None or new is None or old == new:
            continue
        kind = _harm_near(a, i) if counts_news(a, i) else None
        if kind is None and _NO_COUNT.match("".join(a[i + 1 : i + 2])) is None and _OTHER_SCRIPT.search(before):
            kind = "other"
        if kind is not None:
            return kind, old, new
    return None


def _number(token: str) -> int | None:
    plain = "".join(_GROUPS.split(token)) if _GROUPED.fullmatch(token) else token
    return int(plain) if plain.isdecimal() and len(plain) < 12 else None
