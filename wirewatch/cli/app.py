"""The program: its commands in one table, and how errors become words and exit statuses.

Exit statuses: 0 done; 1 what was asked for did not come out (nothing recognised, not found, a check
failed); 2 a mistake in the command or the settings; 3 a fault that may pass (the store is busy, a server is
away); 4 the store is damaged, full or newer than this program; 70 a bug of ours; 130 interrupted.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import cyclopts

from wirewatch import __version__
from wirewatch.cli.context import configuration, take_settings
from wirewatch.cli.output import say
from wirewatch.errors import BadInput, BrokenStorage, PassingFault, UserError, WirewatchError
from wirewatch.logs import configure_logs

P = ParamSpec("P")

NOT_FOUND, MISTAKE, PASSING, BROKEN, BUG, INTERRUPTED = 1, 2, 3, 4, 70, 130
_STATUS: dict[type[WirewatchError], int] = {
    UserError: MISTAKE,
    BadInput: NOT_FOUND,
    PassingFault: PASSING,
    BrokenStorage: BROKEN,
    WirewatchError: BUG,
}

app = cyclopts.App(
    name="wirewatch",
    help="Watch live news: what is new, edited, withdrawn or restored, searchable and told in seconds.",
    help_epilogue=(
        "Every command takes --config FILE (default: wirewatch.toml in this folder), and every setting as a flag, "
        "such as --web.listen 127.0.0.1:9000; `wirewatch settings` lists them all. "
        "Exit status: 0 done, 1 nothing found or a check failed, 2 a mistake in the command or the settings, "
        "3 a fault that may pass, 4 storage, 70 a bug."
    ),
    help_format="plaintext",
    version=__version__,
    result_action="return_value",
)


def as_command(function: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, int]:
    """Run an async command to its end and give its exit status."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        return asyncio.run(function(*args, **kwargs)) or 0

    return run


def main(argv: list[str] | None = None) -> None:
    """The program's entry point; ends the process with the exit status."""
    sys.exit(call(sys.argv[1:] if argv is None else argv))


def call(argv: list[str]) -> int:
    """One call: its exit status, every error told in words on standard error."""
    # found out late on purpose: importing the commands imports the stages
    import wirewatch.cli.commands  # noqa: F401, PLC0415

    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a real stream outside of tests
    try:
        rest = take_settings(argv)
        if rest and rest[0] not in {"--help", "-h", "--version", "settings"}:
            log = configuration().settings.log
            configure_logs(level=log.level, json=None if log.format == "auto" else log.format == "json")
        status = app(rest, exit_on_error=False, print_error=False)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing more to say, and no noise about it
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except cyclopts.CycloptsError as error:
        say(f"wirewatch: {error}\nTry: wirewatch --help")
        return MISTAKE
    except WirewatchError as error:
        say(f"wirewatch: {error}{'. This may pass: try again' if isinstance(error, PassingFault) else ''}")
        return next(status for type_, status in _STATUS.items() if isinstance(error, type_))
    return status if isinstance(status, int) else 0
