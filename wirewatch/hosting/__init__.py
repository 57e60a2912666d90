"""What stages are, and what runs them: `interface` for those who write one, `runner` for those who compose.

Only the interface stands here: a pure handler imports it and reaches no I/O library by doing so.
"""

from wirewatch.hosting.interface import Handler, Sink, Step, VersionedState, Warming

__all__ = ["Handler", "Sink", "Step", "VersionedState", "Warming"]
