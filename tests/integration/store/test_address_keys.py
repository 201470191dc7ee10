"""Address keys after an upgrade: each address finds its own reader and no other."""

from __future__ import annotations

from sqlalchemy import text

from digest import store as rows
from digest.model import address_key
from digest.store import Store, schema
from tests.old_store import fill_old_store

#: address and the key that 0.1.0 gave it
FORMER = [("Straße@example.org", "strasse@example.org"), ("x@bücher.example", "x@bücher.example")]


def add_old_rows(store: Store) -> int:
    """Add suppressions and a bounced reader whose address has an ß; returns their id."""
    with store.writing() as tx:
        for email, key in FORMER:
            tx.execute(
                text(
                    "INSERT INTO suppressions VALUES (:key, :email, 'hard', '2026-06-01 "
                    "00:00:00', '', '')"
                ),
                {"key": key, "email": email},
            )
        reader = tx.execute(
            text("SELECT id, email, email_key FROM subscribers WHERE email LIKE '%ß%'")
        ).one()
        assert reader.email_key == reader.email.casefold()
        message = tx.execute(
            text("SELECT min(id) FROM messages WHERE subscriber_id = :id"), {"id": reader.id}
        ).scalar_one()
        tx.execute(
            text(
                "INSERT INTO bounces (message_id, email_key, fault, enhanced, text, via, at, "
                "counts)"
                " VALUES (:message, :key, 'mailbox', '', '', 'mail', '2026-06-09 00:00:00', true)"
            ),
            {"message": message, "key": reader.email_key},
        )
        return int(reader.id)


def test_an_upgrade_recomputes_the_keys_of_addresses(empty_url: str) -> None:
    fill_old_store(empty_url)
    store = Store(empty_url)
    reader_id = add_old_rows(store)
    schema.upgrade(store)
    with store.reading() as tx:
        reader = rows.subscribers.find(tx, reader_id)
        assert reader is not None
        folded = reader.email.replace("ß", "ss")
        assert rows.subscribers.find_by_email(tx, reader.email.upper().replace("SS", "ẞ")) == reader
        assert rows.subscribers.find_by_email(tx, folded) is None
        assert len(rows.bounces.load(tx, reader.email)) == 1
        assert rows.bounces.load(tx, folded) == []
        assert [rows.suppressions.find(tx, email) is not None for email, _ in FORMER] == [
            True,
            True,
        ]
        assert rows.suppressions.find(tx, "strasse@example.org") is None
        everybody = tx.execute(text("SELECT email, email_key FROM subscribers")).all()
    assert [row.email_key for row in everybody] == [address_key(row.email) for row in everybody]
    store.close()


def test_rows_whose_new_keys_collide_both_stay(empty_url: str) -> None:
    """Add rows whose keys collide after the upgrade.

    Version 0.1.0 stores no such rows; another program could, in another normal form.
    """
    fill_old_store(empty_url)
    store = Store(empty_url)
    with store.writing() as tx:
        first, second = (
            tx.execute(text("SELECT id FROM subscribers ORDER BY id LIMIT 2")).scalars().all()
        )
        for ident, email in ((first, "é@example.org"), (second, "e\u0301@example.org")):
            tx.execute(
                text("UPDATE subscribers SET email = :email, email_key = :email WHERE id = :id"),
                {"id": ident, "email": email},
            )
    schema.upgrade(store)
    with store.reading() as tx:
        reader = rows.subscribers.find_by_email(tx, "É@example.org")
        assert reader is not None
        assert reader.id == first
        assert rows.subscribers.find(tx, second) is not None
    store.close()
