"""SQLite's errors as wirewatch's: a lock held by another process may pass, nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from wirewatch.errors import BrokenStorage, PassingFault

_WORDS: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.FullError, "the disk is full"),
    (apsw.CorruptError, "the control store is damaged"),
    (apsw.NotADBError, "this is no control store"),
    (apsw.CantOpenError, "the control store cannot be opened"),
    (apsw.ReadOnlyError, "the control store cannot be written"),
    (apsw.IOError, "the disk failed"),
)


@contextmanager
def failures_in_words(path: Path) -> Iterator[None]:
    """Turn every error of SQLite's or of the folder's raised inside into `BrokenStorage` or `PassingFault`."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise PassingFault(f"{path} is held by another process: {error}", retry_after=0.5) from error
    except apsw.Error as error:
        words = next((text for kind, text in _WORDS if isinstance(error, kind)), "the control store refused")
        raise BrokenStorage(f"{path}: {words} ({error})") from error
    except OSError as error:
        raise BrokenStorage(f"{path} cannot be opened: {error.strerror}") from error
