"""What a number counts: the words to its right and left, in its own clause, decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from processors.enrich.words import Form, Kind, Qualifier

if TYPE_CHECKING:
    from processors.enrich.numbers import Tokens
    from processors.enrich.words import FigureWords, Phrases

_RIGHT = 11  # how many words after a number its kind may stand
_NOUN = 5  # how many words after a number the noun it counts may stand
_TOLL = 14  # how many words before a number a toll may stand
_RANGE = frozenset({"-", "–", "—", "to", "bis", "a", "à"})
_MONEY = frozenset("$€£¥₽₸₹#№§°%")
_WORDLIKE = frozenset("'’\"“”«»„()")


class Reading(Struct):
    """A number that counts something. ``value`` None: as many as the figure before ("an equal number")."""

    kind: Kind
    value: float | None
    qualifier: Qualifier
    unit: str | None
    start: int
    end: int
    low: float | None = None
    including: bool = False
    listed: bool = False
    first: int = 0  # tokens: where its phrase begins, and the one after it
    after: int = 0
    said_after: bool = False  # whether its kind stands to its right


class _Hit(Struct):
    """A phrase of a kind in the sentence, by tokens."""

    kind: Kind
    form: Form
    first: int
    after: int


def _phrase_at(words: list[str], index: int, candidates: list[tuple[int, str]]) -> str | None:
    for length, phrase in candidates:
        if length == 1 or " ".join(words[index : index + length]) == phrase:
            return phrase
    return None


class KindReader:
    """Reads one sentence's numbers."""

    def __init__(self, tokens: Tokens, words: FigureWords, phrases: Phrases) -> None:
        self._tokens = tokens
        self._words = words
        self._phrases = phrases
        self._hits: dict[int, _Hit] = {}
        self._ends: dict[int, _Hit] = {}
        known = phrases.kinds
        for index, word in enumerate(tokens.words):
            if word in known:
                phrase = _phrase_at(tokens.words, index, known[word])
                if phrase is not None:
                    kind, form = words.kinds[phrase]
                    hit = _Hit(kind, form, index, index + phrase.count(" ") + 1)
                    self._hits[index] = self._ends[hit.after] = hit

    def readings(self) -> list[Reading]:
        """Each number that is a figure, in order."""
        found: list[Reading] = []
        tokens, vague = self._tokens, self._phrases.vague
        done = 0
        for index, value in enumerate(tokens.values):
            if index < done or (value is None and tokens.words[index] not in vague):
                continue
            first, after, number = self._number_at(index)
            reading = self._read(first, after, number) if after > index else None
            if reading is not None:
                found.append(reading)
            done = max(after, reading.after if reading is not None and reading.low is not None else 0)
        self._share_kinds(found)
        return found

    def _share_kinds(self, found: list[Reading]) -> None:
        """In "Five soldiers and three civilians were killed" the kind said once holds for both."""
        for one, following in zip(reversed(found[:-1]), reversed(found[1:]), strict=True):
            between = self._tokens.words[one.after : following.first]
            joined = bool(between) and all(word in self._words.together for word in between)
            if joined and one.kind == "other" and one.unit == "person" and following.said_after:
                one.kind, one.said_after = following.kind, True

    def _number_at(self, index: int) -> tuple[int, int, float | None]:
        """``(first, after, value)`` of the number here: digits, number words, vague words, "an equal number"."""
        words = self._tokens.words
        candidates = self._phrases.vague.get(words[index])
        phrase = _phrase_at(words, index, candidates) if candidates is not None else None
        if phrase is not None:
            vague = self._words.vague.get(phrase)
            return index, index + phrase.count(" ") + 1, None if vague is None else float(vague)
        value = self._tokens.values[index]
        return (index, index, None) if value is None else (index, index + 1, value)

    def _read(self, first: int, after: int, value: float | None) -> Reading | None:
        tokens, words = self._tokens, self._words
        phrase = " ".join(tokens.words[first:after])
        vague = phrase in words.vague
        equal = phrase in words.equal
        start, qualifier, low = self._left_of(first)
        if vague and qualifier == "exact":
            qualifier = "at-least"
        if not (vague or equal):
            span_end, value, low = self._range(first, after, value, low)
            after = span_end
            if self._excluded(first, after, value):
                return None
        noun, unit = self._noun(after)
        hit = self._kind(start, after)
        including = self._ending(start, self._phrases.including) is not None
        of_these = self._beginning(after, self._phrases.of_these) is not None
        whole = value is None or value == int(value)
        if hit is None and (vague or equal or value == 1):
            return None
        if hit is None and unit is None and not of_these and not (including and self._clause_follows(after)):
            return None
        if (hit is not None or unit == "person") and (not whole or value == 0):
            return None
        if tokens.spelt[first] and value == 1 and hit is not None and hit.first < first and unit is None:
            return None
        end_token = max(after, noun, hit.after if hit is not None else 0)
        begin = min(start, hit.first) if hit is not None and hit.form != "t" else start
        after_qualifier = self._qualifier_after(after, noun)
        kind: Kind = hit.kind if hit is not None else "other"
        if qualifier == "exact" and after_qualifier is not None:
            qualifier = after_qualifier
        if hit is not None and hit.form == "t" and qualifier == "at-most":
            qualifier = "exact"  # "rose to 26": the "to" belongs to the verb
        return Reading(
            kind=kind,
            value=value,
            qualifier="about" if low is not None and qualifier == "exact" else qualifier,
            unit=unit or ("person" if kind != "other" or including or of_these else None),
            start=tokens.starts[begin],
            end=tokens.ends[end_token - 1],
            low=low,
            including=including or of_these,
            listed=including,
            first=begin,
            after=end_token,
            said_after=hit is not None and hit.first >= after,
        )

    def _left_of(self, first: int) -> tuple[int, Qualifier, float | None]:
        """Where the number's phrase begins with its qualifier, and that."""
        tokens, words = self._tokens, self._words
        position = first
        for _ in range(3):
            phrase = self._ending(position, self._phrases.qualifiers)
            begin = position - phrase.count(" ") - 1 if phrase is not None else 0
            if phrase is not None and not (begin and tokens.words[begin - 1] in words.topics):
                return begin, words.qualifiers[phrase], None
            if position > 0 and tokens.words[position - 1] in words.skipped:
                position -= 1
            else:
                break
        return first, "exact", None

    def _range(
        self, first: int, after: int, value: float | None, low: float | None
    ) -> tuple[int, float | None, float | None]:
        """``12 to 15``, ``12-15``, ``between 12 and 15``: the higher end is the value."""
        tokens = self._tokens
        if after + 1 >= len(tokens.words) or value is None:
            return after, value, low
        other = tokens.values[after + 1]
        between = first > 0 and tokens.words[first - 1] in {"between", "entre", "zwischen"}
        sign = tokens.words[after] in _RANGE or (between and tokens.words[after] in {"and", "et", "y", "und"})
        if (
            sign
            and other is not None
            and value < other <= value * 20
            and tokens.spelt[first] == tokens.spelt[after + 1]
        ):
            return after + 2, other, value
        return after, value, low

    def _excluded(self, first: int, after: int, value: float | None) -> bool:
        """Whether the number is a time, date, age, price, ordinal, score, name or part of a word."""
        tokens, words = self._tokens, self._words
        before = tokens.words[first - 1] if first else ""
        following = tokens.words[after] if after < len(tokens.words) else ""
        if value is None or before in _MONEY or following in _MONEY:
            return True
        if tokens.joined(after) and following not in {",", ";", ")", ".", "!", "?", "’", "'", '"', "”", "»", "…"}:
            return not (following in {"–", "—"} and after + 1 < len(tokens.words) and not tokens.joined(after + 1))
        if tokens.joined(first) and (before.isalpha() or before in {"-", ":", ".", "/", "+", "_", "@", ",", "’", "'"}):
            return True
        if following in words.uncounted or before in words.named:
            return True
        if before == "," and following == "," and first > 1 and value < 120 and not tokens.spelt[first]:
            return True  # a name, its age, and the rest
        return self._is_year(first, after, value)

    def _is_year(self, first: int, after: int, value: float) -> bool:
        tokens, words = self._tokens, self._words
        if len(tokens.words[first]) != 4 or not 1800 <= value <= 2100 or tokens.spelt[first]:
            return False
        following = tokens.words[after] if after < len(tokens.words) else ""
        return following not in words.people and after not in self._hits

    def _noun(self, after: int) -> tuple[int, str | None]:
        """The token after the noun that the number counts, and its unit; ``(0, None)`` where there is none."""
        tokens, words = self._tokens, self._words
        for index in range(after, min(after + _NOUN, len(tokens.words))):
            word = tokens.words[index]
            if word in words.people:
                last = index + 1
                # "police officers", "protesters"; the longest run of nouns is the noun
                while last < len(tokens.words) and last < index + 3 and tokens.words[last] in words.people:
                    last += 1
                return last, "person"
            if word in words.things:
                return index + 1, words.things[word]
            if (
                not word[:1].isalpha()
                or tokens.values[index] is not None
                or word in words.stops
                or (word in words.crossing and not (words.spaced_groups and word in {"de", "d"}))
                or index in self._hits
            ):
                if word in {"-", "’", "'", "“", '"'}:
                    continue
                break
        return 0, None

    def _kind(self, start: int, after: int) -> _Hit | None:
        right, fallback = self._kind_right(after)
        if right is not None:
            return right
        left = self._kind_left(start)
        return left if left is not None else fallback

    def _kind_right(self, after: int) -> tuple[_Hit | None, _Hit | None]:
        """The kind to the right; and, apart, one that only describes the noun ("12 injured protesters")."""
        tokens, words = self._tokens, self._words
        crossed = auxiliary = False
        fallback: _Hit | None = None
        index = after
        while index < min(after + _RIGHT, len(tokens.words)):
            word = tokens.words[index]
            hit = self._hits.get(index)
            if hit is not None:
                if hit.form in "aot" or (crossed and not auxiliary and hit.form != "i"):
                    break
                if hit.form in "pn" and hit.after < len(tokens.words) and tokens.words[hit.after] in words.people:
                    fallback = fallback or hit
                    index = hit.after
                    continue
                if hit.form == "p" and not auxiliary and self._object_follows(hit.after):
                    break
                return hit, fallback
            if tokens.values[index] is not None or (not word[:1].isalpha() and word not in _WORDLIKE and word != "-"):
                break
            if word in words.auxiliaries:
                auxiliary = True
            elif word in words.stops:
                break
            elif word in words.crossing:
                crossed = True
            index += 1
        return None, fallback

    def _object_follows(self, after: int) -> bool:
        tokens, words = self._tokens, self._words
        if after >= len(tokens.words):
            return False
        if tokens.values[after] is not None:
            return True
        if any(" ".join(tokens.words[after : after + n]) in words.qualifiers for n in (1, 2, 3)):
            return True
        follows = tokens.words[after] in words.objects
        return follows and (after + 1 >= len(tokens.words) or tokens.words[after + 1] not in words.uncounted)

    def _kind_left(self, start: int) -> _Hit | None:
        tokens, words = self._tokens, self._words
        position = start
        for _ in range(4):
            hit = self._ends.get(position)
            if hit is not None and (hit.form in words.left or (hit.form == "n" and tokens.words[position - 1] == ":")):
                return hit
            if position > 0 and (tokens.words[position - 1] in words.skipped or tokens.words[position - 1] == ":"):
                position -= 1
                hit = self._ends.get(position)
                if hit is not None and hit.form == "n" and tokens.words[position] == ":":
                    return hit
            else:
                break
        for index in range(start - 1, max(start - _TOLL, -1), -1):
            hit = self._hits.get(index)
            if hit is not None and hit.form == "t":
                return hit
            if tokens.values[index] is not None or tokens.words[index] in {";", ".", ":"}:
                return None
        return None

    def _ending(self, position: int, known: dict[str, list[tuple[int, str]]]) -> str | None:
        """The phrase that ends before that token, if one of these does."""
        words = self._tokens.words
        candidates = known.get(words[position - 1]) if position > 0 else None
        if candidates is None:
            return None
        for length, phrase in candidates:
            if length <= position and (length == 1 or " ".join(words[position - length : position]) == phrase):
                return phrase
        return None

    def _beginning(self, position: int, known: dict[str, list[tuple[int, str]]]) -> str | None:
        """The phrase that begins at that token, if one of these does."""
        words = self._tokens.words
        candidates = known.get(words[position]) if position < len(words) else None
        return _phrase_at(words, position, candidates) if candidates is not None else None

    def _clause_follows(self, after: int) -> bool:
        """Whether nothing but the relative clause or the end follows: "including 25 who are ..."."""
        tokens = self._tokens
        if after >= len(tokens.words):
            return True
        word = tokens.words[after]
        return word in self._words.auxiliaries or word in {"in", ",", ".", ";", "dans", "qui", "que", "die", "который"}

    def _qualifier_after(self, after: int, noun: int) -> Qualifier | None:
        for begin in (after, noun):
            phrase = self._beginning(begin, self._phrases.after) if begin else None
            if phrase is not None:
                return self._words.after[phrase]
        return None
