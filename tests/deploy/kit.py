"""What the deployment's files are read and checked with."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
import yaml

from tests.servers.maven import ServerMissing, program, servers_folder, skip_or_fail
from wirewatch.cli.app import COMMANDS
from wirewatch.metrics import REGISTRY
from wirewatch.settings.load import options
from wirewatch.stages import STAGES
from wirewatch.topics import TOPICS

ROOT: Final = Path(__file__).parent.parent.parent
DEPLOY: Final = ROOT / "deploy"
KUSTOMIZE: Final = ("sigs.k8s.io/kustomize/kustomize/v5", "v5.7.1", "kustomize")
COMPOSE: Final = ("github.com/compose-spec/compose-go/v2/cmd", "v2.9.0", "cmd")
# a cold build of kustomize took 31 s on two cores, of compose-go's checker 6 s
_BUILD_SECONDS: Final = 240
_FLAGS: Final = frozenset({"--config", "--role", "--live"})


def read_documents(text: str) -> list[dict[str, Any]]:
    """Every document of a YAML stream."""
    return [document for document in yaml.safe_load_all(text) if document]


def read_yaml(path: Path) -> dict[str, Any]:
    """The one document of a YAML file."""
    (document,) = read_documents(path.read_text(encoding="utf-8"))
    return document


def go_program(module: str, version: str, name: str) -> Path:
    """A program built from the Go module proxy at first, kept beside the test servers' jars.

    Skips where there is no Go; where there is, what cannot be built is skipped, or fails where servers are required.
    """
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"{name} of {module} is built with Go, which is not installed")
    folder = servers_folder() / "go" / f"{module.replace('/', '_')}@{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            built = subprocess.run(
                [go, "install", f"{module}@{version}"],
                env={**os.environ, "GOBIN": str(folder)},
                capture_output=True,
                text=True,
                timeout=_BUILD_SECONDS,
                check=False,
            )
            if built.returncode != 0:
                skip_or_fail(ServerMissing(f"{module}@{version} could not be built:\n{built.stderr[-2000:]}"))
    return folder / name


def debian_program(name: str, package: str) -> str:
    """A program of Debian's; without it the test skips, or fails where WIREWATCH_REQUIRE_SERVERS is set."""
    try:
        return program(name, package)
    except ServerMissing as missing:
        skip_or_fail(missing)


def run_checked(command: Sequence[str | Path], *, cwd: Path | None = None) -> str:
    """What a command prints; its end with another status than 0 fails the test with its words."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != 0:
        _fail(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _fail(words: str) -> NoReturn:
    pytest.fail(words, pytrace=False)


def known_metrics() -> dict[str, frozenset[str]]:
    """Every series' name as Prometheus sees it, with its labels."""
    known: dict[str, frozenset[str]] = {}
    for collector in REGISTRY._collector_to_names:
        labels = frozenset(getattr(collector, "_labelnames", ()))
        for name in REGISTRY._collector_to_names[collector]:
            known[name] = labels | ({"le"} if name.endswith("_bucket") else set())
    return known


def unknown_names(text: str) -> Iterator[str]:
    """Every variable, metric, topic, group and role of a text that the program does not have."""
    variables = {option.variable for option in options()}
    yield from set(re.findall(r"WIREWATCH_[A-Z_]+", text)) - variables
    yield from set(re.findall(r"\bwirewatch_[a-z_]+", text)) - set(known_metrics())
    yield from set(re.findall(r"\bwirewatch\.[a-z-]+\.v\d+", text)) - set(TOPICS)
    for role in re.findall(r"consumerGroup: wirewatch\.(\S+)|(?<!//)wirewatch@([a-z]+)|--role[ ,]+([a-z]+)", text):
        yield from {name for name in role if name} - set(STAGES)


def check_call(arguments: Iterable[str]) -> None:
    """Fails where a call of `wirewatch` names a command, a flag or a role that there is not."""
    command, *rest = [str(argument) for argument in arguments]
    assert command in COMMANDS, command
    flags = {argument for argument in rest if argument.startswith("--")}
    assert flags <= _FLAGS | {option.flag for option in options()}, flags
    for flag, value in pairwise(rest):
        if flag == "--role":
            assert value in STAGES, value
