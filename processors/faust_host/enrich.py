"""The stage ``enrich`` as a plain worker: ``faust -A processors.faust_host.enrich worker``. See `plain`."""

from processors.enrich_handler import EnrichHandler
from processors.faust_host.plain import load_worker

app = load_worker(lambda settings: EnrichHandler(public_url=settings.web.public_url or None))
