"""`wirewatch settings` and `wirewatch schemas`: what there is to set, and what stands on the topics."""

from __future__ import annotations

from pathlib import Path

from wirewatch.cli.app import app
from wirewatch.cli.output import print_json, print_table, say
from wirewatch.schemas import write_schemas
from wirewatch.settings.load import options


@app.command(name="settings")
def list_settings(*, json: bool = False) -> int:
    """List every setting: its key in wirewatch.toml, its variable, its flag, its default and what it does.

    Parameters
    ----------
    json
        One JSON object a line.
    """
    if json:
        for option in options():
            print_json(
                {
                    "key": option.key,
                    "variable": option.variable,
                    "flag": option.flag,
                    "default": option.default,
                    "help": option.help.text,
                }
            )
        return 0
    rows = [(o.key, "" if o.default in ("", []) else o.default, o.variable, o.help.text) for o in options()]
    print_table(("setting", "default", "variable", "what it does"), rows, empty="there are no settings")
    say("Each setting is also a flag of every command: --poll.min_interval 10s")
    return 0


@app.command
def schemas(folder: Path) -> int:
    """Write the JSON Schemas of every topic's value, and an AsyncAPI document, into a folder."""
    for path in write_schemas(folder):
        say(f"wrote {path}")
    return 0
