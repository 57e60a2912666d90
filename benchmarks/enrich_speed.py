"""How long enrichment takes for a text, next to a floor: the language model and one pass of the gazetteer.

    python benchmarks/enrich_speed.py

The texts are made up here; sizes are in characters. "ratio" is enrichment over the floor in the same run.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable

from processors.enrich.enrichment import MAX_BODY, read_entry, warm
from processors.enrich.gazetteer import gazetteer
from processors.enrich.language import find_language
from processors.enrich.text import fold

TEXT = """\
TARNOV (Karst) - Police in the port of Odesa detained over 120 people during a night raid, the national channel \
Karst 24 reported on Friday, citing the Interior Ministry.
At least 14 officers were injured and another 31 people were taken to hospital, including six who are in intensive \
care, Health Minister Anna Lindqvist said. Shops in Kharkiv and Lviv stayed closed until 10:00 GMT.
The minister added that Ukrainian and Polish railways would run 25 trains a day from January 9, twice as many as \
last year. She thanked volunteers in Warsaw, Berlin and Paris who have been helping families since the weekend.
The shortage is expected to last for weeks, and prices rose by 12 percent in the first days of the month, according \
to figures seen by local media. Residents were urged to stay at home and to keep away from the river bank.
"""
HEADLINE = "Over 120 Detained, 14 Officers Injured During Night Raid in Odesa - Media Citing Interior Ministry"


def body(size: int) -> str:
    """A body of that many characters."""
    return (TEXT * (size // len(TEXT) + 1))[:size]


def best_us(work: Callable[[], object], repeat: int = 7) -> float:
    """Microseconds a call takes, the best of several rounds."""
    rounds = []
    for _ in range(repeat):
        began = time.perf_counter()
        count = 0
        while time.perf_counter() - began < 0.12:
            work()
            count += 1
        rounds.append((time.perf_counter() - began) / count * 1e6)
    return min(rounds)


def main() -> None:
    """Print the table."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    warm()
    gc.collect()
    loaded = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"tables and model: {time.perf_counter() - began:.2f} s, {loaded:.0f} MiB at the most while loading")
    names = gazetteer().names
    print(f"{'body':>8} {'enrich us':>10} {'us per KB':>10} {'floor us':>9} {'ratio':>6}")
    for size in (0, 250, 1_000, 4_000, MAX_BODY):
        text = body(size)

        def enrich_once(text: str = text) -> object:
            language = find_language(f"{HEADLINE}. {text}")
            return read_entry(HEADLINE, text, language.code)

        def floor(text: str = text) -> object:
            find_language(f"{HEADLINE}. {text}")
            return names.find(fold(f"{HEADLINE}. {text}"))

        took, least = best_us(enrich_once), best_us(floor)
        per_kb = took / max((size + len(HEADLINE)) / 1000, 0.001)
        print(f"{size:>8} {took:>10.0f} {per_kb:>10.0f} {least:>9.0f} {took / least:>6.1f}")


if __name__ == "__main__":
    main()
