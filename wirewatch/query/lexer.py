"""A query's text cut into its pieces, each with its position. Linear in the text."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, NamedTuple

from wirewatch.query.syntax import QueryError

PieceKind = Literal["(", ")", "AND", "OR", "NOT", "NEAR", "word", "quoted", "field", "figure", "end"]
QUOTES = '"“”„‟'
_OPERATORS: dict[str, PieceKind] = {"AND": "AND", "OR": "OR", "NOT": "NOT"}
_SPACE = re.compile(r"\s+")
_CHUNK = re.compile(rf"[^\s(){QUOTES}]+")
_NEAR = re.compile(r"NEAR/(\d{1,6})")
_FIGURE = re.compile(r"(?i)figure[.:<>=!].")
_FIELD = re.compile(r"([A-Za-z][A-Za-z-]*):")
MAX_DISTANCE = 255


class Piece(NamedTuple):
    """``text`` as it stands; ``value`` what it means: a word, the inside of quotes, a field's name, a distance."""

    kind: PieceKind
    text: str
    position: int
    value: str = ""
    star: bool = False


def cut_query(text: str) -> list[Piece]:
    """All pieces, an ``end`` piece last. `QueryError` for quotes that do not close, ``NEAR`` without a number."""
    pieces: list[Piece] = []
    at = 0
    while at < len(text):
        char = text[at]
        if space := _SPACE.match(text, at):
            at = space.end()
        elif char in "()":
            pieces.append(Piece("(" if char == "(" else ")", char, at))
            at += 1
        elif char in QUOTES:
            at = _cut_quoted(text, at, pieces)
        else:
            at = _cut_chunk(text, at, pieces)
    pieces.append(Piece("end", "", len(text)))
    return pieces


def _cut_quoted(text: str, at: int, pieces: list[Piece]) -> int:
    end = at + 1
    while end < len(text) and text[end] not in QUOTES:
        end += 1
    if end == len(text):
        raise QueryError(at, text[at:], 'a closing " after the phrase')
    star = text.startswith("*", end + 1)
    stop = end + 1 + star
    pieces.append(Piece("quoted", text[at:stop], at, text[at + 1 : end], star))
    return stop


def _cut_chunk(text: str, at: int, pieces: list[Piece]) -> int:
    match = _CHUNK.match(text, at)
    assert match is not None  # the caller has seen a character that starts one
    chunk, end = match[0], match.end()
    opens_more = end < len(text) and text[end] in f"({QUOTES}"
    if chunk[0] == "-" and (opens_more or not _only_marks(chunk)):
        pieces.append(Piece("NOT", "-", at))
        return at + 1
    if chunk in _OPERATORS:
        pieces.append(Piece(_OPERATORS[chunk], chunk, at))
    elif chunk == "NEAR" or chunk.startswith("NEAR/"):
        pieces.append(_near_piece(chunk, at))
    elif _FIGURE.match(chunk):
        pieces.append(Piece("figure", chunk, at, chunk))
    elif name := _FIELD.match(chunk):
        pieces.append(Piece("field", name[0], at, name[1].lower()))
        if name.end() < len(chunk):  # the rest is its value, whatever it holds
            value = chunk[name.end() :]
            pieces.append(Piece("word", value, at + name.end(), value.removesuffix("*"), value.endswith("*")))
    elif not _only_marks(chunk):
        pieces.append(Piece("word", chunk, at, chunk.removesuffix("*"), chunk.endswith("*")))
    return end


def _near_piece(chunk: str, at: int) -> Piece:
    match = _NEAR.fullmatch(chunk)
    if match is None or int(match[1]) > MAX_DISTANCE:
        raise QueryError(at, chunk, f'NEAR/5 between two words, with a number up to {MAX_DISTANCE} ("NEAR" is a word)')
    return Piece("NEAR", chunk, at, str(int(match[1])))


def _only_marks(chunk: str) -> bool:
    """Whether a piece is nothing but punctuation, such as a dash between words; a star is never that."""
    return all(unicodedata.category(char)[0] == "P" and char != "*" for char in chunk)
