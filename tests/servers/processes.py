"""A server as a child process on loopback: its ports, its log, its start and its end."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, all different.

    None is of the range that the system gives to outgoing connections: while a server is away, no client's own end
    takes its port, and no client that calls the port is answered by itself.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(range(10_240, _first_outgoing()), 2_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free port on 127.0.0.1 between 10240 and the range of outgoing connections")


def free_port() -> int:
    """One of `free_ports`."""
    return free_ports(1)[0]


def _first_outgoing() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 32_768
    return first if first > 14_000 else 32_768  # where nearly all are outgoing, any will do


class ServerProcess:
    """Starts a command, waits until its port answers, and ends it by its own process id."""

    def __init__(self, name: str, command: Sequence[str], *, port: int, log: Path, cwd: Path | None = None) -> None:
        self._name = name
        self._command = list(command)
        self._port = port
        self._log = log
        self._cwd = cwd
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, seconds: float = 60.0) -> None:
        """Start and wait until it listens; its log's end is in the error where it does not."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT, cwd=self._cwd)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self._port), 0.3):
                    return
            except OSError:
                time.sleep(0.05)  # a server that is coming up can only be asked again
        self.kill()
        raise RuntimeError(f"{self._name} did not come up on port {self._port}; its log ends:\n{self.log_end()}")

    def log_end(self, lines: int = 40) -> str:
        """The last lines of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, *, seconds: float = 30.0) -> None:
        """SIGTERM, and SIGKILL after so long. Safe to call twice."""
        if self.process is None or self.process.poll() is not None:
            return
        self.resume()
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: no last word, as when a machine goes away."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        """SIGSTOP: its connections stay open, and nothing answers. Blocks until every thread of it stands still."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        # the signal only asks: on a busy machine the other threads answer for some milliseconds more
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)


class Server:
    """A server of a kind: a subclass makes its process, and its `start` waits until it really answers."""

    def __init__(self, process: ServerProcess) -> None:
        self._server = process

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._server.process is not None
        return self._server.process.pid

    def start(self) -> None:
        """Start, on the same ports and data as before, and wait until it answers."""
        self._server.start()

    def stop(self) -> None:
        """End it in good order."""
        self._server.stop()

    def kill(self) -> None:
        """Kill -9."""
        self._server.kill()

    def restart(self) -> None:
        """`stop` and `start`."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self._server.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self._server.resume()

    def log_end(self) -> str:
        """The last lines of its log."""
        return self._server.log_end()
