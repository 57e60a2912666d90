"""What one known entry and one that is shown have in common: the lines between an edit and another story."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from processors.diff.wording import likeness, visible

if TYPE_CHECKING:
    from processors.diff.facts import Facts
    from processors.diff.memory import Known

REISSUE_MS: Final = 120_000
"""A re-issued entry's time may differ by this much: sources re-compute times when they re-issue."""
ALIKE_BODY: Final = 0.5
ALIKE_HEADLINE: Final = 0.5
MINUTE_MS: Final = 60_000
DAILY_MS: Final = 18 * 3_600_000
"""From here on a time has moved as far as from one issue of something daily to its next."""
MUCH_TEXT: Final = 40
"""Signs from which on a text is no mere formula: word for word the same says something, and so does another one."""
_DATE: Final = re.compile(r"(?:19|20)[0-9]{6}")
_MARKED: Final = re.compile(r"(?<![0-9a-z])(?=[a-z]*[0-9])(?=[0-9]*[a-z])[0-9a-z]{6,}(?![0-9a-z])")
"""Numbers with letters among them, as some publishers count their articles."""
_ARTICLE_NUMBER: Final = re.compile(r"(?<![0-9a-z])(?:[0-9]{5,}|[0-9a-f]{8,}(?:-[0-9a-f]{4,})*)(?![0-9a-z])")


def article_numbers(url: str | None) -> set[str]:
    """What in a URL may count its article, whatever the words around it."""
    found = {*_ARTICLE_NUMBER.findall(url or ""), *_MARKED.findall(url or "")}
    return {number for number in found if not _DATE.fullmatch(number)}


def id_reused(known: Known, fact: Facts) -> bool:
    """Headline, body, URL and time all changed at once. A field that neither has says nothing; one that stayed decides.

    Fewer than three changed fields are an edit: a looser rule takes rewritten stories for other ones. A headline that
    keeps half of its words has stayed, and so has a URL whose article number is the same under another slug.
    """
    if known.entry is None:
        return False
    old, new = known.entry, fact.entry
    told = 0
    for one, other in (
        (known.headline_key, fact.headline_key),
        (known.url_key, fact.url_key),
        (known.published_ms, new.published_ms),
        (old.body, new.body),
    ):
        if not one and not other:
            continue
        if one == other:
            return False
        told += 1
    if told < 3 or (old.body and visible(old.body) == visible(new.body)):
        return False
    numbers = set(_ARTICLE_NUMBER.findall(known.url_key or "")) & set(_ARTICLE_NUMBER.findall(fact.url_key or ""))
    return not numbers and likeness(old.headline, new.headline) < ALIKE_HEADLINE


def same_headline(known: Known, fact: Facts) -> bool:
    """Whether both have that headline, but for case, white space and marks."""
    return known.headline_key == fact.headline_key != ""


def near(known: Known, fact: Facts) -> bool:
    """Whether both have no time, or nearly the same one."""
    if known.published_ms is None or fact.entry.published_ms is None:
        return known.published_ms is None and fact.entry.published_ms is None
    return abs(known.published_ms - fact.entry.published_ms) <= REISSUE_MS


def alike_body(known: Known, fact: Facts) -> bool:
    """Whether half of the words of the bodies agree, or one of them has none to compare."""
    if known.entry is None:
        return True
    return likeness(known.entry.body, fact.entry.body) >= ALIKE_BODY or not (known.entry.body and fact.entry.body)


def moved_far(known: Known, fact: Facts) -> bool:
    """Whether the two times are as far apart as the issues of something daily."""
    if known.published_ms is None or fact.entry.published_ms is None:
        return False
    return abs(known.published_ms - fact.entry.published_ms) >= DAILY_MS


def another_issue(known: Known, fact: Facts) -> bool:
    """A headline that stands there every day, over today's text: the time moved far and the bodies are not alike."""
    if known.entry is None or min(len(known.entry.body), len(fact.entry.body)) < MUCH_TEXT:
        return False
    return moved_far(known, fact) and not alike_body(known, fact)


def urls_differ(known: Known, fact: Facts) -> bool:
    """Whether the source gives each a URL of its own."""
    return known.url_key is not None and fact.url_key is not None and known.url_key != fact.url_key and fact.unique_url


def edited_likeness(known: Known, fact: Facts) -> float:
    """How much this looks like the same entry after an edit; 0.0 where the minute differs."""
    old, new = known.entry, fact.entry
    if old is None or urls_differ(known, fact):
        return 0.0
    if (known.published_ms is None) != (new.published_ms is None):
        return 0.0
    same_minute = known.published_ms is None or known.published_ms // MINUTE_MS == (new.published_ms or 0) // MINUTE_MS
    if not same_minute:
        return 0.0
    heads = likeness(old.headline, new.headline)
    if old.body and new.body and len(old.body) >= MUCH_TEXT:
        return max(heads, likeness(old.body, new.body))
    return heads
