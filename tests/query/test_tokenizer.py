"""What a word is: one tokenizer for index and matcher."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirewatch.query.tokenizer import phrase_tokens, tokenize, words

ALPHABET = st.characters(codec=None, exclude_categories=())
NEWS = st.sampled_from(list("aB,.'’4 0é\u0301ｶﾞ火山น้ำ-\u00a0\u00adßİł٤１½\ud800\x00s"))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Café CAFE\u0301 cafe", ["cafe"] * 3),
        ("STRASSE Straße", ["strasse"] * 2),
        ("Łódź Øresund Æsir", ["lodz", "oresund", "aesir"]),
        ("ＷＩＤＥ ﬁre ①", ["wide", "fire", "1"]),
        ("the Minister's plan, KARLOVIA’S too", ["the", "minister", "plan", "karlovia", "too"]),
        ("d’Alma don't", ["d", "alma", "don", "t"]),
        ("two-fold co–op a_b", ["two", "fold", "co", "op", "a", "b"]),
        ("Ve\u00adre\u200dna", ["verena"]),
        ("Йод हिन्दी 한국어", ["иод", "हिन्दी", "한국어"]),
        ("H5N1 10km", ["h", "5", "n", "1", "10", "km"]),
        ("\x00a\ud800b\nc", ["a", "b", "c"]),
    ],
)
def test_case_diacritics_width_and_possessives_make_no_difference(text: str, tokens: list[str]) -> None:
    assert words(text) == tokens


@pytest.mark.parametrize(
    "text",
    [
        "4000",
        "4,000",
        "4.000",
        "4 000".replace(" ", "\u00a0"),
        "4\u2009000",
        "4\u202f000",
        "4'000",
        "4’000",
        "٤٬٠٠٠",
        "４，０００",
        "४०००",
    ],
)
def test_digit_groups_are_one_number(text: str) -> None:
    assert words(text) == ["4000"]
    assert words(f"over {text}, say {text}.") == ["over", "4000", "say", "4000"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("3.14 5.125", ["3.14", "5.125"]),  # a decimal fraction, not a group
        ("1.234.567,8", ["1234567.8"]),
        ("1,234.56", ["1234.56"]),
        ("12,34,567", ["1234567"]),
        ("24.01.2023", ["24", "01", "2023"]),
        ("1,2,3 or 1,22", ["1", "2", "3", "or", "1", "22"]),
        ("4 000", ["4", "000"]),  # a plain space parts words
        ("2023,100", ["2023", "100"]),
    ],
)
def test_digits_group_only_where_they_clearly_do(text: str, tokens: list[str]) -> None:
    assert words(text) == tokens


def test_scripts_without_spaces_give_pairs_and_the_last_character() -> None:
    assert words("大火災3名") == ["大火", "火災", "災", "3", "名"]
    assert words("ｶﾞｽ") == words("ガス") == ["ガス", "ス"]
    for script in ("ไฟไหม้", "ໄຟໄໝ້", "ភ្លើង", "မီးလောင်"):
        found = words(script)
        assert [len(token) for token in found[:-1]] == [2] * (len(found) - 1), script
        assert len(found[-1]) == 1


def test_a_query_in_such_a_script_finds_what_goes_on_after_it() -> None:
    assert phrase_tokens("大火") == (("大火",), False)
    assert phrase_tokens("火") == (("火",), True)
    assert phrase_tokens("3名") == (("3", "名"), True)
    assert phrase_tokens("fire") == (("fire",), False)


@given(st.one_of(st.text(ALPHABET, max_size=40), st.text(NEWS, max_size=60)))
def test_the_quick_way_and_the_way_with_places_agree(text: str) -> None:
    tokens = tokenize(text)
    assert [token.text for token in tokens] == words(text)
    assert all(0 <= token.start < token.end <= len(text) for token in tokens)
    assert [token.start for token in tokens] == sorted(token.start for token in tokens)


def test_every_token_is_its_own_only_token_and_safe_for_the_index() -> None:
    allowed = re.compile(r"[a-z0-9.\u0080-\U0010ffff]+")
    spaced = re.compile(
        "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\ua900-\uaaff\uf900-\uffff\U00020000-\U0003ffff]"
    )
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in {"Cn", "Co", "Cs"}:
            continue
        for token in words(char):
            assert allowed.fullmatch(token), hex(code)
            assert spaced.search(token) or words(token) == [token], hex(code)


def test_spans_stand_in_the_original_text() -> None:
    text = "Ｌ’É\u0301tat: 4\u00a0000 ｶﾞｽ爆発, Straße’s"
    found = {token.text: text[token.start : token.end] for token in tokenize(text)}
    assert found["4000"] == "4\u00a0000"
    assert found["ガス"] == "ｶﾞｽ"
    assert found["爆発"] == "爆発"
    assert found["strasse"] == "Straße"


@pytest.mark.parametrize(
    "piece", ["1,", "1.", "a", "1'000", "\u0301", "火", "ｶﾞ", "a\u0301", "1,000", "9", "1.1", "'s", "é", "-"]
)
def test_time_is_linear_in_the_text(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        best = 9.0
        for _ in range(5):
            start = time.process_time()  # of the processor: what else the machine does takes none of it
            words(text)
            tokenize(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(160_000) < 80 * max(seconds(10_000), 0.0005)  # 16 times the text; quadratic would be 256
