"""The web role: the live page, search, sources and saved searches; the API, the stream, metrics and probes."""
