"""SQLite's errors as wirewatch's, for every store: what may pass, and what means that the store no longer holds."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import apsw

from wirewatch.errors import BrokenStorage, PassingFault

if TYPE_CHECKING:
    from collections.abc import Iterator

_STORAGE: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.FullError, "the disk is full"),
    (apsw.CorruptError, "the file is damaged"),
    (apsw.NotADBError, "the file is no SQLite database"),
    (apsw.CantOpenError, "the file cannot be opened"),
    (apsw.ReadOnlyError, "the file cannot be written"),
    (apsw.IOError, "the disk does not read or write"),
)
_HELD: Final = (apsw.BusyError, apsw.LockedError)


def explain_failure(error: apsw.Error, where: str) -> BrokenStorage | PassingFault:
    """The error of ours that says the same in words. A lock held by another process may pass; nothing else does.

    ``where`` names the store, as in ``the log in /data``.
    """
    if isinstance(error, _HELD):
        return PassingFault(f"{where} is held by another process for long: {error}", retry_after=0.5)
    words = next((text for kind, text in _STORAGE if isinstance(error, kind)), "the store refused")
    return BrokenStorage(f"{where}: {words} ({error})")


@contextmanager
def failures_in_words(where: str, *, only_storage: bool = False) -> Iterator[None]:
    """Turn every error of SQLite's or of the folder's raised inside into `BrokenStorage` or `PassingFault`.

    ``only_storage``: what SQLite refuses for another reason is a mistake of ours, and stays as it is.
    """
    try:
        yield
    except apsw.Error as error:
        if only_storage and not isinstance(error, (*_HELD, *(kind for kind, _ in _STORAGE))):
            raise
        raise explain_failure(error, where) from error
    except OSError as error:
        raise BrokenStorage(f"{where} cannot be opened: {error.strerror or error}") from error
