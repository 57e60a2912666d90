"""Parts of a JSON item that its owner named in ``ignore``: left out of its texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_PATH = re.compile(r"[A-Za-z_]\w*(?:\[\*?\])?(?:\.[A-Za-z_]\w*(?:\[\*?\])?)*")
_LIST = re.compile(r"\[\*?\]$")


def steps_of(ignored: Sequence[str], mapped: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The ignored paths as steps; those that are no plain path, or are a mapped field as a whole, left out.

    A whole mapped field stays in the text: the diff passes over its change by itself.
    """
    return tuple(
        tuple(_LIST.sub("", name) for name in path.split("."))
        for path in ignored
        if path not in mapped and _PATH.fullmatch(path)
    )


def without(item: Any, ignored: Sequence[tuple[str, ...]]) -> Any:
    """The item without what these steps lead to, through lists as well; the item itself is left as it is."""
    for steps in ignored:
        item = _without(item, steps)
    return item


def _without(value: Any, steps: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_without(part, steps) for part in value]
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    if len(steps) == 1:
        return {name: part for name, part in value.items() if name != steps[0]}
    return {**value, steps[0]: _without(value[steps[0]], steps[1:])}
