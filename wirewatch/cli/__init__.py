"""The command line: the one place that knows all stages, and composes them."""

from wirewatch.cli.app import main

__all__ = ["main"]
