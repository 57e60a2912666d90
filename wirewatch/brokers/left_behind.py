"""A file that was moved to servers: a note beside it says where to, so that nothing begins on what was left behind."""

from __future__ import annotations

import os
from pathlib import Path

from wirewatch.errors import BrokenStorage, UserError


def note_of(file: Path) -> Path:
    """Where it stands that this file was moved."""
    return file.with_name(f"{file.name}.moved")


def leave_behind(file: Path, to: str) -> None:
    """Say beside the file, which stays as it is, where what it holds goes on. ``to`` is shown: without a password."""
    note = note_of(file)
    try:
        with note.open("w", encoding="utf-8") as out:
            out.write(f"{to}\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise BrokenStorage(f"{note} cannot be written: {error.strerror}") from error


def require_current(file: Path, *, setting: str) -> None:
    """`UserError` where what the file holds goes on elsewhere; ``setting`` is what should name that place."""
    note = note_of(file)
    try:
        to = note.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return
    except OSError as error:
        raise BrokenStorage(f"{note} cannot be read: {error.strerror}") from error
    raise UserError(
        f"{file} was moved to {to}, and goes on there: set {setting} to that. "
        f"To begin again from what was left behind here, remove {note}"
    )
