"""The Faust host: the pure handlers of `processors`, run on Kafka as Faust agents with their state in tables.

The face for `wirewatch run` is `FaustHost`, a host like those of `wirewatch.hosting.runner`::

    hosts = [FaustHost(broker, handler, streamed_inputs(handler.stage), data_dir=data) for handler in handlers]
    Runner(broker, hosts=hosts, sinks=sinks)

It lives in the event loop it is run in; any number of them, beside other clients. The rooms: `host` (start, stop,
start again), `building` (the app and its settings), `work` (what becomes of one record), `transport`,
`reading_thread`, `readings` and `progress` (what is read, handed out and committed), `records`, `library_logs`;
`plain`, `diff` and `enrich` are the ``faust`` command's.
"""

from processors.faust_host.host import FaustHost

__all__ = ["FaustHost"]
