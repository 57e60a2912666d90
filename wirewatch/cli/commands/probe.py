"""`wirewatch probe`: is the process that runs here alive and ready; for health checks of containers and services."""

from __future__ import annotations

from wirewatch.cli.context import configuration
from wirewatch.cli.exits import NOT_FOUND
from wirewatch.cli.output import print_line, say
from wirewatch.probes.asking import ask


def probe(*, live: bool = False, timeout: int = 4) -> int:
    """Ask the wirewatch that runs on this machine whether it is ready. Exit status 1 where it is not.

    Parameters
    ----------
    live
        Ask only whether it is alive, whatever its broker and stores do.
    timeout
        Seconds to wait for its answer.
    """
    well, words = ask(configuration().settings, "/healthz" if live else "/readyz", timeout=timeout)
    if not well:
        say(words)
        return NOT_FOUND
    print_line(words)
    return 0
