"""Parsing: bytes of a snapshot to a feed and its entries. Pure: no clock, network or file."""
