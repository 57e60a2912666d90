"""OpenSearch: one node from Maven Central's jars, on loopback, in a folder of its own."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.servers.maven import OPENSEARCH_2, OPENSEARCH_3, Artifact, ServerMissing, jars, java
from tests.servers.processes import Server, ServerProcess, free_ports

_JVM: Final = ("-Xmx384m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_HERE: Final = Path(__file__).parent


class OpenSearchServer(Server):
    """An OpenSearch cluster of one. Made stopped; its ports and data outlive a restart. No TLS, no passwords.

    Version 3 where Java is 21 or newer, else version 2.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config").mkdir(parents=True, exist_ok=True)
        self.port, transport = free_ports(2)
        logging = f"-Dlog4j.configurationFile={_HERE / 'log4j2.properties'}"
        command = [java(), *_JVM, logging, "-cp", jars(_version()), str(_HERE / "OpenSearchNode.java")]
        command += [str(folder), str(self.port), str(transport)]
        super().__init__(ServerProcess("OpenSearch", command, port=self.port, log=folder / "log", cwd=folder))

    @property
    def url(self) -> str:
        """What the setting ``search`` is to be."""
        return f"opensearch://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, on the same ports and data as before, and wait until it answers."""
        super().start()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                self.ask("GET", "/_cluster/health?wait_for_status=yellow&timeout=30s")
            except OSError:
                time.sleep(0.05)  # it listens before it answers
            else:
                return
        raise RuntimeError(f"OpenSearch did not answer; its log ends:\n{self.log_end()}")

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One call of its API, JSON to JSON; an ``HTTPError`` where it says no."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=data,
            method=method,
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or b"null")

    def empty(self) -> None:
        """Delete every index: a bare cluster again, with no restart."""
        names = [row["index"] for row in self.ask("GET", "/_cat/indices?format=json&h=index")]
        for name in names:
            self.ask("DELETE", f"/{name}")


def _version() -> Artifact:
    said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < 17:
        raise ServerMissing("OpenSearch needs Java 17 or newer: apt-get install openjdk-17-jre-headless")
    return OPENSEARCH_3 if int(found[1]) >= 21 else OPENSEARCH_2
