"""Search: every revision of every entry in one index, current and withdrawn told apart.

`interface` is what readers ask; `embedded` and `opensearch` are the places it can be kept, each with its sink.
"""
