"""PostgreSQL from Debian's package: on loopback, in a folder of its own, with a fresh database for each who asks."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from tests.servers.maven import ServerMissing
from tests.servers.processes import ServerProcess, free_ports

USER: Final = "wirewatch"
PASSWORD: Final = "pass w/rd:@"  # what has to be escaped in a URL
PASSWORD_IN_URL: Final = "pass%20w%2Frd%3A%40"
_PLACES: Final = Path("/usr/lib/postgresql")  # where Debian puts each version
_ACCOUNT: Final = "postgres"  # Debian's package makes it; the server refuses to run as root


def programs() -> Path:
    """The folder of the server's programs: in PATH, or Debian's newest. `ServerMissing` says what to do."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = [path for path in _PLACES.glob("*/bin") if (path / "initdb").exists()]
    if not versions:
        raise ServerMissing("PostgreSQL's server is not installed: apt-get install postgresql")
    return max(versions, key=lambda path: [int(number) for number in re.findall(r"\d+", path.parent.name)])


class PostgresqlServer:
    """One server. Made stopped; `start` makes its folder at first. Port and data outlive a restart; `remove` ends both.

    Its data is not synced to the disk: a kill of the server's processes loses nothing, only the machine's would.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """``folder``: one that every account may enter, which pytest's own are not for root; else a new one."""
        self._programs = programs()
        self.folder = folder or Path(tempfile.mkdtemp(prefix="wirewatch-postgresql-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._data = self.folder / "data"
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam(_ACCOUNT)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as_user = ["setpriv", "--reuid", _ACCOUNT, "--regid", _ACCOUNT, "--clear-groups", "--"]
        [self.port] = free_ports(1)
        command = [*self._as_user, str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "60",
            "lc_messages": "C",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        self._server = ServerProcess("PostgreSQL", [*command, *options], port=self.port, log=self.folder / "log")
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        """What the setting ``control`` is to be, with the database that a new server has."""
        return self.url_of("postgres")

    def url_of(self, database: str, *, user: str = USER, password: str = PASSWORD_IN_URL) -> str:
        """What the setting ``control`` is to be."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """The URL of a database that nobody had before."""
        name = f"trial_{next(self._numbers)}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_of(name)

    def execute(self, statement: sql.Composable | str, *, url: str | None = None) -> list[tuple[object, ...]]:
        """Run a statement as the server's owner; the rows it gives."""
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            cursor = connection.execute(statement if isinstance(statement, sql.Composable) else statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start, on the same port and data as before, and wait until it answers."""
        if not self._data.exists():
            self._make()
        until = time.monotonic() + 30
        while True:
            try:
                self._server.start()
                break
            except RuntimeError:
                # what a killed server left of its own processes ends by itself, a moment later
                if "pre-existing shared memory" not in self._server.log_end(5) or time.monotonic() > until:
                    raise
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)  # it listens before it has recovered
            else:
                return

    def stop(self) -> None:
        """End it in good order, its clients' connections with it."""
        if self._server.process is not None and self._server.process.poll() is None:
            self._server.process.send_signal(signal.SIGINT)  # SIGTERM would wait until the last client has gone
        self._server.stop()

    def kill(self) -> None:
        """Kill -9, with every process it made: they would go on answering for a moment."""
        assert self._server.process is not None
        pid = self._server.process.pid
        made = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._server.kill()
        for child in made:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def restart(self) -> None:
        """`stop` and `start`."""
        self.stop()
        self.start()

    def pause(self) -> int:
        """SIGSTOP to what takes new connections: nobody new gets an answer. Its process id."""
        assert self._server.process is not None
        self._server.pause()
        return self._server.process.pid

    def pause_backends(self, url: str) -> list[int]:
        """SIGSTOP to what serves that database: connections stay open and nothing answers. Their process ids."""
        name = url.rsplit("/", 1)[1]
        found = self.execute(sql.SQL("SELECT pid FROM pg_stat_activity WHERE datname = {}").format(sql.Literal(name)))
        pids = [int(str(pid)) for (pid,) in found]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        return pids

    def remove(self) -> None:
        """End it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = [*self._as_user, str(self._programs / "initdb"), "-D", str(self._data), "-U", USER, "-N"]
        options = ["-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C"]
        ended = subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=self.folder)
        if ended.returncode != 0:
            raise RuntimeError(f"PostgreSQL's folder could not be made:\n{ended.stdout}{ended.stderr}")
