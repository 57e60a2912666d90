"""The commands, a module for each group. Importing this package registers them all."""

from wirewatch.cli.commands import about, dead_letters, demo, recordings, run, topics

__all__ = ["about", "dead_letters", "demo", "recordings", "run", "topics"]
