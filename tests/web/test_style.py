"""What a reader needs to see is seen: contrast in both colour schemes (WCAG 2.2, AA)."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import product

import pytest

STYLE = files("sinks.web").joinpath("static", "style.css").read_text("utf-8")
TEXTS = ["ink", "soft", "accent", "new", "edit", "gone"]
GROUNDS = ["paper", "card", "wash"]
MARKED = [("ink", "ins"), ("ink", "del"), ("ink", "mark"), ("paper", "accent")]


def colours(scheme: str) -> dict[str, str]:
    roots = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    found = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6})", roots[0]))
    assert len(roots) == 2
    if scheme == "dark":
        found.update(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6})", roots[1]))
    return found


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), [*product(TEXTS, GROUNDS), *MARKED])
def test_text_stands_out_from_its_ground(scheme: str, text: str, ground: str) -> None:
    known = colours(scheme)
    assert contrast(known[text], known[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_the_focus_ring_stands_out(scheme: str, ground: str) -> None:
    known = colours(scheme)
    assert contrast(known["focus"], known[ground]) >= 3


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    script = files("sinks.web").joinpath("static", "live.js").read_text("utf-8")
    for danger in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http:", "https:"):
        assert danger not in script
