"""What every command shares: which settings file, which flags, and where to print."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path

from wirewatch.errors import UserError
from wirewatch.settings import Configuration, load
from wirewatch.settings.load import options


class Invocation:
    """One call of the program: the settings it names, read when a command first asks for them."""

    def __init__(self, config: Path | None = None, flags: dict[str, str] | None = None) -> None:
        self.config = config
        self.flags = flags or {}

    @cached_property
    def configuration(self) -> Configuration:
        """The settings in force: file, then environment, then flags. Raises `UserError` in words."""
        return load(self.config, environ=os.environ, flags=self.flags)


_CURRENT: ContextVar[Invocation] = ContextVar("invocation")


def invocation() -> Invocation:
    """The call being served."""
    return _CURRENT.get()


def configuration() -> Configuration:
    """The settings in force for this call."""
    return _CURRENT.get().configuration


def take_settings(tokens: Sequence[str]) -> list[str]:
    """Take ``--config FILE`` and every setting's flag off the tokens and keep them; the rest is the command's.

    Each works before or behind the command's name, as ``--flag value`` or ``--flag=value``, with ``-`` for
    ``_`` if you like. Tokens after a bare ``--`` are left alone. Raises `UserError` where a flag has no value.
    """
    known = {option.flag: option.key for option in options()}
    known |= {flag.replace("_", "-"): key for flag, key in known.items()}
    config: Path | None = None
    flags: dict[str, str] = {}
    rest: list[str] = []
    waiting = iter(tokens)
    for token in waiting:
        if token == "--":  # noqa: S105 - not a password: it ends the options
            rest += [token, *waiting]
            break
        name, equals, value = token.partition("=")
        if name != "--config" and name not in known:
            rest.append(token)
            continue
        if not equals:
            following = next(waiting, None)
            if following is None:
                raise UserError(f"{name} needs a value: {name} VALUE")
            value = following
        if name == "--config":
            config = Path(value)
        else:
            flags[known[name]] = value
    _CURRENT.set(Invocation(config, flags))
    return rest
