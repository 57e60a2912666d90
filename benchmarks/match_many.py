"""1,000 saved searches held against entries: the index of searches against evaluating every one, in one run.

    .venv/bin/python benchmarks/match_many.py [entries]

Prints, for an entry of about 1 KB, the time to cut it into tokens, to evaluate all searches, and to find and
evaluate the candidates only. Both ways must find the same matches.
"""

from __future__ import annotations

import random
import sys
import time

import msgspec

from wirewatch.events import EntryEvent
from wirewatch.query import Document, Query, QueryIndex, holds, parse_query, read_event_line
from wirewatch.query.tokenizer import words

SEARCHES = 1_000
COMMON = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "was",
    "on",
    "for",
    "by",
    "that",
    "with",
    "from",
    "at",
    "has",
    "were",
    "had",
    "said",
    "over",
    "after",
    "its",
    "it",
    "as",
    "is",
    "an",
    "be",
]


def vocabulary(rng: random.Random) -> list[str]:
    """Invented words, some often and most seldom used, as in a language."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    return ["".join(rng.choices(letters[:20], k=rng.randint(4, 10))) for _ in range(8_000)]


def entries(rng: random.Random, made: list[str], count: int) -> list[EntryEvent]:
    """Events with a headline, about 1 KB of body and a figure."""
    weights = [1 / (rank + 5) for rank in range(len(made))]
    found = []
    for nth in range(count):
        rare = rng.choices(made, weights, k=90)
        text = [word for pair in zip(rare, rng.choices(COMMON, k=90), strict=True) for word in pair]
        figure = {
            "kind": "killed",
            "value": rng.randint(1, 50),
            "min": None,
            "max": None,
            "qualifier": "exact",
            "unit": None,
            "text": "",
            "span": ["headline", 0, 0],
        }
        raw = {
            "op": "created",
            "feed_id": f"feed-{nth % 50}",
            "entry_id": f"en_{nth}",
            "headline": " ".join(text[:10]).title(),
            "entry": {
                "headline": " ".join(text[:10]).title(),
                "body": ". ".join([" ".join(text[10:]), "4,000 people"]),
            },
            "enrichment": {"version": "1", "figures": [figure]},
        }
        event = read_event_line(msgspec.json.encode(raw))
        assert event is not None
        found.append(event)
    return found


def search_texts(rng: random.Random, made: list[str]) -> list[str]:
    """Of every kind that people save: words, phrases, fields, prefixes, figures, alternatives."""
    kinds = (
        "{a} {b}",
        '"{a} {b}" -{c}',
        "({a} OR {b}) {c}",
        "headline:{a}",
        "{stem}* {b}",
        "{a} NEAR/5 {b}",
        "figure.killed>=10 {a}",
        "feed:feed-{number} op:created {b}",
    )
    found = []
    for nth in range(SEARCHES):
        a, b, c = rng.sample(made, 3)
        found.append(kinds[nth % len(kinds)].format(a=a, b=b, c=c, stem=a[:4], number=nth % 50))
    return found


def searches(rng: random.Random, made: list[str]) -> list[tuple[str, Query]]:
    """The same, parsed."""
    return [(f"su_{nth}", parse_query(text)) for nth, text in enumerate(search_texts(rng, made))]


def prepare(document: Document) -> None:
    """What is made once for an entry, however many searches are held against it."""
    for scope in ("headline", "body"):
        assert document.words(scope)[0].positions is not None  # type: ignore[arg-type]  # both are scopes
    assert document.facets


def main() -> None:
    """Measure and print."""
    rng = random.Random(11)
    made = vocabulary(rng)
    events = entries(rng, made, int(sys.argv[1]) if len(sys.argv) > 1 else 300)
    saved = searches(rng, made)
    index = QueryIndex(saved)
    sizes = [len(event.entry.body.encode()) for event in events if event.entry]

    def microseconds(since: float) -> float:
        return (time.perf_counter() - since) * 1e6 / len(events)

    best: dict[str, float] = {}
    for _round in range(3):
        start = time.perf_counter()
        for event in events:
            words(event.entry.body if event.entry else "")
        tokens = microseconds(start)
        start = time.perf_counter()
        documents = [Document(event) for event in events]
        for document in documents:
            document.words("headline")[0].positions, document.words("body")[0].positions, document.facets
        prepared = microseconds(start)
        start = time.perf_counter()
        by_index = [index.matching(document) for document in documents]
        indexed = microseconds(start)
        start = time.perf_counter()
        by_all = [sorted(key for key, query in saved if holds(query, document)) for document in documents]
        every = microseconds(start)
        assert by_index == by_all
        for name, value in (("tokens", tokens), ("prepared", prepared), ("indexed", indexed), ("every", every)):
            best[name] = min(best.get(name, value), value)
    candidates = sum(len(index.candidates(document)) for document in documents) / len(documents)
    mean = sum(sizes) / len(sizes)
    print(f"{len(events)} entries of {mean:.0f} bytes, {SEARCHES} searches, {sum(map(len, by_index))} matches")
    print(f"cut a body into tokens          {best['tokens']:9.1f} us an entry")
    print(f"tokens, positions and facets    {best['prepared']:9.1f} us an entry (once, however many searches)")
    print(f"index of searches               {best['indexed']:9.1f} us an entry, {candidates:.1f} candidates")
    print(f"every search evaluated          {best['every']:9.1f} us an entry")
    print(f"ratio                           {best['every'] / best['indexed']:9.1f}")


if __name__ == "__main__":
    main()
