"""Database errors: codes of both drivers -> reason -> message with a remedy.

PostgreSQL gives a SQLSTATE, SQLite an error code. A refused login has neither: libpq passes on its
text alone.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from digest.errors import StoreError

#: gone       = no server answers, or it closed the connection
#: login      = it refuses this user
#: absent     = no database or file of that name
#: read-only  = it accepts no changes
#: full       = no room on its disk
#: busy       = it has no connection or memory left
#: locked     = another transaction holds a lock
#: conflict   = rolled back because of another transaction; a retry may succeed
#: cancelled  = it took too long, or an administrator ended it
#: denied     = a permission is missing
#: incomplete = tables or columns are missing
#: disk       = its disk cannot be read or written
#: damaged    = the stored data cannot be read
Reason = Literal[
    "gone",
    "login",
    "absent",
    "read-only",
    "full",
    "busy",
    "locked",
    "conflict",
    "cancelled",
    "denied",
    "incomplete",
    "disk",
    "damaged",
]


@dataclass(frozen=True, slots=True)
class Meaning:
    """The message for a reason; `{text}` is the database's own message."""

    what: str
    remedy: str


_UNDONE = "nothing of this step was stored"
MEANINGS: Mapping[Reason, Meaning] = {
    "gone": Meaning("does not answer ({text})", "Check store.url and that the server runs"),
    "login": Meaning("refuses the login ({text})", "Check user and password in store.url"),
    "absent": Meaning(
        "is not there or cannot be opened ({text})",
        "Check store.url, who may read and write it, and that its disk is not mounted read-only",
    ),
    "read-only": Meaning(
        f"is read-only ({{text}}); {_UNDONE}",
        "Check the file's and its folder's owner, or whether the server is a standby",
    ),
    "full": Meaning(f"the disk is full ({{text}}); {_UNDONE}", "Free some space and run it again"),
    "busy": Meaning(
        "has no connection or memory left ({text})", "Try again, or raise max_connections"
    ),
    "locked": Meaning(
        "locked by another process for longer than the wait; nothing was changed",
        "Try again when it is done",
    ),
    "conflict": Meaning(f"another process was faster ({{text}}); {_UNDONE}", "Run it again"),
    "cancelled": Meaning(
        f"took too long or was cancelled ({{text}}); {_UNDONE}",
        "Run it again, or raise the server's timeouts",
    ),
    "denied": Meaning("a right is missing ({text})", "Grant it to the user of store.url"),
    "incomplete": Meaning(
        "tables or columns are missing ({text})",
        "Has somebody dropped them? Restore a backup, or name another database in store.url",
    ),
    "disk": Meaning(
        f"its disk cannot be read or written ({{text}}); {_UNDONE}",
        "Is the disk full, over its quota or broken? Mend it and run it again",
    ),
    "damaged": Meaning(
        "is damaged, or no SQLite database ({text})", "Move it away or restore a backup"
    ),
}

#: a code of five characters takes precedence over its class of two
SQLSTATES: Mapping[str, Reason] = {
    "08": "gone",
    "25006": "read-only",
    "25P03": "cancelled",  # idle in a transaction
    "25P04": "cancelled",  # transaction_timeout
    "28": "login",
    "3D": "absent",
    "3F": "incomplete",
    "40": "conflict",
    "42501": "denied",
    "42P01": "incomplete",
    "42703": "incomplete",
    "53": "busy",
    "53100": "full",
    "55006": "locked",
    "55P03": "locked",
    "57": "gone",
    "57014": "cancelled",
    "57P04": "absent",
    "58": "disk",
    "F0": "disk",
    "XX": "damaged",
}

#: an extended code takes precedence over its lowest byte
SQLITE_CODES: Mapping[int, Reason] = {
    sqlite3.SQLITE_PERM: "denied",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_BUSY_SNAPSHOT: "conflict",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_NOMEM: "busy",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_READONLY_DBMOVED: "absent",
    sqlite3.SQLITE_INTERRUPT: "cancelled",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_IOERR_NOMEM: "busy",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_CANTOPEN: "absent",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_SCHEMA: "conflict",
    sqlite3.SQLITE_NOLFS: "disk",
    sqlite3.SQLITE_AUTH: "denied",
    sqlite3.SQLITE_NOTADB: "damaged",
}

#: patterns for messages without a code, or with SQLite's general error code
TEXTS: tuple[tuple[str, Reason], ...] = (
    (r"no such (table|column)|has no column named", "incomplete"),
    (r"password authentication failed|no password supplied|no pg_hba\.conf entry", "login"),
    (r'role ".*" (does not exist|is not permitted to log in)|authentication failed', "login"),
    (r'database ".*" does not exist|unable to open database file', "absent"),
    (r"permission denied for", "denied"),
    (r"too many (clients|connections)|connection slots are reserved|connection limit", "busy"),
)


def explain(error: Exception, display_name: str) -> StoreError | None:
    """Explain a driver's error; None where it is a bug of this project.

    Args:
        error: of SQLAlchemy, or of a driver that was used directly.
        display_name: the database's URL without its password.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = " ".join(str(cause).split())
    reason = find_reason(cause, text)
    if reason is None and _is_connection_error(error):
        reason = "gone"
    if reason is None:
        return None
    meaning = MEANINGS[reason]
    what = meaning.what.format(text=text or type(cause).__name__)
    return StoreError(f"{display_name}: {what}. {meaning.remedy}", reason=reason)


def find_reason(cause: BaseException, text: str) -> Reason | None:
    """Find the reason by the driver's code, else by the text."""
    state: Any = getattr(cause, "sqlstate", None)
    if state:
        return SQLSTATES.get(state) or SQLSTATES.get(state[:2])
    code: Any = getattr(cause, "sqlite_errorcode", None)
    if code and (reason := SQLITE_CODES.get(code) or SQLITE_CODES.get(code & 0xFF)):
        return reason
    return next((reason for pattern, reason in TEXTS if re.search(pattern, text)), None)


def _is_connection_error(error: Exception) -> bool:
    """Return whether an unknown error concerns the connection, not a statement."""
    if not isinstance(error, DBAPIError):
        return any(
            kind.__name__ in ("OperationalError", "InterfaceError") for kind in type(error).__mro__
        )
    state: Any = getattr(error.orig, "sqlstate", None)
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False  # an invalid statement
    return error.connection_invalidated or (
        isinstance(error, OperationalError | InterfaceError) and not (state and state[:2] == "54")
    )
