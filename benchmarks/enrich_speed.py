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
ORDINARY_HEADLINE = "Velmora to replace ferry with bridge after years of complaints"
ORDINARY = """\
The council of Velmora said on Tuesday that work on the new bridge over the river Tarn would begin next spring. \
Residents had complained for years about the ferry, which often stops in bad weather.
The mayor, Anna Lindqvist, told reporters that the money had been found and that local firms would be asked first. \
"We have waited long enough," she said, adding that the old landing stage would be kept as a museum.
Three people were injured when the ferry hit the quay in January, and an inquiry found that the brakes had not been \
checked. The operator has since paid for repairs and says that the boat is safe.
Shops near the landing stage fear that they will lose trade. Their association wants the council to build a car park \
and to lower rents until the bridge is open. A meeting is planned for next week in the town hall, where engineers \
will show drawings and answer questions from the public.
The bridge will be paid for by the region and the state in equal parts. It is the largest building project in the area \
since the dam was finished.
"""
HEADLINE = "Over 120 Detained, 14 Officers Injured During Night Raid in Odesa - Media Citing Interior Ministry"


def body(size: int) -> str:
    """A body of that many characters."""
    return (TEXT * (size // len(TEXT) + 1))[:size]


def best_us(work: Callable[[], object], repeat: int = 7) -> float:
    """Microseconds a call takes, the best of several rounds."""
    rounds = []
    for _ in range(repeat):
        began = time.process_time()  # of this process alone: the machine may be shared
        count = 0
        while time.process_time() - began < 0.12:
            work()
            count += 1
        rounds.append((time.process_time() - began) / count * 1e6)
    return min(rounds)


def main() -> None:
    """Print the table."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    warm()
    gc.collect()
    loaded = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"tables and model: {time.perf_counter() - began:.2f} s, {loaded:.0f} MiB at the most while loading")
    print(f"{'text':>12} {'enrich us':>10} {'us per KB':>10} {'floor us':>9} {'ratio':>6}")
    measure("ordinary", ORDINARY_HEADLINE, ORDINARY)
    measure("its head", ORDINARY_HEADLINE, ORDINARY[:200])
    for size in (0, 250, 1_000, 4_000, MAX_BODY):
        measure(f"dense {size}", HEADLINE, body(size))


def measure(name: str, headline: str, text: str) -> None:
    """Print one line of the table."""
    both = f"{headline}. {text}"

    def enrich_once() -> object:
        return read_entry(headline, text, find_language(both).code)

    def floor() -> object:
        find_language(both)
        return gazetteer().find(fold(both))

    took, least = best_us(enrich_once), best_us(floor)
    per_kb = took / max(len(both) / 1000, 0.001)
    print(f"{name:>12} {took:>10.0f} {per_kb:>10.0f} {least:>9.0f} {took / least:>6.1f}")


if __name__ == "__main__":
    main()
