"""What an element means, whichever namespace, prefix and case a feed writes it in."""

from __future__ import annotations

from functools import lru_cache

_FAMILIES = (
    ("http://www.w3.org/2005/atom", "core"),
    ("http://purl.org/atom/ns", "core"),
    ("http://purl.org/atom/", "core"),
    ("http://purl.org/rss/1.0/modules/content", "content"),
    ("http://purl.org/rss/1.0/modules/syndication", "sy"),
    ("http://purl.org/rss/1.0/modules/prism", "prism"),
    ("http://purl.org/rss/1.0/modules/", "other"),
    ("http://purl.org/rss/1.0", "core"),
    ("http://purl.org/net/rss1.1", "core"),
    ("http://my.netscape.com/rdf/simple/0.9", "core"),
    ("http://channel.netscape.com/rdf/simple/0.9", "core"),
    ("http://my.netscape.com/publish/formats/rss-0.91.dtd", "core"),
    ("http://backend.userland.com", "core"),
    ("http://blogs.law.harvard.edu/tech/rss", "core"),
    ("http://purl.org/dc/elements", "dc"),
    ("http://purl.org/dc/terms", "dcterms"),
    ("http://search.yahoo.com/mrss", "media"),
    ("http://video.search.yahoo.com/mrss", "media"),
    ("http://tools.search.yahoo.com/mrss", "media"),
    ("http://www.itunes.com", "itunes"),
    ("http://www.w3.org/1999/xhtml", "xhtml"),
    ("http://rssnamespace.org/feedburner", "feedburner"),
    ("http://www.pheedo.com/namespace/pheedo", "feedburner"),
    ("http://prismstandard.org/namespaces", "prism"),
    ("http://purl.org/atompub/tombstones", "at"),
    ("http://www.google.com/schemas/sitemap-news", "news"),
    ("http://www.google.com/schemas/sitemap-image", "image"),
    ("http://www.google.com/schemas/sitemap/", "core"),
    ("http://www.sitemaps.org/schemas/sitemap", "core"),
)
# prefixes that are used without being declared
_PREFIXES = {
    "atom": "core",
    "atom10": "core",
    "rss": "core",
    "content": "content",
    "dc": "dc",
    "dcterms": "dcterms",
    "media": "media",
    "itunes": "itunes",
    "xhtml": "xhtml",
    "feedburner": "feedburner",
    "prism": "prism",
    "sy": "sy",
    "news": "news",
    "image": "image",
    "at": "at",
}
_CORE = {
    "title": "title",
    "link": "link",
    "guid": "guid",
    "id": "id",
    "description": "description",
    "summary": "summary",
    "content": "content",
    "fullitem": "content",
    "body": "content",
    "pubdate": "published",
    "published": "published",
    "issued": "published",
    "created": "created",
    "updated": "updated",
    "modified": "updated",
    "date": "date",
    "lastbuilddate": "updated",
    "lastmod": "updated",
    "author": "author",
    "category": "category",
    "keywords": "keywords",
    "enclosure": "enclosure",
    "language": "language",
    "item": "item",
    "items": "items",
    "entry": "item",
    "url": "url",
    "loc": "loc",
    "channel": "channel",
    "ttl": "ttl",
    "tagline": "description",
    "subtitle": "description",
    "managingeditor": "editor",
    "name": "name",
    "image": "picture",
    "source": "source",
    "base": "base",
}
_BY_FAMILY: dict[str, dict[str, str]] = {
    "core": _CORE,
    "content": {"encoded": "content"},
    "xhtml": {"body": "content", "div": "content"},
    "dc": {
        "title": "dc-title",
        "creator": "creator",
        "author": "creator",
        "subject": "category",
        "date": "date",
        "identifier": "identifier",
        "language": "language",
        "description": "dc-description",
    },
    "dcterms": {
        "issued": "published",
        "created": "created",
        "modified": "updated",
        "available": "date",
        "date": "date",
        "title": "dc-title",
        "creator": "creator",
        "subject": "category",
        "identifier": "identifier",
        "language": "language",
        "description": "dc-description",
        "abstract": "dc-description",
    },
    "media": {
        "content": "media-content",
        "thumbnail": "media-thumbnail",
        "group": "media-group",
        "title": "media-title",
        "description": "media-description",
        "text": "media-description",
        "credit": "media-credit",
        "keywords": "keywords",
        "category": "category",
        "player": "media-player",
    },
    "itunes": {
        "author": "creator",
        "summary": "itunes-summary",
        "subtitle": "itunes-subtitle",
        "keywords": "keywords",
        "title": "itunes-title",
        "image": "itunes-image",
        "link": "link",
        "category": "category",
    },
    "feedburner": {"origlink": "origlink"},
    "prism": {"publicationdate": "date", "modificationdate": "updated"},
    "sy": {"updateperiod": "sy-period", "updatefrequency": "sy-frequency"},
    "at": {"deleted-entry": "deleted"},
    "news": {
        "news": "news",
        "title": "title",
        "publication_date": "published",
        "publication": "publication",
        "keywords": "keywords",
        "genres": "genres",
        "name": "name",
        "language": "language",
    },
    "image": {"image": "image", "loc": "loc", "caption": "caption", "title": "caption"},
}


def split_tag(tag: str) -> tuple[str, str]:
    """``{namespace}Local`` -> namespace and lower-case local name."""
    if tag[:1] == "{":
        namespace, _, local = tag[1:].partition("}")
        return namespace, local.lower()
    return "", tag.lower()


class Roles(dict[object, str]):
    """Tag (as lxml gives it) to role for one document, each worked out once; ``""`` for what we do not read."""

    def __init__(self, root_tag: str) -> None:
        super().__init__()
        self._root = split_tag(root_tag)[0]

    def __missing__(self, tag: object) -> str:
        """The role of a tag not met before in this document."""
        role = _role_of(str(tag), self._root)
        if len(self) < 2_000:  # a document of made-up names must not grow this without end
            self[tag] = role
        return role


@lru_cache(maxsize=2048)
def _role_of(tag: str, root: str) -> str:
    """The role of a tag in a document whose root has the namespace ``root``; few feeds have tags of their own."""
    namespace, local = split_tag(tag)
    return _BY_FAMILY.get(_family(namespace, local, root), {}).get(local.rpartition(":")[2], "")


def _family(namespace: str, local: str, root: str) -> str:
    if not namespace:
        prefix, colon, _ = local.partition(":")
        return _PREFIXES.get(prefix, "other") if colon else "core"
    lowered = namespace.lower()
    for start, family in _FAMILIES:
        if lowered.startswith(start):
            return family
    return "core" if namespace == root else "other"
