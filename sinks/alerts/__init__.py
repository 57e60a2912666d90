"""The alerts: saved searches held against events, what is told of it, and its delivery (see `docs/alerts.md`)."""
