"""The control store on SQLite: ``control.db`` in the data folder, for one machine."""

from wirewatch.control.sqlite.store import SqliteControlStore

__all__ = ["SqliteControlStore"]
