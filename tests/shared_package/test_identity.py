from __future__ import annotations

import base64
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from wirewatch import identity


@given(st.lists(st.text(), min_size=2, max_size=2), st.lists(st.text(), min_size=2, max_size=2))
def test_two_different_texts_never_share_a_content_hash(a: list[str], b: list[str]) -> None:
    assert (identity.content_hash(*a) == identity.content_hash(*b)) == (a == b)


def test_where_the_headline_ends_matters() -> None:
    assert identity.content_hash("ab", "c") != identity.content_hash("a", "bc")


def test_ids_of_different_kinds_never_collide() -> None:
    assert identity.entry_id("a", "b")[3:] != identity.alert_id("a", "b")[3:]


def test_ids_are_the_same_on_every_machine() -> None:
    assert identity.entry_id("kz-live", "n1") == "en_rwui4rwal62un2ecxi6amppk"


def test_a_lone_surrogate_still_has_an_id() -> None:
    assert identity.content_hash("\ud800", "").startswith("ch_")


@given(st.text(), st.text())
def test_an_id_is_the_base32_of_its_hash_in_small_letters(feed_id: str, name: str) -> None:
    hashed = hashlib.blake2b(digest_size=15, person=b"en")
    for raw in (feed_id.encode("utf-8", "surrogatepass"), name.encode("utf-8", "surrogatepass")):
        hashed.update(len(raw).to_bytes(8, "big") + raw)
    assert identity.entry_id(feed_id, name) == "en_" + base64.b32encode(hashed.digest()).decode().lower()
