"""Search: every revision of every entry in one index, current and withdrawn told apart."""
