"""Tables for people, and progress on what takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from wirewatch.cli.output import plain, say


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Rows for people; ``empty`` says in words that there are none."""
    table = Table(box=None, header_style="bold", pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold" if index == len(columns) - 1 else "ellipsis")
    count = 0
    for row in rows:
        table.add_row(*(escape(plain(cell)) for cell in row))
        count += 1
    if not count:
        say(empty)
        return
    console = Console(soft_wrap=False) if sys.stdout.isatty() else Console(width=200, no_color=True)
    console.print(table)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Any]:
    """A bar on standard error for what takes longer than two seconds; calls ``advance()`` of what it yields."""
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=total)

        class _Advance:
            @staticmethod
            def advance(count: int = 1) -> None:
                bar.advance(task, count)

        yield _Advance()
