"""Peers' own suites: at least 95 % of what applies to us passes, and the table in the docs is today's."""

from __future__ import annotations

import importlib.util
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def suites(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    archive = shared / "data" / "suites" / "peers.tar.xz"
    if not archive.exists():
        pytest.skip(f"no peers' suites at {archive}")
    folder = tmp_path_factory.mktemp("peers")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    spec = importlib.util.spec_from_file_location("peer_suites", Path(__file__).with_name("peer_suites.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["peer_suites"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module, folder


@pytest.mark.slow
def test_at_least_95_percent_of_the_applicable_cases_pass(suites: tuple[Any, Path]) -> None:
    module, folder = suites
    results = module.run_all(folder)
    passed, failed = module.totals(results)
    assert passed + failed > 1_100, "most applicable cases were set aside"
    assert passed >= 0.95 * (passed + failed), module.table(results)
    assert module.table(results) in (ROOT / "docs" / "conformance.md").read_text("utf-8"), (
        "the table has changed: write what `python tests/parse/peer_suites.py` prints into docs/conformance.md"
    )
