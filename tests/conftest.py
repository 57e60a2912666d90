"""What every room's tests share."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers.fixtures import kafka, opensearch, postgresql  # noqa: F401 - a fixture is asked for by its name

ROOT = Path(__file__).parent.parent

# in continuous integration the same examples each time: a change is judged by what it changed; people search at random
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def shared_folder() -> Path:
    """Where recorded sources lie: WIREWATCH_SHARED, else beside the project."""
    return Path(os.environ.get("WIREWATCH_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded sources; the test skips, saying so, where it is absent."""
    folder = shared_folder()
    if not (folder / "data").is_dir():
        pytest.skip(f"no recorded sources at {folder}: set WIREWATCH_SHARED to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def recordings(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recorded sequences, unpacked, one folder each."""
    out = tmp_path_factory.mktemp("sequences")
    for archive in sorted((shared / "data" / "sequences").glob("*.tar.xz")):
        with tarfile.open(archive) as packed:
            packed.extractall(out, filter="data")
    return out
