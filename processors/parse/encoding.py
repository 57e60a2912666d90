"""Bytes to text, whatever the source says about them. Always gives something; what was wrong goes into a note."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# how "<?" or "<r" starts where there is no byte order mark
_UNMARKED = (
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
_XML_DECLARED = re.compile(rb"""^[^<]{0,64}<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_META = re.compile(rb"""<meta\s[^<>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_HEADER = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
# what people write, and what they mean by it: each a superset that reads the named one too
_MEANT = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
}
# names that browsers know and Python does not
_LABELS = {
    "windows-31j": "cp932",
    "windows-949": "cp949",
    "windows-874": "cp874",
    "dos-874": "cp874",
    "dos-866": "cp866",
}
_LANGUAGE = re.compile(
    rb"""<(?:dc:)?language>\s*(?:<!\[CDATA\[)?\s*([A-Za-z]{2}(?:[-_][A-Za-z]{2})?)|\s(?:xml:)?lang=["']([A-Za-z]{2}(?:-[A-Za-z]{2})?)"""
)
# what was usual before UTF-8, the stricter one first
_USUAL = {
    "ja": ("euc_jp", "cp932"),
    "ko": ("cp949",),
    "zh": ("gb18030",),
    **dict.fromkeys(("zh-tw", "zh-hk"), ("big5hkscs",)),
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "kk", "ky", "tg"), ("cp1251",)),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "hr", "sl", "ro"), ("cp1250",)),
    **dict.fromkeys(("lt", "lv", "et"), ("cp1257",)),
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256",)),
    **dict.fromkeys(("he", "iw"), ("cp1255",)),
    "el": ("cp1253",),
    "tr": ("cp1254",),
    "th": ("cp874",),
}
_NOT_FOR_TEXT = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7"})
_SINGLE_BYTE = re.compile(r"cp1252|cp125\d|iso8859-\d+|koi8-\w+|mac[-_]roman|cp874|cp8\d\d|latin_?1", re.IGNORECASE)


def as_utf8(body: bytes, content_type: str = "") -> tuple[bytes, str | None]:
    """``body`` in UTF-8 without a byte order mark, and a note where what was declared did not hold.

    Bytes that are UTF-8, and either say so or say nothing, come back as they are and unread: the XML reader checks
    them anyway.
    """
    if body.startswith(codecs.BOM_UTF8):
        return body[3:], None
    if not _is_wide(body):
        declared = codec_of(declared_in_xml(body))
        if declared in {"utf-8", None} and (declared or not charset_of(content_type)):
            return body, None
    text, note = decode(body, content_type)
    return text.encode("utf-8", "replace"), note


def decode(body: bytes, content_type: str = "") -> tuple[str, str | None]:
    """``body`` as text: byte order mark, then what the document declares, then the header, then what fits."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _strict_or_replaced(body[len(mark) :], name, "its byte order mark")
    for start, name in _UNMARKED:
        if body.startswith(start):
            return _strict_or_replaced(body, name, "its first bytes")
    stated = (
        (codec_of(declared_in_xml(body) or declared_in_html(body)), "document"),
        (codec_of(charset_of(content_type)), "header"),
    )
    return _as_stated(body, [(name, where) for name, where in stated if name])


def _as_stated(body: bytes, stated: list[tuple[str, str]]) -> tuple[str, str | None]:
    utf8 = _attempt(body, "utf-8")
    for name, where in stated:
        if name == "utf-8" or (utf8 is not None and _SINGLE_BYTE.fullmatch(name) and not body.isascii()):
            # text that is valid UTF-8 by chance is next to impossible, a wrong declaration is common
            if utf8 is not None:
                wrong = name != "utf-8"
                return utf8, f"the {where} says {name}, but the text is UTF-8" if wrong else None
            continue
        text = _attempt(body, name)
        if text is not None:
            return text, None
    if utf8 is not None:
        return utf8, None
    return _guessed(body, stated[0][0] if stated else None)


def _guessed(body: bytes, stated: str | None) -> tuple[str, str]:
    what = f"the text is not the {stated} that is declared" if stated else "the text is not UTF-8 and says nothing"
    if stated and stated != "utf-8":
        return body.decode(stated, "replace"), f"{what}: characters that do not fit were replaced"
    # mostly UTF-8 with a few broken bytes, or an old western page?
    broken = body.decode("utf-8", "replace")
    good = sum(1 for c in broken[:200_000] if c > "\x7f" and c != "\ufffd")
    if good > broken[:200_000].count("\ufffd"):
        return broken, f"{what}: broken bytes were replaced"
    for name in _usual_for(body):
        text = _attempt(body, name)
        if text is not None:
            return text, f"{what}: read as {name}, which is usual in the language it says it is in"
    return body.decode("cp1252", "replace"), f"{what}: read as windows-1252"


def _usual_for(body: bytes) -> tuple[str, ...]:
    """The charsets of the language that a document says it is in."""
    matched = _LANGUAGE.search(body, 0, 4096)
    if matched is None:
        return ()
    code = (matched.group(1) or matched.group(2)).decode("ascii").lower().replace("_", "-")
    return _USUAL.get(code) or _USUAL.get(code[:2], ())


def _strict_or_replaced(body: bytes, name: str, why: str) -> tuple[str, str | None]:
    text = _attempt(body, name)
    if text is not None:
        return text, None
    return body.decode(name, "replace"), f"not all of it is {name}, as {why} says: broken bytes were replaced"


def _attempt(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


def _is_wide(body: bytes) -> bool:
    return (
        b"\x00" in body[:4]
        or body[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        or body.startswith(b"\x4c\x6f\xa7")
    )


def declared_in_xml(body: bytes) -> str | None:
    """The encoding of an XML declaration in single bytes."""
    matched = _XML_DECLARED.match(body[:400])
    return matched.group(1).decode("ascii") if matched is not None else None


def declared_in_html(body: bytes) -> str | None:
    """The charset of a page's ``meta`` element."""
    matched = _META.search(body[:4096])
    return matched.group(1).decode("ascii") if matched is not None else None


def charset_of(content_type: str) -> str | None:
    """``text/xml; charset=utf-8`` -> ``utf-8``."""
    matched = _HEADER.search(content_type)
    return matched.group(1) if matched is not None else None


@lru_cache(maxsize=256)
def codec_of(name: str | None) -> str | None:
    """Python's name for a text encoding, or for the wider one that is meant by it; None: not known."""
    if not name:
        return None
    try:
        label = name.casefold().removeprefix("x-")
        found = codecs.lookup(_LABELS.get(label, label))
    except (LookupError, ValueError):
        return None
    # the attribute is the only thing that tells text encodings from transforms such as "zlib"
    if not found._is_text_encoding or found.name in _NOT_FOR_TEXT:  # noqa: SLF001 - see above
        return None
    if found.name.startswith(("utf-16", "utf-32")):
        return None  # such text starts with a byte order mark or zeros, or is none
    return _MEANT.get(found.name, found.name)
