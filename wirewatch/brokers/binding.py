"""A store that keeps places in a log belongs to that log: what it says where it is used with another."""

from __future__ import annotations

from wirewatch.errors import UserError


class OtherLogError(UserError):
    """What was asked belongs to another log: two clusters' settings are mixed."""


def other_log(what: str, bound: str, asked: str) -> str:
    """Why a store that belongs to one log is not used with another."""
    return (
        f"{what} belongs to the log {bound}, but the setting broker names the log {asked}, where its places mean "
        "nothing: two clusters' settings are mixed. Put right broker, or control, search and data_dir"
    )
