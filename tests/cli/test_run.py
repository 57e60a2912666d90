"""`wirewatch run` as a process: how it starts, is refused, and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Server, rss, until

WIREWATCH = Path(sys.executable).parent / "wirewatch"
Start = Callable[..., "subprocess.Popen[bytes]"]
NEVER_ENDING = """
import asyncio, os, signal
from wirewatch.cli.commands import run

class Hanging:
    def stop(self) -> None:
        pass

async def hang() -> None:
    run.stop_on_signals(Hanging())
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.Event().wait()

run.LONGEST_STOP_S = 0.2
asyncio.run(hang())
"""


@pytest.fixture
def start(tmp_path: Path, server: Server) -> Iterator[Start]:
    """Start `wirewatch run ARGS` in a group of its own; its words go to the file ``out``."""
    server.bodies["/rss"] = rss(("a", "Bridge shut"))
    (tmp_path / "wirewatch.toml").write_text(
        f'allow_networks = ["127.0.0.0/8"]\n[web]\nlisten = "127.0.0.1:0"\n'
        f'[[feeds]]\nid = "city"\nurl = "{server.base}/rss"\n'
    )
    children: list[subprocess.Popen[bytes]] = []

    def run(*argv: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "out").open("wb") as out:
            child = subprocess.Popen(
                [WIREWATCH, "run", *argv], cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        children.append(child)
        return child

    yield run
    for child in children:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def said(folder: Path) -> str:
    return (folder / "out").read_text()


def group_of(leader: int) -> set[int]:
    """The processes of a group, from /proc."""
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stats.append((int(path.parent.name), path.read_text().rpartition(")")[2].split()))
        except OSError:
            continue  # it ended meanwhile
    return {pid for pid, fields in stats if int(fields[2]) == leader}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order_with_status_0(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    child = start()
    until(lambda: "wirewatch is up: http://127.0.0.1:" in said(tmp_path))
    began = time.monotonic()
    child.send_signal(number)
    assert child.wait(30) == 0
    assert time.monotonic() - began < 10
    assert f"{number.name}: finishing what is in hand" in said(tmp_path)
    assert "Traceback" not in said(tmp_path)
    assert group_of(child.pid) == set()


@pytest.mark.parametrize("role", ["poll", "diff", "enrich", "search", "match", "notify", "web"])
def test_each_stage_runs_alone(start: Start, tmp_path: Path, role: str) -> None:
    child = start("--role", role)
    until(lambda: '"event": "running"' in said(tmp_path))
    child.terminate()
    assert child.wait(30) == 0
    assert "Traceback" not in said(tmp_path)


def test_who_watches_nothing_yet_is_told_how_to_begin(start: Start, tmp_path: Path) -> None:
    start("--config", "/dev/null", "--data-dir", str(tmp_path / "other"), "--web.listen", "127.0.0.1:0")
    until(lambda: "No feed is watched yet. Add one" in said(tmp_path))


def test_a_port_in_use_is_told_and_nothing_else(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        child = start("--web.listen", f"127.0.0.1:{taken.getsockname()[1]}")
        assert child.wait(30) == 2
    assert "wirewatch: web.listen: cannot listen on" in said(tmp_path)
    assert "never awaited" not in said(tmp_path)


def test_another_address_than_loopback_needs_a_token(start: Start, tmp_path: Path) -> None:
    assert start("--web.listen", "0.0.0.0:0").wait(30) == 2
    assert "set web.token" in said(tmp_path)


AS_FROM_A_TERMINAL = """
import os, signal, sys
# where the tests run in the background it is ignored, and children inherit that
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_tail_into_a_file_has_each_line_at_once(start: Start, tmp_path: Path) -> None:
    start()
    until(lambda: "wirewatch is up" in said(tmp_path))
    with (tmp_path / "tailed").open("wb") as out:
        command = [sys.executable, "-c", AS_FROM_A_TERMINAL, WIREWATCH, "tail", "--from", "earliest", "--json"]
        tail = subprocess.Popen(command, cwd=tmp_path, stdout=out)
    try:
        until(lambda: (tmp_path / "tailed").read_text().endswith("}\n"))
    finally:
        tail.send_signal(signal.SIGINT)
        assert tail.wait(10) == 130


def test_f18_what_a_silent_server_holds_up_is_ended_with_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", NEVER_ENDING], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 3
    assert "what was in hand will be done again" in done.stdout + done.stderr
