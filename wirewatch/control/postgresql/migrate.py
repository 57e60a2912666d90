"""Which schema a database has, and bringing it to this program's, safely where several processes start at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg

from wirewatch.control.model import NoStoreError
from wirewatch.control.postgresql.failures import failures_in_words
from wirewatch.errors import BrokenStorage, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wirewatch.control.postgresql.address import Address

VERSION_TABLE: Final = "wirewatch_schema"
KNOWN: Final = ("0001",)
"""Every version of the schema, oldest first: what stands in ``migrations/versions/``."""
HAS_VERSION: Final[LiteralString] = "SELECT to_regclass('wirewatch_schema') IS NOT NULL"
READ_VERSION: Final[LiteralString] = "SELECT version_num FROM wirewatch_schema"
_FOREIGN: Final[LiteralString] = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname LIMIT 3
"""  # tables but for those of extensions
_LOCK: Final = 0x77774354  # "wwCT", as in the file on SQLite
_WAIT: Final[LiteralString] = "SET lock_timeout = '60s'; SET statement_timeout = '10min'"


def is_current(version: str | None, where: str) -> bool:
    """Whether nothing is to be done. Raises `BrokenStorage` where the schema is newer than this program."""
    if version is not None and version not in KNOWN:
        raise BrokenStorage(
            f"{where} was written by a newer wirewatch (schema {version}, this program knows {KNOWN[-1]}): "
            "upgrade wirewatch, or restore the copy made before the upgrade"
        )
    return version == KNOWN[-1]


def require_current(version: str | None, where: str) -> None:
    """For who only looks, and leaves the schema as it is. Raises `NoStoreError`, `UserError` for an older one."""
    if version is None:
        raise NoStoreError(f"{where} holds nothing yet: wirewatch run makes it")
    if not is_current(version, where):
        raise UserError(
            f"{where} has the schema {version} of an older wirewatch, and this one works with {KNOWN[-1]}: wirewatch "
            "run brings it forward when it starts; until then look with the older one"
        )


def migrate(address: Address, where: str) -> None:
    """Bring the schema to this program's version, in one transaction. Blocks: to be called in a thread of its own.

    Others that start at the same time wait. Raises `UserError` where tables are another program's, or may not be made.
    """
    with failures_in_words(where):
        connection = psycopg.connect(address.conninfo)
    try:
        with failures_in_words(where), connection:
            connection.execute(_WAIT)
            # the session's and not the transaction's: SQLAlchemy begins with a rollback; it ends with the connection
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            if not is_current(_version(connection, where), where):
                _upgrade(connection, where)
    finally:
        connection.close()


def _version(connection: psycopg.Connection, where: str) -> str | None:
    """The schema's version; None where there is nothing yet."""
    if _first(connection.execute(HAS_VERSION).fetchone()):
        return str(_first(connection.execute(READ_VERSION).fetchone()))
    if _first(connection.execute("SELECT current_schema()").fetchone()) is None:
        raise UserError(f"{where}: the user's search_path names no schema that exists")
    foreign = [str(name) for (name,) in connection.execute(_FOREIGN)]
    if foreign:
        raise UserError(
            f"{where} is not wirewatch's: it holds tables of another program ({', '.join(foreign)}). "
            "Make a database of its own (CREATE DATABASE wirewatch) and name that in control"
        )
    return None


def _first(row: Sequence[object] | None) -> object:
    return None if row is None else row[0]


def _upgrade(connection: psycopg.Connection, where: str) -> None:
    # their import takes half a second, which a start that finds everything current is spared
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine, pool  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=pool.StaticPool)
    try:
        with engine.connect() as through:
            config.attributes.update(connection=through, version_table=VERSION_TABLE)
            command.upgrade(config, "head")
            through.commit()
    except Exception as error:
        cause = getattr(error, "orig", None)
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise UserError(
                f"{where}: this user may not make tables there ({cause.diag.message_primary}): "
                "make it the database's owner (ALTER DATABASE ... OWNER TO ...)"
            ) from error
        if isinstance(cause, psycopg.Error):
            raise cause from error
        raise
