"""While the database is away, no verb is called: it is probed with backoff, by one thread."""

from __future__ import annotations

import logging
import threading

from digest import store
from digest.errors import DigestError, StoreError
from digest.outages import Outage
from digest.store import Store

#: reasons that hold for every verb until somebody mends them
_REASONS = ("gone", "login", "absent", "read-only", "full", "busy", "disk")
#: seconds until the database is probed, and at most
_FIRST, _LONGEST = 1.0, 60.0


class DatabaseGate:
    """Closed while the database is away.

    Args:
        database: that all verbs need.
        log: gets one line when it goes, and one when it is back.
    """

    def __init__(self, database: Store, log: logging.Logger) -> None:
        self._database = database
        self._outage = Outage(server="database", log=log, first=_FIRST, longest=_LONGEST)
        self._lock = threading.Lock()

    def seconds_closed(self) -> float:
        """Return the seconds until the database is probed again; 0 = it is there."""
        if not self._outage.is_down:
            return 0.0
        with self._lock:
            if (left := self._outage.seconds_left()) or not self._outage.is_down:
                return left
            try:
                store.health.check_database(self._database.for_health_checks())
            except StoreError as error:
                self._outage.fail(str(error), kind=error.reason)
            else:
                self._outage.succeed()
            return self._outage.seconds_left()

    def closes_by(self, error: DigestError) -> bool:
        """Return whether a verb failed since the database is away, and close the gate then."""
        if not isinstance(error, StoreError) or error.reason not in _REASONS:
            return False
        self._outage.fail(str(error), kind=error.reason)
        return True
