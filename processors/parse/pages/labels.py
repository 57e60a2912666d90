"""The label of a live page's headline: ``Live Updates: ...`` names the kind of page, not the news."""

from __future__ import annotations

import re

_WORDS = (
    r"live ?updates?|live ?blog|live ?feed|live ?ticker|live ?coverage|live ?report(?:ing)?|latest ?updates?|updates?|"
    r"breaking(?: news)?|watch live|as it happened|live|newsblog|newsticker|ticker|"
    r"minute by minute|en direct(?:o)?|direct|le direct|en vivo|minuto a minuto|última hora|directo|ao vivo|diretta|"
    r"in diretta|na żywo|canlı|онлайн(?:-трансляция)?|прямая трансляция|текстовая трансляция|хроника|"
    r"наживо|liveblogg?|direkte|direkt|suora|实时更新|直播|速報|مباشر"
)
_BEFORE = re.compile(rf"\s*[\[(]?((?:{_WORDS}))[\])]?\s*(?:[:|•]|\s[-–—])\s*(?=\S)", re.IGNORECASE)
_AFTER = re.compile(
    r"\s+[-–—|]\s*(live(?: ?updates?| ?blog| ?ticker| ?coverage)?|latest updates?|as it happened|en direct|en vivo|"
    r"ao vivo|liveblog|liveticker|онлайн)\s*$",
    re.IGNORECASE,
)


def split_label(headline: str) -> tuple[str | None, str]:
    """``"Live Updates: Bridge Closed"`` -> ``("Live Updates", "Bridge Closed")``; no label: ``(None, headline)``."""
    text = headline.strip()
    before = _BEFORE.match(text)
    if before is not None:
        return before.group(1).strip(), text[before.end() :].strip()
    after = _AFTER.search(text)
    if after is not None and after.start() > 0:
        return after.group(1).strip(), text[: after.start()].strip()
    return None, text


def sounds_live(text: str) -> bool:
    """Whether words of a live page stand in a headline, an address or a class name."""
    return _LIVE.search(_NOT_LIVE.sub(" ", text)) is not None


# "live" as a verb, and what is live without being told in entries: films, broadcasts, scores, shows
_NOT_LIVE = re.compile(
    r"(?:to|people|who|we|they|that|you|i|can|could|would|will|should|must|not|n['’]t|still|residents|families|"
    r"animals|children|women|men)[ -]+live(?![a-z])(?![ -]*(?:updates?|blog|ticker|coverage|feed|news|report|[:|–—]))|"
    r"(?<![a-z])live[- ](?:longer|tv|television|stream\w*|radio|audio|video|cam\w*|music|concerts?|shows?|events?|"
    r"scores?|action|stock|bait|births?)(?![a-z])|(?<![a-z])live-in(?![a-z])|"
    r"(?:watch|listen|stream)(?:[- ](?:it|us|now))?[- ]live(?![a-z])|(?<![a-z])(?:tv|radio|fm)[- ]live(?![a-z])",
    re.IGNORECASE,
)

_LIVE = re.compile(
    r"(?<![a-z])live(?![a-z])|live[-_ ]?(?:blog|ticker|updates?|feed|coverage)|liveblog|newsblog|newsticker|"
    r"minute[- ]by[- ]minute|as it happened|latest updates|(?<![a-z])ticker(?![a-z])|en[- ]direct|en[- ]vivo|"
    r"ao[- ]vivo|minuto[- ]a[- ]minuto|diretta|онлайн|трансляция|хроника|прям(?:ой|ая) эфир|速報|直播|"
    r"na[- ]żywo|наживо|(?<![^\W_])canlı|direkte?rapport|följ senaste|hetki hetkeltä|suora lähetys|tempo real|"
    r"minuto por minuto|minuut[- ]tot[- ]minuut|minut po minucie|dakika dakika|минута за минутой|хвилина за хвилиною|"
    r"(?<![^\W_])uživo|(?<![^\W_])živě|(?<![^\W_])naživo|élő közvetítés|ζωντανά|trực tiếp|notre direct|le direct|"
    r"^\s*direct\s*[:|–—-]|مباشر|לייב|लाइव|ライブ|中継|实时|實時|即時|滚动更新|속보|실시간",
    re.IGNORECASE,
)
