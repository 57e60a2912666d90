"""Nothing under deploy/ names what the program does not have, and what stands twice says the same twice."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.kit import DEPLOY, ROOT, check_call, unknown_names
from wirewatch.brokers.connect import is_embedded
from wirewatch.cli.exits import BROKEN, MISTAKE
from wirewatch.health import STATES
from wirewatch.hosting.runner import DRAIN_SECONDS
from wirewatch.settings import Settings
from wirewatch.settings.declared import read_listen
from wirewatch.settings.load import load
from wirewatch.stages import STAGES

FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
NAMES = [str(path.relative_to(DEPLOY)) for path in FILES]
SETTINGS = sorted(DEPLOY.rglob("wirewatch.toml"))
UNITS = ("wirewatch.service", "wirewatch@.service")
OPS_PORT = 9765
# of the servers beside us, as their own documentation has them
SERVERS_PORTS = frozenset({9090, 9093, 3000})


def unit(name: str) -> str:
    return (DEPLOY / "systemd" / name).read_text(encoding="utf-8")


def role_port(role: str) -> int:
    text = (DEPLOY / "systemd" / "roles" / f"{role}.env").read_text(encoding="utf-8")
    found = re.search(r"^WIREWATCH_OPS_LISTEN=(\S+)$", text, re.MULTILINE)
    assert found
    return read_listen(found.group(1))[1]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_variable_metric_topic_group_role_state_and_port_that_a_file_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not set(unknown_names(text))
    for states in re.findall(r'state=~?"([a-z|-]+)"', text):
        if states != "firing":
            assert set(states.split("|")) <= set(STATES)
    web = read_listen(Settings().web.listen)[1]
    known = {web, OPS_PORT, *map(role_port, STAGES), *SERVERS_PORTS}
    assert {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)} <= known


@pytest.mark.parametrize(
    "text",
    [
        "WIREWATCH_WEB_LISTNE",
        "rate(wirewatch_polls_sum[5m])",
        "wirewatch.entry.v1",
        "consumerGroup: wirewatch.index",
        "wirewatch@poller",
        "--role, polls",
    ],
)
def test_a_name_that_the_program_does_not_have_is_found(text: str) -> None:
    assert len(set(unknown_names(text))) == 1


@pytest.mark.parametrize("path", SETTINGS, ids=[str(path.relative_to(DEPLOY)) for path in SETTINGS])
def test_every_settings_file_is_read_by_the_program_and_holds_no_secret(path: Path) -> None:
    settings = load(path).settings
    assert not is_embedded(settings.broker)
    assert settings.search.startswith("opensearch://")
    assert settings.control.startswith("postgresql://wirewatch@")
    assert read_listen(settings.ops.listen) == ("0.0.0.0", OPS_PORT)
    assert read_listen(settings.web.listen)[1] == read_listen(Settings().web.listen)[1]
    assert not settings.web.token
    assert not settings.kafka.password
    assert not settings.opensearch.password
    assert bool(settings.kafka.username) == settings.kafka.tls == settings.opensearch.tls
    assert ("sslmode=verify-full" in settings.control) == settings.kafka.tls


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_calls_the_program_as_it_can_be_called_and_leaves_time_to_stop(name: str) -> None:
    text = unit(name)
    found = re.search(r"^ExecStart=\S+/wirewatch (.+)$", text, re.MULTILINE)
    assert found
    check_call(found.group(1).replace("%i", "poll").split())
    seconds = re.search(r"TimeoutStopSec=(\d+)", text)
    assert seconds
    assert int(seconds.group(1)) > DRAIN_SECONDS


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_started_again_but_where_that_would_not_help(name: str) -> None:
    """A cluster that came up later than we, after a power cut, is a fault that passes."""
    text = unit(name)
    assert "\nRestart=on-failure\n" in text
    assert f"\nRestartPreventExitStatus={MISTAKE} {BROKEN}\n" in text


def test_the_unit_of_a_role_is_the_unit_of_the_whole_but_for_its_role_folder_and_port() -> None:
    def bare(text: str) -> set[str]:
        return {line for line in text.splitlines() if line and not line.startswith("#")}

    assert {line.partition("=")[0] for line in bare(unit(UNITS[0])) ^ bare(unit(UNITS[1]))} == {
        "Description",
        "Environment",
        "EnvironmentFile",
        "ExecStart",
        "StateDirectory",
        "StateDirectoryMode",
        "MemoryMax",
    }
    assert "WIREWATCH_DATA_DIR=/var/lib/wirewatch/%i\n" in unit(UNITS[1])


def test_every_role_has_a_port_of_its_own_on_a_server() -> None:
    assert {path.stem for path in (DEPLOY / "systemd" / "roles").iterdir()} == set(STAGES)
    assert len({role_port(role) for role in STAGES}) == len(STAGES)
    assert set(re.findall(r"wirewatch@(\w+)", unit(UNITS[1]))) == set(STAGES)


def test_systemd_reads_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze: this machine has no systemd")
    for name in UNITS:
        # a program that is there, since ours is installed elsewhere
        text = unit(name).replace("/opt/wirewatch/.venv/bin/wirewatch", "/bin/true")
        (tmp_path / name.replace("@", "@poll")).write_text(re.sub(r"(?m)^Documentation=.*\n", "", text))
    done = subprocess.run(
        [analyze, "verify", "--man=no", *sorted(tmp_path.iterdir())], capture_output=True, text=True, check=False
    )
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "wirewatch" in line]
    assert not said, done.stderr


def test_the_folder_s_page_names_every_part() -> None:
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for part in DEPLOY.iterdir():
        if part.is_dir():
            assert f"`{part.name}/" in page, part.name
    assert not re.search(r"\d+ m?s\b", page), "figures belong to benchmarks"
    assert (ROOT / "docs" / "operations.md").is_file()
