"""How well edit classes are told: precision and recall on the labelled pairs, and a look at real edits.

    python benchmarks/edit_classes.py [--errors] [--real 20]
    WIREWATCH_RECORDINGS=FOLDER python benchmarks/edit_classes.py --real 20

The labelled pairs are `tests/diff/edit_pairs.jsonl`. ``--real`` draws as many edits from each unpacked recording in
that folder (one folder each, with a ``manifest.tsv``) and prints them with their classes, for a reader to judge.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from processors.replay import replay
from tests.diff.labelled_edits import read_pairs, score
from wirewatch.events import Feed

FOLDER = "WIREWATCH_RECORDINGS"


def labelled(*, errors: bool) -> None:
    """Print the table, and with ``errors`` each pair that came out otherwise."""
    pairs = read_pairs()
    by_hand = sum(pair.made == "hand" for pair in pairs)
    languages = Counter(pair.language for pair in pairs)
    print(f"{len(pairs)} pairs, {by_hand} by hand; {', '.join(f'{code} {n}' for code, n in languages.most_common())}")
    scores, wrong = score(pairs)
    print(f"{'class':<16} {'precision':>9} {'recall':>7} {'found':>6} {'wanted':>7}")
    for one in scores:
        print(f"{one.name:<16} {one.precision:>9.3f} {one.recall:>7.3f} {one.found:>6} {one.wanted:>7}")
    print(f"all classes of a pair right: {len(pairs) - len(wrong)} of {len(pairs)}")
    hand_scores, hand_wrong = score(pair for pair in pairs if pair.made == "hand")
    right, found, wanted = (sum(getattr(one, name) for one in hand_scores) for name in ("right", "found", "wanted"))
    print(
        f"by hand alone: precision {right / found:.3f}, recall {right / wanted:.3f}, {len(hand_wrong)} pairs not right"
    )
    for pair, ours in wrong if errors else []:
        print(f"  {pair.language} {pair.before} -> {pair.after}: {ours}, labelled {pair.classes}")


def real(count: int) -> None:
    """Print so many edits of each recording, evenly spread, with their classes."""
    folder = os.environ.get(FOLDER)
    manifests = sorted(Path(folder).glob("*/manifest.tsv")) if folder else []
    if not manifests:
        print(f"no unpacked recordings: set {FOLDER}")
    for manifest in manifests:
        feed = Feed(manifest.parent.name.replace("_", "-").lower(), "https://feed.invalid/")
        changes = [change for event in replay(manifest.parent, feed) for change in event.changes]
        counts = Counter(name for change in changes for name in change.classes)
        print(f"\n{manifest.parent.name}: {len(changes)} changes; {dict(counts.most_common())}")
        for change in changes[:: max(1, len(changes) // count)][:count]:
            told = " ".join(text if sign == "=" else f"[{sign}{text}]" for sign, text in change.diff)
            at = max(0, told.find("[") - 60)
            print(f"  {','.join(change.classes)} {change.detail or ''}: {told[at : at + 300]!r}")


def main() -> None:
    """Print what is asked for."""
    labelled(errors="--errors" in sys.argv)
    if "--real" in sys.argv:
        following = sys.argv[sys.argv.index("--real") + 1 :]
        real(int(following[0]) if following and following[0].isdigit() else 20)


if __name__ == "__main__":
    main()
