"""What must always hold between the rows, and whether the indexes are sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from digest.model import MessageState
from digest.store.engine import Store
from digest.store.sequences import list_lagging

RESTORE = "Stop the service, copy the database away, and restore a backup"
_LINK = "Stop the service and restore a backup: without it, links of mails lead nowhere"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Something that was checked."""

    #: what must hold
    name: str
    #: what is wrong, "" = nothing
    problem: str = ""
    remedy: str = ""

    @property
    def json(self) -> dict[str, str]:
        return {"name": self.name, "problem": self.problem, "remedy": self.remedy}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """A query for rows that must not be there."""

    name: str
    #: counts them
    query: str
    #: said after their number
    problem: str
    remedy: str = RESTORE


#: a mail server took the body, or may have: the message must not be sent again
_OPEN = ", ".join(
    f"'{state.value}'"
    for state in (
        MessageState.PLANNED,
        MessageState.CLAIMED,
        MessageState.SENDING,
        MessageState.DEFERRED,
    )
)

_MERGED = "SELECT (SELECT count(*) FROM papers p JOIN papers q ON q.id = p.merged_into WHERE "
_MERGED += "q.merged_into IS NOT NULL)"
for _table in ("feedback", "identities", "picks", "records", "upvotes"):
    _MERGED += (
        f" + (SELECT count(*) FROM {_table} t JOIN papers p ON p.id = t.paper_id "  # noqa: S608
        "WHERE p.merged_into IS NOT NULL)"
    )

_RULES = (
    _Rule(
        name="a reader has one digest for a date",
        query="SELECT count(*) FROM (SELECT 1 FROM digests GROUP BY subscriber_id, local_date "
        "HAVING count(*) > 1) AS doubled",
        problem="dates of readers have several digests",
    ),
    _Rule(
        name="a message is in the ledger once",
        query="SELECT count(*) FROM (SELECT 1 FROM messages WHERE subscriber_id IS NOT NULL "
        "GROUP BY kind, subscriber_id, key HAVING count(*) > 1) AS doubled",
        problem="messages are in the ledger several times",
    ),
    _Rule(
        name="a Message-ID names one message",
        query="SELECT count(*) FROM (SELECT 1 FROM messages GROUP BY message_id "
        "HAVING count(*) > 1) AS doubled",
        problem="Message-IDs name several messages",
    ),
    _Rule(
        name="every digest has its message, and its papers",
        query="SELECT count(*) FROM digests d WHERE d.state = 'planned' AND (NOT EXISTS (SELECT 1 "
        "FROM messages m WHERE m.digest_id = d.id) OR NOT EXISTS (SELECT 1 FROM digest_items i "
        "WHERE i.digest_id = d.id))",
        problem="digests have no message or no papers",
    ),
    _Rule(
        name="a message belongs to the reader of its digest",
        query="SELECT count(*) FROM messages m JOIN digests d ON d.id = m.digest_id WHERE "
        "m.subscriber_id IS NULL OR m.subscriber_id <> d.subscriber_id",
        problem="messages belong to another reader than their digest",
    ),
    _Rule(
        name="what a mail server took waits no more",
        query="SELECT count(*) FROM messages m WHERE m.state IN "  # noqa: S608
        f"({_OPEN}) AND EXISTS (SELECT 1 FROM deliveries a WHERE a.message_id = m.id "
        "AND a.outcome IN ('accepted', 'unknown'))",
        problem="messages wait although a mail server took them, or may have; they would be sent "
        "twice",
        remedy="Stop the service. `digest deliveries` shows them; restore a backup from before",
    ),
    _Rule(
        name="who sends a message holds a lease",
        query="SELECT count(*) FROM messages WHERE state IN ('claimed', 'sending') "
        "AND (owner = '' OR lease_until IS NULL)",
        problem="messages are being sent by nobody",
    ),
    _Rule(
        name="merged papers have handed over what was theirs",
        query=_MERGED,
        problem="rows still name a paper that was merged into another one",
    ),
    _Rule(
        name="the installation has one name",
        query="SELECT count(*) - 1 FROM installation HAVING count(*) > 1",
        problem="rows more than one name the installation",
        remedy=_LINK,
    ),
    _Rule(
        name="mails have a key that signs their links",
        query="SELECT count(*) FROM messages WHERE NOT EXISTS (SELECT 1 FROM link_keys) "
        "AND state = 'accepted'",
        problem="mails were sent, and the key of their links is gone",
        remedy=_LINK,
    ),
    _Rule(
        name="the counts of the ledger add up",
        # Each digest that is no quiet day has one message, and no message of a digest has none.
        query="SELECT abs((SELECT count(*) FROM digests WHERE state = 'planned') - (SELECT "
        "count(*) FROM messages m JOIN digests d ON d.id = m.digest_id WHERE d.state = 'planned'))",
        problem="is the difference between digests and their messages",
    ),
)


def check_rules(tx: Connection) -> Iterator[Check]:
    """Check what must hold between the rows; reads the whole ledger."""
    for rule in _RULES:
        count = tx.execute(text(rule.query)).scalar_one_or_none() or 0
        yield Check(
            name=rule.name,
            problem=f"{count} {rule.problem}" if count else "",
            remedy=rule.remedy if count else "",
        )
    lagging = list_lagging(tx)
    yield Check(
        name="no id is given twice",
        problem=f"new rows of {', '.join(lagging)} would get ids that are taken" if lagging else "",
        remedy=RESTORE if lagging else "",
    )


def check_word_index(store: Store) -> Check:
    """Compare the index of words with the papers. On SQLite, other writers wait meanwhile."""
    name = "the index of words fits the papers"
    if store.is_sqlite:
        with store.writing() as tx:
            return Check(name=name, **_compare_words(tx))
    with store.reading() as tx:
        invalid = tx.execute(
            text(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN "
                "pg_class t ON t.oid = i.indrelid WHERE t.relnamespace = "
                "current_schema()::regnamespace AND NOT (i.indisvalid AND i.indisready)"
            )
        ).scalars()
        names = ", ".join(sorted(invalid))
    return Check(
        name=name,
        problem=f"indexes are not valid: {names}" if names else "",
        remedy=f"REINDEX INDEX {names.partition(',')[0]}" if names else "",
    )


def _compare_words(tx: Connection) -> dict[str, str]:
    try:
        with tx.begin_nested():  # 1: also with the texts of the papers
            tx.exec_driver_sql(
                "INSERT INTO paper_words (paper_words, rank) VALUES ('integrity-check', 1)"
            )
    except DatabaseError as error:
        if "malformed" not in str(error):
            raise
        return {
            "problem": "it does not fit: searches miss papers or list wrong ones",
            "remedy": "digest db vacuum --words",
        }
    return {}


def vacuum(store: Store, *, full: bool = False, words: bool = False) -> None:
    """Give free pages back to the disk, and refresh what the query planner knows.

    Args:
        full: PostgreSQL: rewrite the tables, which locks each of them meanwhile. SQLite always
            rewrites the file.
        words: make the index of words anew first.

    Raises:
        StoreError: another process uses the database, or the disk is full.
    """
    if words:
        with store.writing() as tx:
            if store.is_sqlite:
                tx.exec_driver_sql("INSERT INTO paper_words (paper_words) VALUES ('rebuild')")
            else:
                tx.exec_driver_sql("REINDEX TABLE papers")
    if store.is_sqlite:
        store.run_outside_transaction(
            "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA optimize"
        )
    else:
        store.run_outside_transaction("VACUUM (FULL, ANALYZE)" if full else "VACUUM (ANALYZE)")
