"""What a body looks like, by light looks only: enough to choose a cadence or to propose a kind, never to parse."""

from __future__ import annotations

import re

_LIVE = re.compile(rb"LiveBlogPosting")
_LOOK = 2 << 20


def looks_live(body: bytes) -> bool:
    """Whether it is a page that says of itself that it is a live blog."""
    return body[:64].lstrip()[:1] == b"<" and _LIVE.search(body, 0, _LOOK) is not None
