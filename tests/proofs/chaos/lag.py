"""How far the service is behind the clock, so that days pass no faster than it can work.

It looks with a connection of its own, past the service's code.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

_WAITING = """
    SELECT count(*) FROM messages
    JOIN digests ON digests.id = messages.digest_id
    WHERE messages.state IN ('planned', 'claimed', 'sending', 'deferred')
    AND digests.created_at <= %s
"""
_NEXT_TRY = """
    SELECT min(not_before) FROM messages
    WHERE state IN ('planned', 'claimed', 'sending', 'deferred')
"""
_NEWEST = """
    SELECT s.email, s.timezone, s.hour, s.created_at, max(d.local_date)
    FROM subscribers s LEFT JOIN digests d ON d.subscriber_id = s.id
    GROUP BY s.id
"""


class Lag:
    """What waits in a database.

    Args:
        allowed: so long a digest or mail may wait.
    """

    def __init__(self, url: str, allowed: timedelta) -> None:
        self._url, self._allowed = url, allowed
        #: what is behind, after `is_behind` said that something is
        self.why = ""
        #: no digest is behind, but mails
        self.only_mails_wait = False

    def is_behind(self, now: datetime) -> bool:
        """Return whether any digest or mail waits for longer than it may, or nobody knows."""
        self.why = self._find(now - self._allowed)
        return bool(self.why)

    def is_settled(self, now: datetime) -> bool:
        """Return whether no digest that is due and no mail waits."""
        self.why = self._find(now)
        return not self.why

    def find_next_try(self) -> datetime | None:
        """Return when the first of the mails that wait is to be tried; None = nobody knows."""
        try:
            with psycopg.connect(self._url, connect_timeout=3) as connection:
                (instant,) = connection.execute(_NEXT_TRY).fetchone() or (None,)
        except psycopg.Error:
            return None
        return instant

    def _find(self, before: datetime) -> str:
        self.only_mails_wait = False
        try:
            with psycopg.connect(self._url, connect_timeout=3) as connection:
                for email, zone, hour, created, newest in connection.execute(_NEWEST).fetchall():
                    local = before.astimezone(ZoneInfo(zone))
                    day = local.date() if local.hour >= hour else local.date() - timedelta(days=1)
                    if day < created.astimezone(ZoneInfo(zone)).date():
                        continue
                    if newest is None or newest < day:
                        return f"{email} has no digest for {day}, due before {before}"
                (waiting,) = connection.execute(_WAITING, (before,)).fetchone() or (0,)
                if waiting:
                    self.only_mails_wait = True
                    return f"{waiting} mails wait since {before}"
        except psycopg.Error as error:
            return f"the database: {error}"
        return ""
