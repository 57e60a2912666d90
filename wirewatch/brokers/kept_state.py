"""How a stage's state lies on a topic of its own: who reads it need not have written it.

A value is a head of 13 bytes, then the state: one byte for this form (1), four for the version of the state
(unsigned, the largest first), eight for the state's length before compression; 0 says that it stands
there as it is, otherwise it is one zstd frame. A value is never empty: what a stage forgot it says with
a state of its own, not with a tombstone.
"""

from __future__ import annotations

import struct
from typing import Final

from msgspec import Struct

from wirewatch.brokers.packing import pack, unpack
from wirewatch.errors import BrokenStorage

_FORM: Final = 1
_HEAD: Final = struct.Struct(">BIQ")
_LARGEST: Final = 1 << 30
"""No state is larger: a head that says so is damaged, and must not make us ask for that much memory."""


class KeptState(Struct, frozen=True):
    """A stage's state as it was kept: ``data`` in the form that ``version`` had."""

    version: int
    data: bytes


def pack_state(state: KeptState) -> bytes:
    """The value for the state's topic."""
    packed, raw_size = pack(state.data)
    return _HEAD.pack(_FORM, state.version, raw_size or 0) + packed


def unpack_state(value: bytes, *, where: str) -> KeptState:
    """What `pack_state` was given. Raises `BrokenStorage` where that cannot be read; ``where`` says whose it is."""
    if len(value) < _HEAD.size:
        raise BrokenStorage(f"{where}: a state of {len(value)} bytes is no state; was the topic written by others?")
    form, version, raw_size = _HEAD.unpack_from(value)
    if form != _FORM:
        raise BrokenStorage(
            f"{where}: the state was kept in form {form}, this wirewatch knows {_FORM}; run the version that wrote it"
        )
    if raw_size > _LARGEST:
        raise BrokenStorage(f"{where}: the state says it is {raw_size} bytes long, which none is: it is damaged")
    try:
        return KeptState(version, unpack(value[_HEAD.size :], raw_size or None))
    except BrokenStorage as error:
        raise BrokenStorage(f"{where}: {error}") from error
