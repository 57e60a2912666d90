"""State that another version of a stage wrote, decided in one place for every host. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirewatch.errors import BrokenStorage
from wirewatch.hosting.interface import VersionedState

if TYPE_CHECKING:
    from wirewatch.hosting.interface import Handler


def state_version_of(handler: Handler) -> int:
    """The version of the state that this handler writes."""
    return handler.state_version if isinstance(handler, VersionedState) else 1


def bring_forward(handler: Handler, version: int, state: bytes, *, key: str) -> bytes:
    """State of that version as the handler reads it. `BrokenStorage` for a newer one, or where there is no way."""
    known = state_version_of(handler)
    if version == known:
        return state
    if version > known or not isinstance(handler, VersionedState):
        raise BrokenStorage(
            f"the state of {handler.stage} for {key!r} was written by a newer wirewatch (version "
            f"{version}, this one knows {known}); run that version or a newer one"
        )
    return handler.migrate_state(version, state)
