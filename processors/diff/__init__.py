"""What changed between two snapshots of a feed, and how do we know. Pure: no clock, network or broker."""

from processors.diff.decide import body_to_parse, diff, needs_parse, needs_rebase
from processors.diff.model import Diffed, Failure, Reason, Seen, Verdict
from processors.diff.rebase import rebase
from processors.diff.state import FeedState, decode_state, encode_state

__all__ = [
    "Diffed",
    "Failure",
    "FeedState",
    "Reason",
    "Seen",
    "Verdict",
    "body_to_parse",
    "decode_state",
    "diff",
    "encode_state",
    "needs_parse",
    "needs_rebase",
    "rebase",
]
