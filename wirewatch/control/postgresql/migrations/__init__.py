"""The tables on PostgreSQL and how an older schema becomes a newer one (Alembic).

A change is a new module in ``versions/``: numbered, never altered once released, named in `migrate.KNOWN`.
"""
