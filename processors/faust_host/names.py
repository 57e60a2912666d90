"""A worker's name in its consumer group, kept in its data folder, and the lock that lets one process have it."""

from __future__ import annotations

import fcntl
import os
import uuid
from typing import TYPE_CHECKING

from wirewatch.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_NAME_FILE = "worker-name"


class WorkerName:
    """Held from `take` to `give_back`. After kill -9 the same folder has the same name again.

    A member that comes back under its name has its partitions at once; a new name waits until the session
    of the old one has expired.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def take(self) -> str:
        """The name. Blocks for a moment. Raises `UserError` where another process works with this folder."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / _NAME_FILE
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            name = os.read(descriptor, 200).decode("ascii", "replace").strip()
            if not name:
                name = f"worker-{uuid.uuid4()}"
                os.write(descriptor, f"{name}\n".encode())
                os.fsync(descriptor)
        except BlockingIOError:
            os.close(descriptor)
            raise UserError(
                f"{self._folder} is in use by another worker of this stage; "
                "give each worker a data_dir of its own (WIREWATCH_DATA_DIR)"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return name

    def give_back(self) -> None:
        """Let another process have it. Safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
