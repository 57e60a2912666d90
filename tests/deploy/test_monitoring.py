"""Prometheus, Alertmanager and Grafana: read by their own programs, and held against the metrics we have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.kit import DEPLOY, ROOT, debian_program, known_metrics, read_yaml, run_checked
from tests.deploy.test_files import OPS_PORT, role_port
from wirewatch.stages import STAGES

PROMETHEUS = DEPLOY / "prometheus"
RULES = [PROMETHEUS / "rules.yml", PROMETHEUS / "rules-cluster.yml"]
SCRAPES = [*sorted(PROMETHEUS.glob("scrape*.yml")), DEPLOY / "compose" / "prometheus.yml"]
# what Prometheus itself, or our scrape configurations, put on every series
GIVEN_LABELS = frozenset({"job", "instance", "role", "pod"})
DEPENDENCIES = frozenset({"broker", "index", "control"})


def alerts() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in read_yaml(path)["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((DEPLOY / "grafana" / "wirewatch.json").read_text(encoding="utf-8"))
    return read


def dashboard_queries() -> list[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    yield from dashboard_queries()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made of them everywhere."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alert_says_what_what_to_do_and_where_more_of_it_stands() -> None:
    for rule in alerts():
        said = rule["annotations"]
        assert set(said) == {"summary", "action", "runbook"}, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
        page, _, anchor = said["runbook"].partition("#")
        assert anchor == rule["alert"].lower()
        assert anchor in anchors(ROOT / page), said["runbook"]


def test_no_section_on_an_alert_outlives_its_rule() -> None:
    told = {anchor for anchor in anchors(ROOT / "docs" / "operations.md") if anchor.startswith("wirewatch")}
    assert told == {rule["alert"].lower() for rule in alerts()}


def test_every_query_asks_for_labels_that_its_metrics_have() -> None:
    metrics = known_metrics()
    for query in queries():
        used = re.findall(r"\b(wirewatch_[a-z_]+)", query)
        labels = GIVEN_LABELS.union(*(metrics[name] for name in used))
        for name, selected in re.findall(r"\b(wirewatch_[a-z_]+)\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)\s*(?:=|!)", selected)) <= metrics[name] | GIVEN_LABELS, query
        for by in re.findall(r"\bby \(([^)]*)\)", query):
            assert {label.strip() for label in by.split(",")} <= labels, query
        assert set(re.findall(r'dependency="(\w+)"', query)) <= DEPENDENCIES


def test_rules_and_dashboard_together_leave_out_no_metric() -> None:
    used = {name for query in queries() for name in re.findall(r"\b(wirewatch_[a-z_]+)", query)}
    bases = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in known_metrics()}
    shown = {re.sub(r"_bucket$", "", name) for name in used}
    counters = {base for base in bases if f"{base}_total" in bases}  # a counter is registered under both names
    assert bases - counters - shown == set()


def test_the_rule_for_a_role_that_is_missing_knows_every_role() -> None:
    (rule,) = (rule for rule in alerts() if rule["alert"] == "WirewatchRoleMissing")
    assert re.findall(r'job="wirewatch", role="(\w+)"', rule["expr"]) == list(STAGES)
    assert re.findall(r'"role", "(\w+)"', rule["expr"]) == list(STAGES)


def test_every_rule_is_tried_where_it_fires_and_where_it_must_not() -> None:
    tried: dict[str, set[bool]] = {rule["alert"]: set() for rule in alerts()}
    for case in read_yaml(PROMETHEUS / "rules.test.yml")["tests"]:
        for asked in case["promql_expr_test"]:
            (name,) = re.findall(r'alertname="(\w+)"', asked["expr"])
            tried[name].add(bool(asked["exp_samples"]))
    assert all(both == {True, False} for both in tried.values()), tried


def test_the_rules_do_in_time_what_their_trials_say() -> None:
    promtool = debian_program("promtool", "prometheus")
    run_checked([promtool, "check", "rules", *RULES])
    run_checked([promtool, "test", "rules", "rules.test.yml"], cwd=PROMETHEUS)


def test_prometheus_reads_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(dashboard_queries())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run_checked([debian_program("promtool", "prometheus"), "check", "rules", tmp_path / "rules.yml"])


@pytest.mark.parametrize("path", SCRAPES, ids=[path.name for path in SCRAPES])
def test_prometheus_reads_every_scrape_configuration(path: Path, tmp_path: Path) -> None:
    read = read_yaml(path)
    for job in read["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None):  # Debian builds Prometheus without it
            job["static_configs"] = [{"targets": ["stands.in:1"]}]
    for file in read["rule_files"]:
        assert Path(file).parent == Path("/etc/prometheus/wirewatch")
        assert PROMETHEUS / Path(file).name in RULES
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(read))
    promtool = debian_program("promtool", "prometheus")
    run_checked([promtool, "check", "config", "--syntax-only", tmp_path / "prometheus.yml"])


def test_what_is_scraped_is_where_every_role_answers() -> None:
    (job,) = read_yaml(PROMETHEUS / "scrape-roles.yml")["scrape_configs"]
    scraped = {one["labels"]["role"]: one["targets"] for one in job["static_configs"]}
    assert scraped == {role: [f"127.0.0.1:{role_port(role)}"] for role in STAGES}
    (job,) = read_yaml(DEPLOY / "compose" / "prometheus.yml")["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert found == {"names": list(STAGES), "type": "A", "port": OPS_PORT}


def test_alertmanager_reads_its_routing_and_every_severity_has_its_receiver() -> None:
    path = DEPLOY / "alertmanager" / "alertmanager.yml"
    amtool = debian_program("amtool", "prometheus-alertmanager")
    run_checked([amtool, "check-config", path])
    for severity in ("page", "ticket"):
        went = run_checked([amtool, "config", "routes", "test", f"--config.file={path}", f"severity={severity}"])
        assert went.strip() == severity


def test_alertmanager_s_file_holds_no_key_and_mutes_only_alerts_that_there_are() -> None:
    text = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    assert not re.findall(r"https?://|(?<!_file): [A-Za-z0-9]{24,}", text)
    assert set(re.findall(r"Wirewatch\w+", text)) <= {rule["alert"] for rule in alerts()}


def test_the_dashboard_s_panels_have_a_place_each_and_the_source_that_is_provisioned() -> None:
    folder = DEPLOY / "compose" / "grafana" / "provisioning"
    (source,) = read_yaml(folder / "datasources" / "prometheus.yml")["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        assert panel["title"]
        assert panel["description"]
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    (provider,) = read_yaml(folder / "dashboards" / "wirewatch.yml")["providers"]
    assert f"../grafana:{provider['options']['path']}:ro" in (DEPLOY / "compose" / "compose.yaml").read_text()
