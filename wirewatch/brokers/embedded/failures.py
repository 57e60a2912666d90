"""SQLite's errors as wirewatch's: what may pass, and what means that the store no longer holds."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from wirewatch.errors import BrokenStorage, PassingFault

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, "the disk is full"),
    (apsw.CorruptError, "the store is damaged"),
    (apsw.NotADBError, "the file is no wirewatch log"),
    (apsw.CantOpenError, "the store cannot be opened"),
    (apsw.ReadOnlyError, "the store cannot be written"),
    (apsw.IOError, "the disk failed"),
)


def explain_failure(error: apsw.Error, folder: str) -> BrokenStorage | PassingFault:
    """The error of ours that says the same in words. A lock held by another process may pass; nothing else does."""
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return PassingFault(f"the log in {folder} is held by another process for long: {error}", retry_after=0.5)
    words = next((text for kind, text in _WORDS if isinstance(error, kind)), "the store refused")
    return BrokenStorage(f"{words}: the log in {folder} ({error})")


@contextmanager
def failures_in_words(folder: str) -> Iterator[None]:
    """Turn every SQLite error raised inside into `BrokenStorage` or `PassingFault`."""
    try:
        yield
    except apsw.Error as error:
        raise explain_failure(error, folder) from error
