"""``make servers``: the test servers, for trying things by hand. Prints the settings to use; Ctrl-C ends them."""

from __future__ import annotations

import importlib
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests.servers.maven import ServerMissing

# the setting, where its server's class is, and the table of settings that goes with it
_SERVERS: Final = (
    ("broker", "tests.servers.kafka", "KafkaServer"),
    ("search", "tests.servers.opensearch", "OpenSearchServer"),
    ("control", "tests.servers.postgresql", "PostgresqlServer"),
)


def _started(module: str, name: str, folder: Path, stack: ExitStack) -> Any:
    server = getattr(importlib.import_module(module), name)(folder)
    server.start()
    stack.callback(server.stop)
    return server


def main() -> int:
    """Start what can be started, say what could not and why, wait."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wirewatch-servers-")))
        folder.chmod(0o711)  # PostgreSQL runs under an account of its own
        lines: list[str] = []
        try:
            for setting, module, name in _SERVERS:
                try:
                    lines.append(f'{setting} = "{_started(module, name, folder / setting, stack).url}"')
                except (ServerMissing, ModuleNotFoundError) as missing:
                    print(f"# {setting}: {missing}", flush=True)
            print("# in wirewatch.toml, until Ctrl-C ends these servers:")
            print(*lines, 'data_dir = "wirewatch-data"', sep="\n", flush=True)
            print("# then: wirewatch topics create && wirewatch run", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            print("stopping ...", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
