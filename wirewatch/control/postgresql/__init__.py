"""The control store on PostgreSQL: for several processes, on one machine or many."""

from wirewatch.control.postgresql.store import PostgresqlControlStore

__all__ = ["PostgresqlControlStore"]
