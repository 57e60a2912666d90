"""The program: its commands in one table, each imported when it is called, and how errors become words."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Final, TextIO

import cyclopts

from wirewatch import __version__
from wirewatch.cli.context import configuration, take_settings
from wirewatch.cli.exits import BUG, INTERRUPTED, MISTAKE, status_of
from wirewatch.cli.output import say
from wirewatch.errors import PassingFault, WirewatchError
from wirewatch.logs import configure_logs, redact

COMMANDS: Final = {
    "demo": "demo:demo",
    "run": "run:run",
    "feeds": "feeds:feeds",
    "parse": "recordings:parse",
    "replay": "recordings:replay",
    "search": "searching:search",
    "match": "recordings:match",
    "searches": "searches:searches",
    "channels": "channels:channels",
    "alerts": "alerts:alerts",
    "tail": "tail:tail",
    "topics": "topics:topics",
    "move": "move:move_log",
    "dead-letters": "dead_letters:dead_letters",
    "index": "index:index",
    "doctor": "doctor:doctor",
    "probe": "probe:probe",
    "settings": "about:list_settings",
    "schemas": "about:schemas",
}
"""Each command, in the order of the help, with its module in `wirewatch.cli.commands` and its name there."""


def _shown_default(value: object) -> object:
    """A default that says something: nothing is shown of what is off or empty unless told otherwise."""
    return value or None


app = cyclopts.App(
    name="wirewatch",
    help="Watch live news: what is new, edited, withdrawn or restored, searchable and told in seconds.",
    help_epilogue=(
        "Every command takes --config FILE (default: wirewatch.toml in this folder), and every setting as a flag, "
        "such as --web.listen 127.0.0.1:9000; `wirewatch settings` lists them all. "
        "Exit status: 0 done, 1 nothing recognised or a check failed, 2 a mistake in the command or the settings, "
        "3 a fault that may pass, 4 storage, 70 a bug, 130 interrupted."
    ),
    help_format="plaintext",
    default_parameter=cyclopts.Parameter(negative=(), show_default=_shown_default),
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
for _order, (_name, _place) in enumerate(COMMANDS.items()):
    # imported only when called: most of them need a tenth of what the pipeline needs to start
    app.command(f"wirewatch.cli.commands.{_place}", name=_name, sort_key=_order)

_WITHOUT_SETTINGS: Final = frozenset({"--help", "-h", "--version", "settings", "schemas"})


def main(argv: list[str] | None = None) -> None:
    """The program's entry point; ends the process with the exit status."""
    sys.exit(call(sys.argv[1:] if argv is None else argv))


def call(argv: list[str]) -> int:
    """One call: its exit status, every error told in words on standard error."""
    for stream in (sys.stdout, sys.stderr):
        # whole lines at once also into a file, and no crash on a letter that the terminal's encoding lacks
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]  # real streams
    try:
        rest = take_settings(argv)
        if rest and rest[0] not in _WITHOUT_SETTINGS and not {"--help", "-h"} & set(rest):
            log = configuration().settings.log
            configure_logs(level=log.level, json=None if log.format == "auto" else log.format == "json")
        if not rest or rest[0] in {"--help", "-h"}:
            for name in COMMANDS:
                app[name]  # brought in now, so that the list says what each does
        status = app(rest, exit_on_error=False, print_error=False)
    except BrokenPipeError:
        _silence(sys.stdout)
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except cyclopts.CycloptsError as error:
        say(f"wirewatch: {error}\nTry: {_help_of(rest)}")
        return MISTAKE
    except WirewatchError as error:
        say(f"wirewatch: {error}{'. This may pass: try again' if isinstance(error, PassingFault) else ''}")
        return status_of(error)
    except Exception:  # noqa: BLE001 - a bug of ours: its traceback is what a report of it needs
        say(f"{redact(traceback.format_exc())}wirewatch: this is a bug of ours; please report it with the lines above")
        return BUG
    return status if isinstance(status, int) else 0


def _help_of(rest: list[str]) -> str:
    """The call that shows the help of what was asked for."""
    names = []
    at: cyclopts.App | None = app
    for token in rest:
        if at is None or token not in at:
            break
        names.append(token)
        at = at[token]
    return " ".join(("wirewatch", *names, "--help"))


def _silence(stream: TextIO) -> None:
    """The reader of our output has gone: nothing more to say, and no noise about it at the end either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
