"""SQLite's errors as ours, by what is to be done about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from wirewatch.errors import BrokenStorage, PassingFault

_BROKEN: dict[type[apsw.Error], str] = {
    apsw.FullError: "the disk is full",
    apsw.IOError: "the disk does not read or write",
    apsw.CorruptError: "the file is damaged",
    apsw.NotADBError: "the file is no SQLite database",
    apsw.ReadOnlyError: "the file cannot be written",
    apsw.CantOpenError: "the file cannot be opened",
}


@contextmanager
def storage_faults(name: str) -> Iterator[None]:
    """Raise `BrokenStorage` for a full disk or a damaged file, `PassingFault` where another holds the lock too long."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise PassingFault(f"the search index {name} is locked by another process: {error}", retry_after=1.0) from error
    except apsw.Error as error:
        why = _BROKEN.get(type(error))
        if why is None:  # a mistake of ours, not the storage's
            raise
        raise BrokenStorage(f"the search index {name}: {why} ({error})") from error
    except OSError as error:
        raise BrokenStorage(f"the search index {name}: {error}") from error
