"""The three kinds of error, told apart because each has another fate.

=================  =====================================  ==========================================
type               means                                  fate
=================  =====================================  ==========================================
``BadInput``       this record can never be processed     dead letter with its reason; go on
``PassingFault``   the same record may work later         retry with backoff; nothing moves meanwhile
anything else      our own bug                            two more tries, then dead letter as ``bug``
``BrokenStorage``  what we stand on no longer holds       stop the process, commit nothing
=================  =====================================  ==========================================

``UserError`` is for commands: a mistake by the person at the keyboard, told in one clear sentence.
"""

from __future__ import annotations


class WirewatchError(Exception):
    """What all errors of our own have in common."""


class BadInput(WirewatchError):  # noqa: N818 - named for what it is, not for its base class
    """A record, body or query that can never be processed as it is.

    ``reason`` is one short word for metrics and lists (``truncated``, ``not-utf8``); the message says
    what, where and what to do.
    """

    def __init__(self, message: str, *, reason: str = "bad-input") -> None:
        super().__init__(message)
        self.reason = reason


class PassingFault(WirewatchError):  # noqa: N818 - as above
    """A fault that may pass: a server away, a full queue, a lock held. ``retry_after`` in seconds, if known."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotOurs(PassingFault):
    """Somebody else has moved what we were moving: nothing of ours was done. Read anew how it stands, then go on."""


class BrokenStorage(WirewatchError):  # noqa: N818 - as above
    """The store is damaged, full, newer than this program, or an invariant of it is broken: stop, loudly."""


class UserError(WirewatchError):
    """A mistake in a command or a setting: the message says what is wrong, where, and what is allowed."""
