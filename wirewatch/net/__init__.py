"""Outgoing connections: every one passes the guard (invariant 7)."""

from wirewatch.net.guard import Guard, GuardedResolver, blocked_cause, guarded_session

__all__ = ["Guard", "GuardedResolver", "blocked_cause", "guarded_session"]
