"""Close a restored store, so that nothing is sent twice.

No message waits, and no date is open that may have been sent.

Mails of the backup may have been sent after it was made, so none is sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, bindparam, func, select, update

from digest.model import MessageState, SubscriberStatus
from digest.store import api_keys, installation, keys, operator_sessions, schema
from digest.store.keys import KeyRow
from digest.store.tables import digests, feedback, link_keys, messages, rounds, subscribers

#: states of messages that may have been sent after the backup was made
_OPEN = (MessageState.PLANNED, MessageState.CLAIMED, MessageState.SENDING, MessageState.DEFERRED)
EVIDENCE = "restored from a backup; it may have been sent after that was made"
#: ids that mails sent after the backup may name; new rows must not get them
SKIPPED = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """The result of a restore."""

    #: schema revision of the backup, and of this version
    before: str
    after: str
    #: time of the newest entry in the backup; None where it holds none
    newest: datetime | None
    closed_until: datetime
    #: waiting messages of the backup that are not sent
    stopped: int
    #: readers who are subscribed in the backup, and have left since
    left: int
    #: where the link keys come from
    keys: Literal["backup", "store", "both", "none"]

    @property
    def json(self) -> dict[str, object]:
        return {
            "schema_before": self.before,
            "schema": self.after,
            "newest": self.newest,
            "closed_until": self.closed_until,
            "messages_stopped": self.stopped,
            "left": self.left,
            "keys": self.keys,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Former:
    """What is kept of the store that a backup replaces."""

    keys: Sequence[KeyRow] = ()
    #: (id, address) of each reader who has left; they must not come back
    left: Sequence[tuple[int, str]] = ()
    #: the greatest id that it ever gave to a reader
    last_reader: int = 0
    #: hashes of the API keys that were revoked; they must not work again
    revoked_api_keys: Sequence[bytes] = ()


REVOKED_QUERY = "SELECT hash FROM api_keys WHERE revoked_at IS NOT NULL"


def build_left_query(columns: Collection[str]) -> str:
    """Build the query for id and address of the readers who have left.

    Args:
        columns: of the table `subscribers` in the store that is replaced. Up to schema 0006 the
            status was called `standing`.
    """
    status = "status" if "status" in columns else "standing"
    return f"SELECT id, email FROM subscribers WHERE {status} = '{SubscriberStatus.LEFT.value}'"  # noqa: S608


def close(tx: Connection, *, before: str, former: Former, now: datetime) -> Restored:
    """Close a restored backup, which has the newest schema by now.

    Args:
        before: schema revision of the backup.
        former: what is kept of the replaced store.
    """
    times = (messages.c.changed_at, digests.c.created_at, rounds.c.at, feedback.c.at)
    newest = [
        time
        for column in times
        if (time := tx.execute(select(func.max(column))).scalar_one()) is not None
    ]
    waiting = messages.c.state.in_([state.value for state in _OPEN])
    values = {
        "state": MessageState.UNKNOWN.value,
        "owner": "",
        "lease_until": None,
        "evidence": EVIDENCE,
    }
    stopped = tx.execute(update(messages).where(waiting).values(**values, changed_at=now)).rowcount
    installation.close_until(tx, now)
    operator_sessions.end_all(tx)  # one may have been ended since, because it was stolen
    own = tx.execute(select(func.count()).select_from(link_keys)).scalar_one()
    added = keys.merge(tx, former.keys)
    for hash_ in former.revoked_api_keys:
        api_keys.revoke_by_hash(tx, hash_, now)
    return Restored(
        before=before,
        after=schema.get_head_revision(),
        newest=max(newest, default=None),
        closed_until=installation.load_closed_until(tx) or now,
        stopped=stopped,
        left=_let_readers_leave(tx, former.left, now),
        keys="both" if own and added else "backup" if own else "store" if added else "none",
    )


def _let_readers_leave(tx: Connection, left: Sequence[tuple[int, str]], now: datetime) -> int:
    """Let readers leave who have left since the backup; return how many that are."""
    if not left:
        return 0
    away = select(func.count()).where(subscribers.c.status == SubscriberStatus.LEFT.value)
    before = tx.execute(away).scalar_one()
    leaving = (
        update(subscribers)
        .where(subscribers.c.id == bindparam("reader"), subscribers.c.email == bindparam("address"))
        .where(subscribers.c.status != SubscriberStatus.LEFT.value)
        .where(subscribers.c.status != SubscriberStatus.SUPPRESSED.value)  # and stays that
        .values(status=SubscriberStatus.LEFT.value, changed_at=now)
    )
    tx.execute(leaving, [{"reader": ident, "address": email} for ident, email in left])
    return int(tx.execute(away).scalar_one()) - int(before)
