"""`wirewatch settings` and `wirewatch schemas`: what there is to set, and what stands on the topics."""

from __future__ import annotations

from pathlib import Path

from wirewatch.cli.output import print_json, print_line, say
from wirewatch.cli.tables import print_table
from wirewatch.schemas import write_schemas
from wirewatch.settings.load import options

_HEAD = """\
# Settings

Written by `wirewatch settings --markdown` from the declarations. In `wirewatch.toml` a key `web.listen` is `listen`
under `[web]`. A variable wins over the file, a flag (`--web.listen 127.0.0.1:9000`, on every command) over both.
Durations are written with ms, s, m, h or d, sizes with KiB, MiB or GiB. Unknown keys and bad values are refused.

| key | default | variable | what it does |
|---|---|---|---|"""
_FOOT = """
Feeds, saved searches and channels are lists: `[[feeds]]`, `[[searches]]`, `[[channels]]`, as the README shows. Values
of headers, and a channel's `url` and `secret`, may be `env:NAME`: read from the environment where they are used, never
written to the log."""


def list_settings(*, json: bool = False, markdown: bool = False) -> int:
    """List every setting: its key in wirewatch.toml, its variable, its flag, its default and what it does.

    Parameters
    ----------
    json
        One JSON object a line.
    markdown
        As a table for docs/settings.md.
    """
    if markdown:
        print_line(settings_page())
        return 0
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
    rows = [(o.key, o.shown_default, o.variable, o.help.text) for o in options()]
    print_table(("setting", "default", "variable", "what it does"), rows, empty="there are no settings")
    say("Each setting is also a flag of every command: --poll.min_interval 10s")
    return 0


def settings_page() -> str:
    """`docs/settings.md`, written from the declarations."""
    rows = [
        f"| `{o.key}` | {f'`{o.shown_default}`' if o.shown_default else ''} | `{o.variable}` | {o.help.text} |"
        for o in options()
    ]
    return "\n".join([_HEAD, *rows, _FOOT])


def schemas(folder: Path, /) -> int:
    """Write the JSON Schemas of every topic's value, and an AsyncAPI document, into a folder.

    Parameters
    ----------
    folder
        The folder; made if it is not there.
    """
    for path in write_schemas(folder):
        say(f"wrote {path}")
    return 0
