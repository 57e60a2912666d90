"""Texts made comparable: visible text, keys of headlines, and how alike two texts are."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_WORDS = re.compile(r"\w+")
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Scripts that set no spaces between words, or few: their signs are compared one by one."""
_PARTS = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
_DIGITS = re.compile(r"\d+")
# "3m ago", "vor 5 Minuten", "hace 2 horas", "3 ore fa", "5分前": counted from the moment of looking, so never an edit
RELATIVE_TIME = re.compile(
    r"""(?ix)
    \b\d{1,3}\s?(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s+ago\b
    | \b(?:an?|one)\s+(?:second|minute|hour|day|week)\s+ago\b
    | \bjust\s+now\b | \bmoments?\s+ago\b
    | \bvor\s+(?:\d{1,3}|eine[rmn]?)\s+(?:sekunden?|minuten?|min\.?|stunden?|std\.?|tag(?:en)?)\b
    | \bil\s+y\s+a\s+(?:\d{1,3}|une?)\s*(?:s|secondes?|min|minutes?|h|heures?|j|jours?)\b
    | \bhace\s+(?:\d{1,3}|una?)\s*(?:s|segundos?|min|minutos?|h|horas?|d[ií]as?)\b
    | \b\d{1,3}\s+(?:секунд\w?|минут\w?|час(?:а|ов)?|дн(?:я|ей)|день)\s+назад\b
    | \b(?:\d{1,3}|un['’]|una?)\s*(?:second[oi]|minut[oi]|or[ae]|giorn[oi])\s+fa\b
    | \bhá\s+(?:\d{1,3}|uma?)\s*(?:s|segundos?|min|minutos?|h|horas?|dias?)\b
    | \b(?:\d{1,3}|een)\s+(?:seconden?|minuut|minuten|uur|dag|dagen)\s+geleden\b
    | \bför\s+(?:\d{1,3}|en)\s+(?:sekund(?:er)?|min(?:ut(?:er)?)?|tim(?:me|mar)?|dag(?:ar)?)\s+sedan\b
    | \b\d{1,3}\s+(?:sekund\w?|minut\w?|godzin\w?|dni|dzień)\s+temu\b
    | \b\d{1,3}\s+(?:saniye|dakika|saat|gün)\s+önce\b
    | \b\d{1,3}\s+(?:секунд\w?|хвилин\w?|годин\w?|дн(?:і|ів)|день)\s+тому\b
    | \bمنذ\s+\d{1,3}\s+(?:ثانية|ثوان|دقيقة|دقائق|ساعة|ساعات|يوم|أيام|يوما)\b
    | (?<!\d)\d{1,3}\s?(?:秒|分|分钟|分鐘|小时|小時|時間|天|日|초|분|시간|일)\s?[前전]
    """
)


def visible(text: str) -> str:
    """Text as a reader sees it: white space collapsed, invisible marks gone."""
    return " ".join((text if text.isascii() else _INVISIBLE.sub("", text)).split())


def short_hash(text: str) -> str:
    """A key for a text that is only ever compared."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


def headline_key(headline: str) -> str:
    """Equal for headlines that differ only in case, white space and punctuation; empty for an empty one."""
    words = _WORDS.findall(unicodedata.normalize("NFKC", headline).casefold())
    return short_hash(" ".join(words)) if words else ""


def _bag(text: str, limit: int = 400) -> dict[str, int]:
    bag: dict[str, int] = {}
    for word in _PARTS.findall(_DIGITS.sub("0", text.casefold()))[:limit]:
        bag[word] = bag.get(word, 0) + 1
    return bag


def likeness(one: str, other: str) -> float:
    """0.0 to 1.0: the share of words both hold, numbers counting as equal; two empty texts are alike."""
    if one == other:
        return 1.0
    bag, second = _bag(one), _bag(other)
    if not bag or not second:
        return 0.0
    common = sum(min(count, second.get(word, 0)) for word, count in bag.items())
    return common / max(sum(bag.values()), sum(second.values()))
