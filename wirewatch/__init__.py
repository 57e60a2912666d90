"""wirewatch: the streaming backbone for live news (what all stages share)."""

__version__ = "0.1.0"
