"""The demo's own news: an invented event, told by three invented sources on a local origin."""
