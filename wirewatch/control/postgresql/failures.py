"""PostgreSQL's errors as wirewatch's: what may pass, what means that the store no longer holds, what the user mends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from wirewatch.errors import BrokenStorage, PassingFault, UserError

# by SQLSTATE, or its class (https://www.postgresql.org/docs/current/errcodes-appendix.html)
_BROKEN: Final = {
    "53100": "the server's disk is full",
    "42P01": "a table is missing",
    "42703": "a column is missing",
    "42501": "the user may not do that",
    "58": "the server's files do not read or write",
    "XX": "the server's data is damaged, or the server is",
}
_PASSING: Final = {
    "08": "the connection was lost",
    "25006": "the server takes no writes now",
    "25P03": "this process stood still for too long",
    "40": "others changed the same rows at the same time",
    "53": "the server is short of resources",
    "55P03": "others hold the same rows for long",
    "57": "the server is stopping, starting or gave up",
}
# a refused connection carries no SQLSTATE, only words; what is not among these may pass
_MISTAKES: Final = {
    "password authentication failed": "the user or the password is wrong",
    "no password supplied": "the server asks for a password: put it into the address, PGPASSWORD or ~/.pgpass",
    "does not exist": "there is no such database, or no such user",
    "no pg_hba.conf entry": "the server lets nobody in from here in this manner (its pg_hba.conf)",
    "is not permitted to log in": "this user may not log in",
    "permission denied for database": "this user may not connect to that database",
    "Name or service not known": "there is no such host",
    "No address associated": "there is no such host",
    "nodename nor servname": "there is no such host",
    "does not support SSL": "the server speaks no TLS, which sslmode asks for",
    "certificate verify failed": "the server's certificate is not trusted (sslrootcert)",
    "root certificate file": "the certificate to check the server by cannot be read (sslrootcert)",
    "server certificate for": "the server's certificate is for another host",
    "invalid sslmode": "there is no such sslmode",
    "invalid port number": "there is no such port",
    "invalid integer value": "a number in the address is none",
}


@contextmanager
def failures_in_words(where: str) -> Iterator[None]:
    """Turn what PostgreSQL raises inside into `BrokenStorage` or `PassingFault`; a mistake of ours stays as it is."""
    try:
        yield
    except psycopg.Error as error:
        told = explain_failure(error, where)
        if told is None:
            raise
        raise told from error
    except OSError as error:
        raise PassingFault(f"{where} cannot be reached: {error.strerror or error}", retry_after=1.0) from error


def explain_failure(error: psycopg.Error, where: str) -> BrokenStorage | PassingFault | None:
    """The error of ours that says the same; None where the fault is in what was asked."""
    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return PassingFault(f"{where} cannot be reached: {words_of(error)}", retry_after=1.0)
        return None
    for known, kind in ((_BROKEN, BrokenStorage), (_PASSING, PassingFault)):
        said = known.get(state) or known.get(state[:2])
        if said is not None:
            return kind(f"{where}: {said} ({words_of(error)})")
    return None


def mistake_in(error: psycopg.Error, where: str) -> UserError | None:
    """What the user can mend where a first connection was refused; None where it may pass."""
    text = str(error)
    said = next((words for mark, words in _MISTAKES.items() if mark in text), None)
    return None if said is None else UserError(f"{where}: {said} ({words_of(error)})")


def words_of(error: psycopg.Error) -> str:
    """What the server said, in one line, without the rows that its details may repeat."""
    return error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
