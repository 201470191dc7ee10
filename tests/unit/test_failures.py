"""Reasons for the refusals of a database, by the codes of both drivers."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
import sqlalchemy.exc

from digest.store import failures

psycopg = pytest.importorskip("psycopg")

POSTGRES = {
    "08000": "gone",
    "08001": "gone",
    "08003": "gone",
    "08004": "gone",
    "08006": "gone",
    "08P01": "gone",
    "25006": "read-only",
    "25P03": "cancelled",
    "28000": "login",
    "28P01": "login",
    "3D000": "absent",
    "3F000": "incomplete",
    "40001": "conflict",
    "40P01": "conflict",
    "40003": "conflict",
    "42501": "denied",
    "42P01": "incomplete",
    "42703": "incomplete",
    "53000": "busy",
    "53100": "full",
    "53200": "busy",
    "53300": "busy",
    "53400": "busy",
    "55006": "locked",
    "55P03": "locked",
    "57000": "gone",
    "57014": "cancelled",
    "57P01": "gone",
    "57P02": "gone",
    "57P03": "gone",
    "57P04": "absent",
    "57P05": "gone",
    "58000": "disk",
    "58030": "disk",
    "58P01": "disk",
    "XX000": "damaged",
    "XX001": "damaged",
    "XX002": "damaged",
}
#: a statement that is wrong is a mistake of ours, and no state of the database
OURS = ("22001", "22P02", "23505", "25P02", "42601", "42804", "54000", "54001", "0A000")


def wrap_in_dbapi_error(cause: Exception, kinds: type[Exception]) -> sqlalchemy.exc.DBAPIError:
    error = sqlalchemy.exc.DBAPIError.instance("SELECT 1", None, cause, kinds)
    assert isinstance(error, sqlalchemy.exc.DBAPIError)
    return error


@pytest.mark.parametrize(("state", "reason"), POSTGRES.items())
def test_every_sqlstate_has_a_reason(state: str, reason: str) -> None:
    cause = psycopg.errors.lookup(state)("in the server's words")
    for error in (
        cause,
        wrap_in_dbapi_error(cause, psycopg.Error),
    ):  # COPY raises the driver's error itself
        failure = failures.explain(error, "postgresql://user:***@host/name")
        assert failure is not None
        assert failure.reason == reason
        assert str(failure).startswith("postgresql://user:***@host/name: ")
        assert str(failure).endswith(failures.MEANINGS[failure.reason].remedy)


@pytest.mark.parametrize("state", OURS)
def test_an_invalid_statement_is_not_explained(state: str) -> None:
    cause = psycopg.errors.lookup(state)("wrong")
    assert failures.explain(wrap_in_dbapi_error(cause, psycopg.Error), "x") is None
    wrong: Any = sqlite3.OperationalError("duplicate column name: x")
    wrong.sqlite_errorcode = sqlite3.SQLITE_ERROR
    assert failures.explain(wrap_in_dbapi_error(wrong, sqlite3.Error), "x") is None
    assert (
        failures.explain(wrap_in_dbapi_error(sqlite3.IntegrityError("UNIQUE"), sqlite3.Error), "x")
        is None
    )


LOGIN = {
    'FATAL:  password authentication failed for user "x"': "login",
    "fe_sendauth: no password supplied": "login",
    'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "x", database "y"': "login",
    'FATAL:  role "x" does not exist': "login",
    'FATAL:  role "x" is not permitted to log in': "login",
    'FATAL:  database "y" does not exist': "absent",
    'FATAL:  permission denied for database "y"': "denied",
    "FATAL:  sorry, too many clients already": "busy",
    "FATAL:  remaining connection slots are reserved for roles with SUPERUSER": "busy",
    'FATAL:  too many connections for role "x"': "busy",
    "FATAL:  the database system is starting up": "gone",
    "FATAL:  the database system is in recovery mode": "gone",
    "Connection refused": "gone",
    "failed to resolve host 'db.example.org'": "gone",
    "connection timeout expired": "gone",
    "consuming input failed: server closed the connection unexpectedly": "gone",
    "SSL connection has been closed unexpectedly": "gone",
    "la connexion au serveur a échoué": "gone",
}


@pytest.mark.parametrize(("text", "reason"), LOGIN.items())
def test_texts_of_libpq_without_a_code_have_a_reason(text: str, reason: str) -> None:
    failure = failures.explain(
        wrap_in_dbapi_error(psycopg.OperationalError(text), psycopg.Error), "x"
    )
    assert failure is not None
    assert failure.reason == reason


SQLITE = {
    "SQLITE_PERM": "denied",
    "SQLITE_BUSY": "locked",
    "SQLITE_BUSY_RECOVERY": "locked",
    "SQLITE_BUSY_SNAPSHOT": "conflict",
    "SQLITE_BUSY_TIMEOUT": "locked",
    "SQLITE_LOCKED": "locked",
    "SQLITE_LOCKED_SHAREDCACHE": "locked",
    "SQLITE_NOMEM": "busy",
    "SQLITE_READONLY": "read-only",
    "SQLITE_READONLY_CANTINIT": "read-only",
    "SQLITE_READONLY_CANTLOCK": "read-only",
    "SQLITE_READONLY_DIRECTORY": "read-only",
    "SQLITE_READONLY_DBMOVED": "absent",
    "SQLITE_READONLY_RECOVERY": "read-only",
    "SQLITE_READONLY_ROLLBACK": "read-only",
    "SQLITE_INTERRUPT": "cancelled",
    "SQLITE_CORRUPT": "damaged",
    "SQLITE_CORRUPT_INDEX": "damaged",
    "SQLITE_FULL": "full",
    "SQLITE_CANTOPEN": "absent",
    "SQLITE_CANTOPEN_ISDIR": "absent",
    "SQLITE_PROTOCOL": "locked",
    "SQLITE_SCHEMA": "conflict",
    "SQLITE_NOLFS": "disk",
    "SQLITE_AUTH": "denied",
    "SQLITE_NOTADB": "damaged",
}


def make_error(code: int) -> sqlite3.DatabaseError:
    error: Any = sqlite3.DatabaseError("in SQLite's words")
    error.sqlite_errorcode = code
    return error  # type: ignore[no-any-return]


@pytest.mark.parametrize(("name", "reason"), SQLITE.items())
def test_every_sqlite_code_has_a_reason(name: str, reason: str) -> None:
    cause = make_error(getattr(sqlite3, name))
    for error in (cause, wrap_in_dbapi_error(cause, sqlite3.Error)):
        failure = failures.explain(error, "x")
        assert failure is not None
        assert failure.reason == reason


def test_every_io_error_has_the_reason_disk() -> None:
    names = [name for name in vars(sqlite3) if name.startswith("SQLITE_IOERR")]
    assert len(names) > 20
    for name in names:
        failure = failures.explain(make_error(getattr(sqlite3, name)), "x")
        assert failure is not None
        assert failure.reason == ("busy" if name == "SQLITE_IOERR_NOMEM" else "disk"), name


def test_every_reason_has_a_message_with_a_remedy() -> None:
    for reason, meaning in failures.MEANINGS.items():
        assert meaning.what.format(text="so it says"), reason
        assert meaning.remedy, reason
    assert set(failures.SQLSTATES.values()) <= set(failures.MEANINGS)
    assert set(failures.SQLITE_CODES.values()) <= set(failures.MEANINGS)
