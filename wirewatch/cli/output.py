"""Printing: JSON lines for programs, lines for people, messages on standard error. Tables: `wirewatch.cli.tables`."""

from __future__ import annotations

import sys
from typing import Final

import msgspec
import orjson

# control characters, and what turns the direction of text: a headline must not write over what stands beside it
_DIRECTIONS: Final = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_CONTROLS: Final = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_STEERING: Final = dict.fromkeys((*_CONTROLS, *_DIRECTIONS))


def plain(text: object) -> str:
    """Text that cannot steer a terminal: a source's headline is hostile."""
    return str(text).translate(_STEERING)


def one_line(text: object) -> str:
    """The same on one line: a headline must not forge a second one."""
    return " ".join(plain(text).split())


def print_json(value: object) -> None:
    """One value as one line of JSON, at once, also into a file."""
    raw = msgspec.json.encode(value) if isinstance(value, msgspec.Struct) else orjson.dumps(value)
    print_line(raw.decode("utf-8", "replace"))


def print_line(text: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A word to the person at the keyboard, on standard error, so that it never mixes with output."""
    sys.stderr.write(plain(text) + "\n")
    sys.stderr.flush()
