"""The commands, a module for each group. Importing this package registers them all."""

from wirewatch.cli.commands import (
    about,
    alerts,
    dead_letters,
    demo,
    doctor,
    feeds,
    recordings,
    run,
    searches,
    searching,
    topics,
)

__all__ = [
    "about",
    "alerts",
    "dead_letters",
    "demo",
    "doctor",
    "feeds",
    "recordings",
    "run",
    "searches",
    "searching",
    "topics",
]
