"""Sinks: what people and programs meet: search, alerts and the web."""
