"""XML that is nearly XML: what people's programs get wrong, put right in the text before it is read again."""

from __future__ import annotations

import html.entities as html_entities
import re

from wirewatch.errors import BadInput

_DECLARATION = re.compile(r"<\?xml[^>]{0,400}\?>")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&(?:([A-Za-z][A-Za-z0-9]{0,31})(;?)|#([0-9]{1,8}|[xX][0-9A-Fa-f]{1,6});|)")
_OWN = frozenset({"amp", "lt", "gt", "quot", "apos"})
_STRAY_LESS = re.compile(r"<(?![A-Za-z_/!?])")
_ENTITY = re.compile(r"""<!ENTITY\s+([A-Za-z_][\w.-]{0,63})\s+(?:"([^"<]{0,200})"|'([^'<]{0,200})')\s*>""")
_ANY_ENTITY = re.compile(r"<!ENTITY\b")
# the sets of characters that W3C publishes for HTML, which are known here and are never fetched
_W3C_SET = re.compile(
    r"""<!ENTITY\s+%\s+[\w.-]{1,64}\s+PUBLIC\s+"-//W3C//ENTITIES [^"<>]{1,100}"\s+"[^"<>]{0,200}"\s*>"""
)
_DOCTYPE_LIMIT = 256 * 1024


def mend_xml(text: str) -> str:
    """``text`` with HTML's entities as characters, lone ampersands and less-thans escaped, illegal characters gone,
    its DOCTYPE and XML declaration taken off. CDATA sections stay as they are, but for illegal characters.

    `BadInput` (``entity-expansion``) where entities are declared that could grow or reach outside.
    """
    text = _ILLEGAL.sub("", text).removeprefix("\ufeff")
    text = _without_comments(_DECLARATION.sub("", text, count=1).lstrip())
    text, own = without_doctype(text)
    pieces: list[str] = []
    at = 0
    while True:
        start = text.find("<![CDATA[", at)
        end = text.find("]]>", start) if start >= 0 else -1
        pieces.append(_outside(text[at : start if end >= 0 else None], own))
        if end < 0:
            return "".join(pieces)
        pieces.append(text[start : end + 3])
        at = end + 3


def _without_comments(text: str) -> str:
    """Comments before the root may hold anything, a DOCTYPE too; they say nothing."""
    while text.startswith("<!--"):
        end = text.find("-->")
        if end < 0:
            raise BadInput("the document ends inside a comment", reason="truncated")
        text = text[end + 3 :].lstrip()
    return text


def _outside(text: str, own: dict[str, str]) -> str:
    def reference(matched: re.Match[str]) -> str:
        name, semicolon, number = matched.groups()
        if number:
            return _number(number)
        if name and semicolon:
            if name in _OWN:
                return matched.group()
            known = own.get(name) or html_entities.html5.get(f"{name};")
            if known:
                return known.replace("&", "&amp;").replace("<", "&lt;")
        return "&amp;" + matched.group()[1:]

    return _STRAY_LESS.sub("&lt;", _REFERENCE.sub(reference, text)) if "&" in text or "<" in text else text


def _number(number: str) -> str:
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    if code in {9, 10, 13} or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000:
        return f"&#{number};"
    return ""


def without_doctype(text: str) -> tuple[str, dict[str, str]]:
    """``text`` without its DOCTYPE, and the plain entities that this declared.

    `BadInput` (``entity-expansion``) where one is built of others, long, or stands in a file: such documents are
    attacks, and nothing in news needs them (H29-31).
    """
    start = text.find("<!DOCTYPE")
    if start < 0 or _ROOT.search(text, 0, start) is not None:
        return text, {}
    bracket, end = text.find("[", start), text.find(">", start)
    if 0 <= bracket < end or (bracket >= 0 and end < 0):
        closing = re.compile(r"\]\s*>").search(text, bracket, start + _DOCTYPE_LIMIT)
        if closing is None:
            raise BadInput("the document's DOCTYPE does not end", reason="entity-expansion")
        end = closing.end()
    elif end >= 0:
        end += 1
    else:
        raise BadInput("the document ends inside its DOCTYPE", reason="truncated")
    doctype = _W3C_SET.sub("", text[start:end])
    own = {m.group(1): m.group(2) or m.group(3) or "" for m in _ENTITY.finditer(doctype)}
    for name, value in own.items():
        own[name] = _plain(value)
    if len(_ANY_ENTITY.findall(doctype)) != len(own) or any("&" in value for value in own.values()) or len(own) > 300:
        raise BadInput(
            "the document declares entities that stand in a file, are built of others or are long; "
            "it is refused, because reading it could take any amount of memory",
            reason="entity-expansion",
        )
    return text[:start] + text[end:], own


_ROOT = re.compile(r"<[A-Za-z]")


def _plain(value: str) -> str:
    """An entity's value, if it is characters; references to others stay and are refused."""
    import html  # noqa: PLC0415 - only documents with entities of their own need it

    decoded = html.unescape(value) if re.fullmatch(r"(?:[^&]|&#\w{1,7};|&(?:amp|lt|gt|quot|apos);)*", value) else value
    return decoded if "&" not in decoded or decoded == "&" else value


_VALUE = rb"""(?:\s*+=\s*+("[^"<]*+"|'[^'<]*+'|(?:[^\s"'<>/]|/(?!>))++))?+"""
_ATTRIBUTE = re.compile(rb"([\w.:-]++)" + _VALUE)
_START_TAG = re.compile(rb"(<[A-Za-z_][\w.:-]*+)((?:\s*+[\w.:-]++" + _VALUE.replace(b'("', b'(?:"') + rb")++)(\s*+/?>)")


def mend_attributes(source: bytes) -> bytes:
    """``source`` with attributes as XML wants them: each with a value, in quotes, and a space before it.

    What stands in CDATA sections is text and stays as it is. Linear: each section is looked for once.
    """
    pieces: list[bytes] = []
    at = 0
    while (begin := source.find(b"<![CDATA[", at)) >= 0 and (end := source.find(b"]]>", begin)) >= 0:
        pieces += (_START_TAG.sub(_mended_tag, source[at:begin]), source[begin:end])
        at = end
    rest = source[at:] if begin < 0 else source[at:begin]
    return b"".join((*pieces, _START_TAG.sub(_mended_tag, rest), source[at + len(rest) :]))


def _mended_tag(matched: re.Match[bytes]) -> bytes:
    name, attributes, end = matched.groups()
    return name + _ATTRIBUTE.sub(_mended_attribute, attributes) + end


def _mended_attribute(matched: re.Match[bytes]) -> bytes:
    name, value = matched.groups()
    if value is None:
        value = b'""'
    return b" %b=%b" % (name, value if value[:1] in b"\"'" else b'"%b"' % value)
