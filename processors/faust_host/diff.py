"""The stage ``diff`` as a plain worker: ``faust -A processors.faust_host.diff worker``. See `plain`."""

from processors.diff_handler import DiffHandler
from processors.faust_host.plain import load_worker

app = load_worker(lambda _settings: DiffHandler())
