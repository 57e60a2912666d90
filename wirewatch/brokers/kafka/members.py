"""Names that members of groups keep over restarts, so that a killed process is back at its partitions in seconds.

A name is a file in ``data_dir``, held by a lock while its process lives. A second process on the same folder
takes the next file, and so a name of its own: never two members with one name, which the cluster would let
take the partitions from each other for ever. A name is bound to its machine: a copied folder gets new ones.
"""

from __future__ import annotations

import fcntl
import os
import socket
import uuid
from pathlib import Path
from typing import Final

from wirewatch.logs import get_logger

_log = get_logger("kafka")
_FOLDER: Final = "kafka-members"
_MOST: Final = 1_000


class MemberName:
    """A name that is ours until `release`, or until the process ends, however it ends."""

    def __init__(self, name: str, file: int) -> None:
        self.name = name
        self._file: int | None = file

    def release(self) -> None:
        """Let the next process have it. Safe to call twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def take_member_name(data_dir: Path, group: str) -> MemberName | None:
    """The first name of this group in the folder that no living process has.

    None, with a warning, where the folder takes no files: then the member is one without a kept name.
    """
    folder = data_dir / _FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(_MOST):
            file = os.open(folder / f"{group}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue
            return MemberName(_name_in(file, group), file)
    except OSError as error:
        _log.warning(
            "no name can be kept for this member: once killed, its partitions wait for the session to run out",
            folder=str(folder),
            group=group,
            error=error.strerror,
        )
    return None


def _name_in(file: int, group: str) -> str:
    host = "".join(c if c.isalnum() or c in "-." else "-" for c in socket.gethostname())[:60]
    kept = os.pread(file, 300, 0).decode("ascii", "replace").strip()
    if kept.startswith(f"{group}-{host}-"):
        return kept
    name = f"{group}-{host}-{uuid.uuid4().hex[:12]}"
    os.ftruncate(file, 0)
    os.pwrite(file, name.encode(), 0)
    os.fsync(file)
    return name
