"""Settings: each declared once in `declared`, read from file, environment and flags by `load`."""

from wirewatch.settings.declared import (
    Alerts,
    ChannelSetting,
    Diff,
    Poll,
    Results,
    Settings,
    Web,
)
from wirewatch.settings.load import Configuration, load

__all__ = [
    "Alerts",
    "ChannelSetting",
    "Configuration",
    "Diff",
    "Poll",
    "Results",
    "Settings",
    "Web",
    "load",
]
