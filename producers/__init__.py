"""Producers: what asks the sources, politely, and publishes each body that changed."""
