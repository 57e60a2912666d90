"""URLs out of documents: made absolute, and brought to one form for comparing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urljoin, urlsplit, urlunsplit

from processors.parse.characters import clean_characters
from processors.parse.words import word_set

LONGEST = 4096  # characters; a longer address is a data dump or an attack
# what most addresses are: nothing in them to mend
_CLEAN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][A-Za-z0-9%\-._~:/?#\[\]@!$&'()*+,;=]*+)?")
_FINE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%-._~:/?#[]@!$&'()*+,;="
_FINE_OR_SPACE = _FINE + b" "
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DROPPED = re.compile(r"[\t\r\n]")  # browsers drop these inside URLs, so "java\nscript:" must not pass as relative
_UNSAFE = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]")

# an address in which nothing is to be told but host, path and query; what it leaves out takes the long way
_PARTED = re.compile(
    r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(/[A-Za-z0-9%\-._~!$&'()*+,;=:@/]*+)?(?:\?([A-Za-z0-9%\-._~!$&'()*+,;=:@/?]*+))?"
)
_TRACKING = word_set(
    """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid igshid igsh ttclid li_fat_id mc_cid mc_eid mkt_tok
    at_medium at_campaign at_custom1 at_custom2 at_custom3 at_custom4 at_link_id at_link_origin at_link_type at_format
    at_ptr_name at_bbc_team at_content at_objective at_pos ns_mchannel ns_source ns_campaign ns_linkname ns_fee
    cmpid cmp
    cid_source icid intcid intcmp ito xtor xtref ocid ref ref_src ref_url referrer source_type smid smtyp
    feedname feedtype wtmc wt_mc wt_zmc wt.mc_id mod s_cid s_kwcid sr_share share spm soc_src soc_trk
    guccounter guce_referrer guce_referrer_sig traffic_source __twitter_impression outputtype amp amp_js_v usqp
    _ga _gl _hsenc _hsmi hsctatracking rssid feed-source from_rss campaign_id emc regi_id segment_id
    """
)
_TRACKING_PREFIXES = (
    "utm_",
    "at_custom",
    "pk_",
    "mtm_",
    "piwik_",
    "hsa_",
    "ga_",
    "itm_",
    "oly_",
    "vero_",
    "__cft__",
    "__tn__",
)
_IDENTIFYING_FRAGMENT = re.compile(r"[!/].+|(?=[^=]*\d)[\w.:-]{3,}", re.ASCII)
_HOST_PREFIX = re.compile(r"(?:www\d{0,2}|m|mobile|amp|cdn\d{0,2}|edge\d{0,2}|origin)\.")
_SLASHES = re.compile(r"/{2,}")
_AMP_CACHE = re.compile(r"[a-z0-9-]+\.cdn\.ampproject\.org")


def is_plain(url: str) -> bool:
    """Whether this is an absolute http or https URL in which there is nothing to mend."""
    return len(url) <= LONGEST and _CLEAN.fullmatch(url) is not None


def all_plain(urls: Sequence[str]) -> bool:
    """Whether all of them are plain. Asked at once of addresses on one host, and so at a third of the cost."""
    if not urls:
        return True
    origin = urls[0][: urls[0].find("/", 8) + 1]
    joined = " ".join(urls)  # no address that is plain has a space in it
    return (
        len(joined) <= LONGEST
        and is_plain(origin)
        and joined.count(f" {origin}") == joined.count(" ") == len(urls) - 1
        and not joined.encode("utf-8", "surrogatepass").translate(None, _FINE_OR_SPACE)
    )


def absolute(base: str, url: str) -> str | None:
    """``url`` as it stands in a document at ``base``, as an http or https URL; None where it is none.

    A user and password in it are dropped: they must not reach a record or a page.
    """
    if len(url) <= LONGEST and _CLEAN.fullmatch(url) is not None:
        return url
    text = _DROPPED.sub("", clean_characters(url).strip())
    scheme = _SCHEME.match(text)
    if not text or len(text) > LONGEST or (scheme and scheme.group().casefold() not in {"http:", "https:"}):
        return None
    try:
        parts = urlsplit(urljoin(base, text.replace("\\", "/")))
        host = parts.hostname
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or _UNSAFE.search(host):
        return None
    where = f"[{host}]" if ":" in host else host
    if port is not None:
        where = f"{where}:{port}"
    whole = urlunsplit((parts.scheme, where, parts.path, parts.query, parts.fragment))
    return _UNSAFE.sub(lambda m: f"%{ord(m.group()):02X}", whole)


def canonical(url: str) -> str:
    """One form for addresses that lead to the same thing; for comparing, never for fetching.

    http equals https; the host loses case, default port, ``www.`` and the prefixes of mobile, AMP and delivery
    hosts where a whole site name is left; the path its trailing slash, doubled slashes and AMP ending; the query
    its tracking parameters and order. A fragment stays only where it looks like a place of its own
    (``#block-60300f``, ``#!/story/1``). What is no http URL comes back stripped.
    """
    text = url.strip()
    usual = _PARTED.fullmatch(text)
    if usual is not None and not text.endswith("ampproject.org", 0, text.find("/", 8)):
        host, path, query = usual.groups("")
        query = _bare_query(query)
        return f"https://{_bare_host(host)}{_bare_path(path)}" + (f"?{query}" if query else "")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port
    except ValueError:
        return text
    if parts.scheme.casefold() not in {"http", "https"} or not host:
        return text
    path = parts.path
    if _AMP_CACHE.fullmatch(host):
        host, path = _behind_amp_cache(host, path)
    where = _bare_host(host)
    if port is not None and port not in {80, 443}:
        where = f"{where}:{port}"
    query = _bare_query(parts.query)
    fragment = parts.fragment if _identifies(parts.fragment) else ""
    return f"https://{where}{_bare_path(path)}" + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")


def host_of(url: str) -> str:
    """The lower-case host of an absolute http URL, without its port; ``""`` where there is none."""
    rest = url.partition("://")[2]
    where = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    return where.rpartition("@")[2].partition(":")[0].lower()


def _behind_amp_cache(host: str, path: str) -> tuple[str, str]:
    """``www-example-org.cdn.ampproject.org/c/s/www.example.org/x`` -> ``www.example.org``, ``/x``."""
    matched = re.match(r"/[a-z]/(?:s/)?([a-z0-9.-]+\.[a-z]{2,})(/.*)?$", path)
    return (matched.group(1), matched.group(2) or "/") if matched is not None else (host, path)


@lru_cache(maxsize=1024)
def _bare_host(host: str) -> str:
    matched = _HOST_PREFIX.match(host)
    if matched is None:
        return host
    rest = host[matched.end() :]
    # "m.co.uk" or "cdn.net" is a site of its own: a name with a word of its own must be left
    labels = rest.split(".")
    whole = len(labels) >= 3 or (len(labels) == 2 and len(labels[0]) > 3) or matched.group().startswith("www")
    return rest if whole and len(labels) >= 2 else host


def _bare_path(path: str) -> str:
    bare = (_SLASHES.sub("/", path) if "//" in path else path).rstrip("/")
    for ending in ("/amp", ".amp"):
        if bare.endswith(ending) and len(bare) > len(ending) + 1:
            bare = bare[: -len(ending)].rstrip("/")
    if bare.endswith(("/index.html", "/index.htm", "/index.php")):
        bare = bare.rpartition("/")[0]
    return bare or "/"


def _bare_query(query: str) -> str:
    if not query:
        return ""
    kept = []
    for pair in query.replace("&amp;", "&").split("&"):
        key = pair.partition("=")[0].casefold()
        if pair and key not in _TRACKING and not key.startswith(_TRACKING_PREFIXES):
            kept.append(pair)
    return "&".join(sorted(kept))


def _identifies(fragment: str) -> bool:
    """Whether a fragment names a thing (a block of a live page) rather than a spot, a count or a campaign."""
    if not fragment or fragment.startswith(":~:") or fragment.casefold().startswith(("xtor", "ref", "rss", "utm_")):
        return False
    return _IDENTIFYING_FRAGMENT.fullmatch(fragment) is not None
