"""Fixtures for the diff's tests."""

from __future__ import annotations

import pytest

from tests.diff.watching import Watch


@pytest.fixture
def watch() -> Watch:
    """A window, watched."""
    return Watch()
