"""Numbers in running text: digits in any script with their groups, number words, scales; and the words around them."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.enrich.words import FigureWords

# group signs: comma, point, apostrophes, Arabic thousands sign, narrow, thin and no-break spaces
_GROUP = ",.'’٬\u202f\u2009\u00a0"
_DIGITS = r"\d{1,3}(?:[%s]\d{3}){1,5}(?![^\W_])(?:[.,٫]\d{1,3}(?!\d))?|\d{1,18}(?:[.,٫]\d{1,4}(?!\d))?"
_PLAIN = re.compile(_DIGITS % _GROUP)
_SPACED = re.compile(_DIGITS % (_GROUP + " "))
_RUN = re.compile("[^ ]+")
_SIGNS = re.compile(r"\D")
MAX_TOKENS = 400
MAX_SIGNS = 20  # signs in a row: what follows so many belongs to nothing before them
MAX_VALUE = 9e15


class Tokens:
    """A sentence's words, numbers and signs in parallel lists, so that a look at a neighbour is one index.

    ``words`` holds the folded word, a number's digits as written, or the sign. ``values`` is the number's value,
    None where it is no number; ``spelt`` whether it was written in letters.
    """

    __slots__ = ("ends", "spelt", "starts", "values", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.values: list[float | None] = []
        self.spelt: list[bool] = []

    def joined(self, index: int) -> bool:
        """Whether a token touches the one before it: ``two-fold``, ``5kg``, ``04:00``."""
        return index < len(self.words) and index > 0 and self.starts[index] == self.ends[index - 1]


def read_tokens(text: str, folded: str, start: int, end: int, words: FigureWords) -> Tokens:
    """The tokens of ``text[start:end]``, number words and scales already joined into numbers."""
    tokens = Tokens()
    found, starts, ends, values = tokens.words, tokens.starts, tokens.ends, tokens.values
    digits = _SPACED if words.spaced_groups else _PLAIN
    numbers, scales = words.numbers, words.scales
    spelt: list[int] = []
    done = start
    # in the folded text a word is what stands between spaces; what folding made spaces of is looked up in the text
    for match in islice(_RUN.finditer(folded, start, end), MAX_TOKENS):
        begin, stop = match.span()
        if begin < done:
            continue
        if begin - done != 1 or text[done] != " ":
            _add_signs(tokens, text, done, begin)
        word = folded[begin:stop]
        value = None
        if word.isdecimal() and (number := digits.match(text, begin, end)) is not None:
            stop = number.end()
            word = text[begin:stop]
            value = parse_digits(word, decimal_comma=words.decimal_comma)
        elif word in numbers or word in scales:
            spelt.append(len(found))
        found.append(word)
        starts.append(begin)
        ends.append(stop)
        values.append(value)
        done = stop
    _add_signs(tokens, text, done, end)
    tokens.spelt = [False] * len(found)
    return _join_numbers(tokens, spelt, words) if spelt else tokens


def _add_signs(tokens: Tokens, text: str, start: int, end: int) -> None:
    for position in range(start, min(end, start + MAX_SIGNS)):
        if not text[position].isspace():
            tokens.words.append(text[position])
            tokens.starts.append(position)
            tokens.ends.append(position + 1)
            tokens.values.append(None)


def parse_digits(text: str, *, decimal_comma: bool) -> float | None:
    """``4,000`` and ``4.000`` to 4000, ``1.5`` and ``1,5`` to 1.5; None where it can be no count.

    A sign followed by exactly three digits groups them, but for a point in a language that writes decimals so.
    """
    parts = _SIGNS.split(text)
    if len(parts) == 1:
        value = float(int(text))
        return value if value < MAX_VALUE else None
    signs = _SIGNS.findall(text)
    decimal_sign = "," if decimal_comma else "."
    last_is_decimal = (
        len(parts[-1]) != 3
        or signs[-1] == "٫"
        or (len(signs) > 1 and signs[-1] != signs[0])
        or (len(signs) == 1 and signs[0] == decimal_sign and not decimal_comma)
        or parts[0] in {"0", ""}
    )
    if last_is_decimal:
        whole = int("".join(parts[:-1]) or "0")
        value = whole + int(parts[-1]) / 10 ** len(parts[-1])
    else:
        value = float(int("".join(parts)))
    return value if value < MAX_VALUE else None


def _join_numbers(raw: Tokens, spelt: list[int], words: FigureWords) -> Tokens:
    """Number words become numbers: from the last to the first, so that indexes before them stay."""
    spans: list[tuple[int, int, float, bool]] = []
    done = 0
    for index in spelt:
        if index < done:
            continue
        by_digits = index > 0 and raw.values[index - 1] is not None and raw.words[index] in words.scales
        first = index - 1 if by_digits else index
        value, done = _read_number(raw, first, words)
        if value is not None:
            spans.append((first, done, value, not by_digits))
    for first, after, value, in_letters in reversed(spans):
        raw.words[first:after] = [" ".join(raw.words[first:after])]
        raw.starts[first:after] = [raw.starts[first]]
        raw.ends[first:after] = [raw.ends[after - 1]]
        raw.values[first:after] = [value]
        raw.spelt[first:after] = [in_letters]
    return raw


def _read_number(raw: Tokens, index: int, words: FigureWords) -> tuple[float | None, int]:
    """The number that begins here and the index after it; the index itself where none does."""
    if raw.values[index] is not None:
        return _scaled(raw, float(raw.values[index] or 0), index + 1, words)
    total = 0.0
    current = 0.0
    position = index
    last_end = index
    seen_number = False
    while position < len(raw.words) and position < index + 8:
        word = raw.words[position]
        if word in words.numbers and not (seen_number and word in words.scales):
            value = float(words.numbers[word])
            # "three, four": a number that does not fit under the last begins another
            if seen_number and current and not _fits(current, value):
                break
            current += value if not (current and value == 20 and words.spaced_groups and current == 4) else 76
            seen_number = True
        elif word in words.scales and (seen_number or words.scales[word] <= 1_000):
            scale = words.scales[word]
            if scale == 100:
                current = (current or 1) * 100
            else:
                total += (current or 1) * scale
                current = 0
            seen_number = True
        elif seen_number and (word in words.joiners or word == "-") and _continues(raw, position + 1, words, current):
            position += 1
            continue
        else:
            break
        position += 1
        last_end = position
    return (total + current, last_end) if seen_number else (None, index)


def _fits(current: float, value: float) -> bool:
    below = 100 if current % 1_000 and current % 100 == 0 else 10 if current % 100 >= 20 and current % 10 == 0 else 0
    # French counts 60 + 10..19 and 4 x 20 + 1..19
    return value < below or (current % 100 in {60, 80} and value < 20) or (current == 4 and value == 20)


def _continues(raw: Tokens, position: int, words: FigureWords, current: float) -> bool:
    if position >= len(raw.words):
        return False
    word = raw.words[position]
    if raw.words[position - 1] == "-":
        return word in words.scales or (word in words.numbers and _fits(current, words.numbers[word]))
    return word in words.numbers and _fits(current, words.numbers[word])


def _scaled(raw: Tokens, value: float, position: int, words: FigureWords) -> tuple[float, int]:
    if position < len(raw.words) and raw.words[position] in words.scales:
        return value * words.scales[raw.words[position]], position + 1
    return value, position
