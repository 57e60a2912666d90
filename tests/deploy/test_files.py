from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from wirewatch.health import STATES
from wirewatch.metrics import REGISTRY
from wirewatch.settings import Settings
from wirewatch.settings.declared import read_listen
from wirewatch.settings.load import options

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file())
TEXTS = [(path, path.read_text(encoding="utf-8")) for path in FILES]


def known_metrics() -> set[str]:
    names = {family.name for family in REGISTRY.collect()}
    return names | {f"{name}_total" for name in names}


@pytest.mark.parametrize(("path", "text"), TEXTS, ids=[path.name for path in FILES])
def test_every_variable_metric_state_and_port_that_a_file_names_exists(path: Path, text: str) -> None:
    variables = {option.variable for option in options()}
    assert set(re.findall(r"WIREWATCH_[A-Z_]+", text)) <= variables
    assert set(re.findall(r"\bwirewatch_[a-z_]+", text)) <= known_metrics()
    for states in re.findall(r'state=~?"([a-z|-]+)"', text):
        assert set(states.split("|")) <= set(STATES)
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)}
    assert ports <= {read_listen(Settings().web.listen)[1]}


def test_the_service_leaves_more_time_to_stop_than_a_stop_takes() -> None:
    from wirewatch.hosting.runner import DRAIN_SECONDS

    unit = (ROOT / "deploy" / "systemd" / "wirewatch.service").read_text(encoding="utf-8")
    found = re.search(r"TimeoutStopSec=(\d+)", unit)
    assert found
    assert int(found.group(1)) > DRAIN_SECONDS


def test_every_rule_tells_what_to_do() -> None:
    rules = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    assert rules.count("- alert:") == rules.count("action:") == rules.count("summary:")


def test_the_rules_are_what_prometheus_reads() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool: install Debian's package prometheus")
    for kind, name in (("rules", "rules.yml"), ("config", "scrape.yml")):
        done = subprocess.run(
            [promtool, "check", kind, ROOT / "deploy" / "prometheus" / name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
