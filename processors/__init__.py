"""Processors: pure functions from snapshots to entry events and their enrichment, and the stages that host them."""
