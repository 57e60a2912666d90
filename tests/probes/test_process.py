"""A role without a page, as a process: watched on its own port from start to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.cli.conftest import until
from tests.servers.processes import free_port

WIREWATCH = Path(sys.executable).parent / "wirewatch"


def test_every_role_has_probes_and_metrics_and_opens_only_what_it_needs(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    environ = {**os.environ, "WIREWATCH_OPS_LISTEN": address, "WIREWATCH_DATA_DIR": str(tmp_path / "data")}

    def probe(*more: str) -> int:
        return subprocess.run(
            [WIREWATCH, "probe", *more], env=environ, cwd=tmp_path, check=False, capture_output=True
        ).returncode

    assert probe() == 1
    with (tmp_path / "out").open("wb") as out:
        child = subprocess.Popen(
            [WIREWATCH, "run", "--role", "enrich"], env=environ, cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: probe("--live") == 0)
        until(lambda: probe() == 0)
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        assert 'wirewatch_dependency_up{dependency="broker"} 1.0' in text
        assert 'dependency="control"' not in text
        assert "wirewatch_build_info" in text
        assert not (tmp_path / "data" / "control.db").exists()
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.wait()
