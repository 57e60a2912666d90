"""Values that stand in the environment, where the settings only name the variable: ``env:NAME``."""

from __future__ import annotations

from typing import Final

_FROM_ENVIRONMENT: Final = "env:"


def variable_named(value: str) -> str | None:
    """The variable that a value of the form ``env:NAME`` names; None for any other value, which is meant as it is.

    Who uses the value looks the variable up there and then, and says in its own words where one is missing.
    """
    return value.removeprefix(_FROM_ENVIRONMENT) if value.startswith(_FROM_ENVIRONMENT) else None
