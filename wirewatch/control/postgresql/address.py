"""From the setting ``control = "postgresql://..."`` to what libpq is told. The password is never in a message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from wirewatch.errors import UserError
from wirewatch.settings.environment import variable_named

# only these words of libpq's are repeated: others may hold a piece of a password that was not escaped
_BAD_PARAMETER: Final = re.compile(r'invalid URI query parameter: "(\w{1,40})"')
_OURS: Final = {
    "application_name": "wirewatch",
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    # a server that vanished without a word is noticed within a minute
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


class Address(Struct, frozen=True):
    """``conninfo`` is for libpq and holds the password if the URL has one; ``shown`` is for people."""

    conninfo: str
    shown: str

    def __repr__(self) -> str:
        """Without the password: an address may end up in a traceback."""
        return f"Address({self.shown!r})"


def read_address(url: str, environ: Mapping[str, str]) -> Address:
    """The address that a URL of libpq's form names (https://www.postgresql.org/docs/current/libpq-connect.html).

    A password of the form ``env:NAME`` is read from ``environ``; without one libpq looks for PGPASSWORD and
    ~/.pgpass. Raises `UserError` in words that repeat nothing secret.
    """
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(url.strip()).items() if value is not None}
    except ProgrammingError as error:  # its text may hold a piece of the password
        raise UserError(f"control: {_why_unread('' if '@' in url.partition('?')[2] else str(error))}") from None
    if _is_torn(given, url):
        raise UserError(f"control: {_why_unread('')}")
    shown = _shown(given)
    if not given.get("dbname"):
        raise UserError(f"control: {shown} names no database: write postgresql://user@host:5432/database")
    name = variable_named(given.get("password", ""))
    if name is not None:
        if not environ.get(name):
            raise UserError(f"control: the password of {shown} is to come from the variable {name}, which is not set")
        given["password"] = environ[name]
    return Address(make_conninfo(**{**_OURS, **given}), shown)


def _is_torn(given: Mapping[str, str], url: str) -> bool:
    """Whether a password that was not escaped has ended up in other parts, which are shown to people."""
    parts = (given.get("host", ""), given.get("port", ""), given.get("dbname", ""), url.partition("?")[2])
    return any("@" in part for part in parts) or not re.fullmatch(r"[0-9,]*", given.get("port", ""))


def _why_unread(text: str) -> str:
    if found := _BAD_PARAMETER.search(text):
        return (
            f"there is no parameter {found[1]!r} of PostgreSQL connections; TLS is asked for with ?sslmode=verify-full"
        )
    return (
        "the address cannot be read: write postgresql://user:password@host:5432/database, in the password"
        " %40 for @, %3A for :, %2F for /, %23 for #, %25 for % (or user:env:NAME@ to take it from a variable)"
    )


def _shown(given: Mapping[str, str]) -> str:
    user = f"{given['user']}@" if given.get("user") else ""
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{user}{given.get('host', '')}{port}/{given.get('dbname', '')}"
