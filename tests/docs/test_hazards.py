from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROWS = re.findall(
    r"^\| ([HF])(\d+)(?:-(\d+))? \| .* \| (.*) \|$", (ROOT / "docs" / "hazards.md").read_text("utf-8"), re.MULTILINE
)


def named_in(path: Path) -> set[str]:
    """The hazards a test file names, ranges such as H1-5 taken apart."""
    named: set[str] = set()
    text = path.read_text(encoding="utf-8").replace("_to_", "-").replace("_", " ")
    for kind, first, last in re.findall(
        r"(?<![A-Za-z0-9])([HhFf])(\d{1,2})(?:-[HhFf]?(\d{1,2}))?(?![0-9A-Za-z])", text
    ):
        named |= {f"{kind.upper()}{number}" for number in range(int(first), int(last or first) + 1)}
    return named


@pytest.mark.parametrize(("kind", "first", "last", "held_by"), ROWS, ids=[f"{row[0]}{row[1]}" for row in ROWS])
def test_every_hazard_is_named_by_the_tests_that_the_page_says_hold_it(
    kind: str, first: str, last: str, held_by: str
) -> None:
    files = re.findall(r"`([^`]+)`", held_by)
    named = {file: named_in(ROOT / "tests" / file) for file in files}
    excused = set(re.findall(r"\b([HF]\d+):", held_by))
    row = {f"{kind}{number}" for number in range(int(first), int(last or first) + 1)}
    assert row <= set().union(*named.values()) | excused
    assert [file for file, names in named.items() if not names & row] == []


def test_the_page_has_all_hazards() -> None:
    assert len(ROWS) == 50
