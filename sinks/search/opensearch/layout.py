"""What our indices on OpenSearch are called and how they are made: names, templates, mappings. Pure.

``PREFIX-entries-vS`` is the alias that is read, S being the layout's version; behind it stands one generation,
``PREFIX-entries-vS-N``, with ``PREFIX-state-vS-N`` beside it: the places in the log up to which it holds all, and
each feed's highest figures. Both are written by aliases of their own (``...-write``), which no write can make.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import Struct

from sinks.search.opensearch.address import Address
from wirewatch.query.tokenizer import TOKENIZER_VERSION
from wirewatch.query.values import FIGURE_KINDS

LAYOUT_VERSION: Final = 1
"""Changes with the mappings: a program reads and writes the indices of its own version, beside others."""

REFRESH: Final = "1s"
"""What was written is found after so long at the latest."""

TEXT_FIELDS: Final = ("headline", "body", "place", "dateline", "said_by", "tag")
_LONGEST_TOKEN: Final = 1_048_576  # the tokenizer would cut longer ones; ours are cut long before (`documents`)


class Generation(Struct, frozen=True):
    """One index of entries and the index of its state. ``number`` counts from 1."""

    prefix: str
    number: int

    @property
    def entries(self) -> str:
        """The index of the events."""
        return f"{self.prefix}-entries-v{LAYOUT_VERSION}-{self.number}"

    @property
    def state(self) -> str:
        """The index of places and highest figures."""
        return f"{self.prefix}-state-v{LAYOUT_VERSION}-{self.number}"

    @property
    def entries_write(self) -> str:
        """The alias by which events are written."""
        return f"{self.entries}-write"

    @property
    def state_write(self) -> str:
        """The alias by which the state is written."""
        return f"{self.state}-write"


def alias_of(address: Address) -> str:
    """The alias that is read."""
    return f"{address.prefix}-entries-v{LAYOUT_VERSION}"


def generation_of(address: Address, index: str) -> Generation | None:
    """The generation that an index of entries belongs to; None where its name is none of this version's."""
    found = re.fullmatch(rf"{re.escape(alias_of(address))}-(\d{{1,9}})", index)
    return Generation(address.prefix, int(found[1])) if found else None


def about() -> dict[str, Any]:
    """What a mapping says of who made it."""
    return {"made_by": "wirewatch", "layout": LAYOUT_VERSION, "tokenizer": TOKENIZER_VERSION}


def templates(address: Address) -> dict[str, dict[str, Any]]:
    """The index templates by name: every generation of this version is made by them."""
    base = {"number_of_shards": address.shards, "number_of_replicas": address.replicas}
    return {
        f"{address.prefix}-entries-v{LAYOUT_VERSION}": _template(
            f"{alias_of(address)}-*", {**base, "refresh_interval": REFRESH, **_analysis()}, _entry_fields()
        ),
        f"{address.prefix}-state-v{LAYOUT_VERSION}": _template(
            f"{address.prefix}-state-v{LAYOUT_VERSION}-*", {**base, "number_of_shards": 1}, _state_fields()
        ),
    }


def _template(pattern: str, settings: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    mappings = {"dynamic": "strict", "_meta": about(), "properties": fields}
    return {
        "index_patterns": [pattern],
        "priority": 500,
        "template": {"settings": {"index": settings}, "mappings": mappings},
        "_meta": about(),
    }


def _analysis() -> dict[str, Any]:
    """Fields come cut into our own tokens, parted by spaces: nothing but the spaces is looked at there."""
    return {
        "analysis": {
            "tokenizer": {"our_tokens": {"type": "whitespace", "max_token_length": _LONGEST_TOKEN}},
            "analyzer": {"our_tokens": {"type": "custom", "tokenizer": "our_tokens"}},
        }
    }


def _entry_fields() -> dict[str, Any]:
    word, number, yes = {"type": "keyword"}, {"type": "long"}, {"type": "boolean"}
    moment = {"type": "date", "format": "epoch_millis"}
    # between the values of a field lie more positions than a phrase has words
    text = {"type": "text", "analyzer": "our_tokens", "position_increment_gap": 1_000}
    figures = {"properties": {kind: {"type": "double"} for kind in FIGURE_KINDS}}
    return {
        **dict.fromkeys(("feed_id", "event_id", "entry_id", "told_as", "subject", "op", "facets"), word),
        **dict.fromkeys(("seq", "revision"), number),
        **dict.fromkeys(("at_ms", "first_seen_ms", "time_ms", "until_ms", "sort_ms"), moment),
        **dict.fromkeys(TEXT_FIELDS, text),
        "current": yes,
        "figures": figures,
        "new_figures": figures,
        "points": {"type": "geo_point"},
        "event": {"type": "object", "enabled": False},
    }


def _state_fields() -> dict[str, Any]:
    return {"kind": {"type": "keyword"}, "value": {"type": "object", "enabled": False}}
