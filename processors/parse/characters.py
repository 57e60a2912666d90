"""Characters that nobody sees and nothing should pass on."""

from __future__ import annotations

import re

# Controls but tab and line ends, lone surrogates, zero-width and invisible characters, overrides of direction. The
# joiners U+200C and U+200D stay: Persian and emoji need them.
_JUNK = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u180e\u200b\u2060\u202d\u202e\ufeff\ud800-\udfff\ufffe\uffff]"
)

# 0x80 to 0x9F are controls in Unicode, but in news they are windows-1252 that was read as Latin-1
_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0) if code != 0x85}


def clean_characters(text: str) -> str:
    """Without control characters, NULs, lone surrogates and zero-width characters; lines and spaces as they are."""
    if text.isprintable() or _usual_spaces_gone(text).isprintable():
        return text
    return _JUNK.sub("", text.translate(_WINDOWS))


def _usual_spaces_gone(text: str) -> str:
    """Without what often stands in markup, stays, and yet is not called printable: line ends and hard spaces."""
    return text.replace("\n", "").replace("\xa0", "")
