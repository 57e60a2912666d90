"""JSON as sources serve it: strict and fast first, then what is nearly JSON; cut and hostile bodies told by name."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from processors.parse.encoding import decode
from processors.parse.xml_documents import LARGEST
from wirewatch.errors import BadInput

_WRAPPED = re.compile(r"\s*(?:/\*\*/)?\s*[A-Za-z_$][\w$.]{0,80}\s*\((?=\s*[\[{])")
_GUARDS = (")]}',", ")]}'", "while(1);", "for(;;);")


def read_json(body: bytes, content_type: str = "") -> tuple[Any, tuple[str, ...]]:
    """The document and notes on what was mended: ``NaN``, lone surrogates, a byte order mark, a function call around.

    Raises `BadInput`: ``empty``, ``truncated``, ``too-deep``, ``too-large``, ``error-page``, ``bad-json`` with where.
    """
    if len(body) > LARGEST:
        raise BadInput(f"the document has {len(body)} bytes; at most {LARGEST} are read", reason="too-large")
    try:
        return orjson.loads(body), ()
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg:
            raise BadInput(
                f"the JSON is nested too deep to be read, at character {error.pos}", reason="too-deep"
            ) from error
    text, note = decode(body, content_type)
    return _lenient(text, (note,) if note else ())


def _lenient(text: str, notes: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    bare = text.strip().strip("\ufeff\x00").strip()
    if not bare:
        raise BadInput("the body is empty", reason="empty")
    if bare.startswith("<"):
        raise BadInput("this is a page of HTML or XML, where JSON is expected", reason="error-page")
    bare, unwrapped = _unwrapped(bare)
    if unwrapped:
        notes = (*notes, unwrapped)
    odd: list[str] = []

    def constant(name: str) -> None:
        odd.append(name)

    try:
        document, end = json.JSONDecoder(parse_constant=constant, strict=False).raw_decode(bare)
    except RecursionError as error:
        raise BadInput("the JSON is nested too deep to be read", reason="too-deep") from error
    except json.JSONDecodeError as error:
        raise _in_words(error, bare) from error
    except ValueError as error:  # a number of thousands of digits
        raise BadInput(f"the JSON cannot be read: {error}", reason="bad-json") from error
    if bare[end:].strip():
        raise BadInput(f"the JSON ends at character {end}, and {len(bare) - end} more follow", reason="bad-json")
    if odd:
        notes = (*notes, f"{odd[0]} is no JSON and was read as null ({len(odd)} times)")
    return document, notes


def _unwrapped(text: str) -> tuple[str, str]:
    for guard in _GUARDS:
        if text.startswith(guard):
            return text[len(guard) :].lstrip(), "a guard before the JSON was left out"
    matched = _WRAPPED.match(text)
    if matched is not None:
        return text[matched.end() :].rstrip().rstrip(";").rstrip().removesuffix(
            ")"
        ), "a function call around the JSON was left out"
    return text, ""


def _in_words(error: json.JSONDecodeError, text: str) -> BadInput:
    """Cut, where the reader came to the end wanting more; else broken, with line and column."""
    where = f"line {error.lineno}, column {error.colno}"
    rest = text[error.pos :].strip()
    if not rest or error.msg.startswith("Unterminated string") or _is_cut_word(rest):
        return BadInput(f"the JSON ends before it is complete, after {len(text)} characters", reason="truncated")
    return BadInput(f"not JSON: {error.msg} at {where}", reason="bad-json")


def _is_cut_word(rest: str) -> bool:
    return any(word.startswith(rest) for word in ("true", "false", "null", "NaN", "Infinity", "-Infinity"))
