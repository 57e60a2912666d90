"""Entries as nearly all feeds of news write them, read in one go: a headline, a text, an address, an id and a date.

Where each stands once and bare, few questions to the tree are enough, and as the next entry holds the same elements in
the same order, what they mean is told once. What is not so is left to `read_entry`; what is read here, it reads alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from lxml import etree
from msgspec import Struct

from processors.parse.dates import usual_time
from processors.parse.feed_entries import BODIES, LONGEST_ID, SOME_ALIAS, Context, authors_of, tags_of
from processors.parse.feed_media import SHOWN, media_of
from processors.parse.feed_roles import Roles
from processors.parse.model import ParsedEntry
from processors.parse.text import inner_text_of_title, read_markup
from processors.parse.urls import is_plain

_MOST = 200
_ASKED_CLOSER = frozenset({*SOME_ALIAS, "updated", "language"})
_FURTHER = frozenset({*SHOWN, "author", "creator", "editor", "category", "keywords"})


class Layout(Struct, frozen=True):
    """Where things stand in entries of the same elements: ``usual`` takes headline, text, address, id and date out of
    them, ``further`` are the places of authors, tags and media by role, ``one_text`` says that no other element may
    have the text where that one is empty.
    """

    usual: Callable[[Sequence[etree._Element]], tuple[etree._Element, ...]]
    further: dict[str, tuple[int, ...]]
    one_text: bool


class Layouts(dict[tuple[object, ...], Layout | None]):
    """The elements of an entry, by tag, to their layout, each worked out once; None: not as usual."""

    def __init__(self, roles: Roles) -> None:
        super().__init__()
        self._roles = roles

    def __missing__(self, tags: tuple[object, ...]) -> Layout | None:
        """The layout of elements not met before in this document."""
        layout = self._layout(tags)
        if len(self) < 200:  # a document whose entries all differ must not grow this without end
            self[tags] = layout
        return layout

    def _layout(self, tags: tuple[object, ...]) -> Layout | None:
        places: dict[str, list[int]] = {}
        for place, tag in enumerate(tags):
            role = self._roles[tag]
            if role == "source" and str(tag).startswith("{"):  # Atom's may have authors in it
                return None
            if role:
                places.setdefault(role, []).append(place)
        texts = [role for role in BODIES if role in places]
        if not texts or not _ASKED_CLOSER.isdisjoint(places):
            return None
        chosen = [places.get(role, []) for role in ("title", texts[0], "link", "guid", "published")]
        if any(len(found) != 1 for found in chosen):
            return None
        return Layout(
            itemgetter(*[found[0] for found in chosen]),
            {role: tuple(found) for role, found in places.items() if role in _FURTHER},
            one_text=len(texts) == 1 and "media-group" not in places,
        )


def read_usual(
    element: etree._Element, context: Context, layouts: Layouts, *, position: int, raw_hash: str
) -> ParsedEntry | None:
    """An entry, normalised; None where anything in it is to be looked at more closely."""
    if len(element) > _MOST:  # a layout of its own for each such entry would be kept, and never used again
        return None
    children = list(element)
    layout = layouts[tuple([child.tag for child in children])]
    if layout is None:
        return None
    title, body, link, guid, date = layout.usual(children)
    if title.keys() or body.keys() or link.keys() or len(title) + len(body) + len(link) + len(guid) + len(date):
        return None
    url, native_id, raw = (link.text or "").strip(), (guid.text or "").strip(), (date.text or "").strip()
    at = usual_time(raw) if raw.isprintable() else None
    if at is None or not is_plain(url) or not native_id or " " in native_id or "<" in native_id:
        return None
    headline = inner_text_of_title(title.text or "")
    content = read_markup(body.text or "", context.base)
    if not headline or not native_id.isprintable() or not (content.text or content.media or layout.one_text):
        return None
    found = {role: [children[place] for place in places] for role, places in layout.further.items()}
    return ParsedEntry(  # by position, in the order of the fields: keywords take six times as long
        native_id[:LONGEST_ID] if native_id != headline else None,
        headline,
        content.text,
        content.html,
        (),
        url,
        None,
        at.ms,
        at.precision,
        "source",
        raw,
        None,
        position,
        False,  # noqa: FBT003 - pinned: a feed has no such thing
        False,  # noqa: FBT003 - nor key events
        (authors_of(found) if found else ()) or context.authors,
        tags_of(found) if found else (),
        None,
        media_of(found, context.base, context.roles, content.media, context.pictures) if found else content.media,
        content.links,
        context.language,
        content.truncated,
        False,  # noqa: FBT003 - deleted: see `read_tombstone`
        raw_hash,
    )
