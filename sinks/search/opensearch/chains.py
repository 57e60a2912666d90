"""Which revision of an entry ends which: decided from all that is known of it, whatever the order it came in. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise

from sinks.search.opensearch.documents import Successor

Chain = tuple[Successor, ...]
"""An entry's known revisions in order of their number in the feed."""


def with_revision(chain: Chain, revision: Successor) -> Chain:
    """The chain with that revision in its place; the same where it is there."""
    at = bisect_left(chain, revision.seq, key=_seq)
    if at < len(chain) and chain[at].seq == revision.seq:
        return chain
    return (*chain[:at], revision, *chain[at:])


def successor_of(chain: Chain, seq: int) -> Successor | None:
    """The revision that ends this one; None: it stands."""
    at = bisect_left(chain, seq + 1, key=_seq)
    return chain[at] if at < len(chain) else None


def ended_by(chain: Chain, seqs: Iterable[int]) -> dict[int, Successor]:
    """The revisions that these, which have just come, end: by number, with the one that ends each."""
    new = set(seqs)
    return {before.seq: after for before, after in pairwise(chain) if after.seq in new}


def _seq(revision: Successor) -> int:
    return revision.seq
