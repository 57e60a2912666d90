"""`wirewatch run`: the pipeline, or only some of its stages."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import cyclopts

from wirewatch.cli.app import app, as_command
from wirewatch.cli.context import configuration
from wirewatch.cli.output import say
from wirewatch.cli.pipeline import Pipeline
from wirewatch.stages import STAGES

_ROLES = "\n".join(f"{stage.name}: {stage.does}" for stage in STAGES.values())


def stop_on_signals(pipeline: Pipeline) -> None:
    """End the pipeline in good order on Ctrl-C and SIGTERM; a second Ctrl-C ends it at once."""
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        say(f"{name}: finishing what is in hand ...")
        pipeline.stop()
        loop.remove_signal_handler(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number.name)


@app.command(help_epilogue=f"Stages:\n\n{_ROLES}\n\nEvery setting is a flag too: see wirewatch settings.")
@as_command
async def run(*, role: Annotated[list[str] | None, cyclopts.Parameter(negative="")] = None) -> int:
    """Watch the feeds: poll, diff, enrich, index, match, deliver, and serve the page, until Ctrl-C.

    Parameters
    ----------
    role
        Run only this stage; may be given several times.
    """
    config = configuration()
    pipeline = Pipeline(config, roles=role or ())
    stop_on_signals(pipeline)
    greeting = asyncio.create_task(_greet(pipeline, feeds=len(config.feeds)))
    try:
        await pipeline.run()
    finally:
        greeting.cancel()
    return 0


async def _greet(pipeline: Pipeline, *, feeds: int) -> None:
    await pipeline.ready.wait()
    if pipeline.url:
        say(f"wirewatch is up: {pipeline.url} (Ctrl-C ends it)")
    if not feeds:
        say("The settings name no feeds. Add one from another terminal: wirewatch feeds add https://example.org/feed")
