"""`wirewatch run`: the pipeline, or only some of its stages."""

from __future__ import annotations

import asyncio
import os
import signal
import textwrap
import threading
from collections.abc import Sequence
from typing import Annotated, Final

import cyclopts

from wirewatch.canary import CANARY_ID
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import PASSING, as_command
from wirewatch.cli.feed_health import known_feeds
from wirewatch.cli.output import say
from wirewatch.cli.pipeline import Pipeline
from wirewatch.logs import get_logger
from wirewatch.settings.load import options
from wirewatch.stages import STAGES

_log = get_logger("run")
LONGEST_STOP_S: Final = 28.0
"""A server that is silent may hold up an end in good order: then a kill is as good, and loses nothing either."""

_HEAD = (
    "Settings, with their defaults. The same names stand in wirewatch.toml (web.listen is listen under [web]) "
    "and in the environment (WIREWATCH_WEB_LISTEN):"
)


def _columns(rows: Sequence[tuple[str, str]], width: int) -> str:
    """Two columns that fit into 78: a name, and what it does."""
    shown = (textwrap.wrap(does, 76 - width) or [""] for _, does in rows)
    return "\n".join(
        f"  {name if first else '':{width - 1}} {line}"
        for (name, _), lines in zip(rows, shown, strict=True)
        for first, line in zip((True, *(False,) * len(lines)), lines, strict=False)
    )


run = cyclopts.App(
    name="run",
    help_epilogue="\n\n".join(
        (
            "Stages:",
            _columns([(stage.name, stage.does) for stage in STAGES.values()], 8),
            _HEAD,
            _columns([(f"{option.flag} {option.shown_default}", option.help.text) for option in options()], 30),
        )
    ),
)


def stop_on_signals(pipeline: Pipeline) -> None:
    """End the pipeline in good order on Ctrl-C and SIGTERM; a second Ctrl-C ends it at once.

    What has not ended within `LONGEST_STOP_S` is ended with the process.
    """
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        say(f"{name}: finishing what is in hand ...")
        pipeline.stop()
        loop.remove_signal_handler(signal.SIGINT)
        # a thread: the event loop may be what hangs, or it has ended and its threads have not
        last_resort = threading.Timer(LONGEST_STOP_S, _end_at_once)
        last_resort.daemon = True
        last_resort.start()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number.name)


def _end_at_once() -> None:
    _log.error("not everything ended in time; what was in hand will be done again", seconds=LONGEST_STOP_S)
    os._exit(PASSING)


@run.default
@as_command
async def run_stages(*, role: Annotated[list[str] | None, cyclopts.Parameter(negative="")] = None) -> int:
    """Watch the feeds: poll, diff, enrich, index, match, deliver, and serve the page, until Ctrl-C.

    Parameters
    ----------
    role
        Run only this stage (see below); may be given several times.
    """
    pipeline = Pipeline(configuration(), roles=role or ())
    stop_on_signals(pipeline)
    greeting = asyncio.create_task(_greet(pipeline))
    try:
        await pipeline.run()
    finally:
        greeting.cancel()
    return 0


async def _greet(pipeline: Pipeline) -> None:
    await pipeline.ready.wait()
    if pipeline.url:
        say(f"wirewatch is up: {pipeline.url} (Ctrl-C ends it)")
    if pipeline.broker is not None and not set(await known_feeds(pipeline.broker)) - {CANARY_ID}:
        say("No feed is watched yet. Add one from another terminal: wirewatch feeds add https://example.org/feed")
