"""One picture in many sizes, as Media RSS groups them: taken out of the bytes before a tree is built of them.

A group of ten sizes takes longer to build as elements, and to ask for each of its attributes, than all else in its
entry. Where such a group is plain, an empty element stands in its place that has its number. That the group stood where
an element can stand is not told here: whoever reads the tree counts what it finds there (see `feeds`).
"""

from __future__ import annotations

import re

from processors.parse.urls import all_plain

MARK = "WIREWATCH-TOOK-A-GROUP-OF-PICTURES-OUT-OF-HERE"
"""The attribute with the number. From a source that has this word in it nothing is taken; a long word is looked for
faster than a short one, in a third of the time.
"""

_MARK = MARK.encode()
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]{0,30}")
_PICTURE = re.compile(r"<([A-Za-z0-9]++):content((?: [A-Za-z]++=\"[ !#-%'-;=-~]*+\")++) ?/>[ \t\r\n]*+")
_NAME = re.compile(r" ([A-Za-z]++)=\"")
_URL = ' url="'
_SPACES = " \t\r\n"  # what XML calls so; Python knows more, and XML allows none of them here


class PictureGroups:
    """The groups of one document: ``addresses`` has those taken, in order, every one of them plain;
    ``none`` says that there are none.
    """

    def __init__(self, source: bytes, first_entry: bytes) -> None:
        self.addresses: list[list[str]] = []
        # one look tells whether the feed has such groups: its first entry has one
        self.none = b":group>" not in first_entry or _MARK in source
        self._endings: dict[tuple[str, str], set[str]] = {}

    def taken_from(self, entry: bytes) -> bytes | None:
        """``entry`` without its group; None where it has none, or one that is not plain. Linear in its length."""
        named = entry.find(b":group>")
        opening = entry.rfind(b"<", 0, named) if named >= 0 else -1
        closing = entry.rfind(b"</" + entry[opening + 1 : named + 7]) if opening >= 0 else -1
        if named < 0 or closing < named:
            return None
        prefix, group = entry[opening + 1 : named], entry[named + 7 : closing]
        # the rest of the entry may say what it likes; pictures with anything to decode in them are not plain
        if not prefix.isascii() or not group.isascii() or b"&" in group:
            return None
        addresses = self._read(group.decode("ascii"), prefix.decode("ascii"))
        if addresses is None:
            return None
        self.addresses.append(addresses)
        number = len(self.addresses) - 1
        return b'%b %b="%d"/>%b' % (entry[: named + 6], _MARK, number, entry[closing + named - opening + 8 :])

    def _read(self, group: str, prefix: str) -> list[str] | None:
        """Pictures that all begin as the first does and then have their address, and nothing else between them."""
        before_first = group.find(_URL) + len(_URL)
        opening = group[:before_first].lstrip(_SPACES)
        blank, *pictures = group.split(opening) if opening else ("",)
        if not pictures or blank.strip(_SPACES):
            return None
        parted = [picture.partition('"') for picture in pictures]
        endings = {ending for _, _, ending in parted}
        known = self._endings.setdefault((prefix, opening), set())
        if not known.issuperset(endings):
            if not all(_is_whole(f'{opening}"{ending}', prefix) for ending in endings - known):
                return None
            known |= endings
        addresses = [address for address, _, _ in parted]
        return addresses if all_plain(addresses) else None


def _is_whole(picture: str, prefix: str) -> bool:
    """Whether this, and an address in it, is a picture that says so, and of which we would read its address alone."""
    matched = _PICTURE.fullmatch(picture)
    if matched is None or matched.group(1) != prefix or _PREFIX.fullmatch(prefix) is None:
        return False
    names = _NAME.findall(matched.group(2))
    known = {*names}
    return len(known) == len(names) and not known & {"title", "xmlns"} and ' medium="image"' in matched.group(2)
