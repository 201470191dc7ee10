"""A backup is a snapshot of one moment and restores as a whole or not at all.

No local date up to the restore is sent again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.errors import InputError, StoreError
from digest.model import MessageState, Purpose, Subscriber, SubscriberStatus
from digest.store import Store, backups, schema, tables
from digest.store.backups import closing
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, make_app, postgres_url, read_mails
from tests.old_store import EVENING, SETTINGS, fill_old_store
from tests.webclient import Client

Cast = Callable[[App], dict[str, Subscriber]]
Write = Callable[..., Path]
TOMORROW = NOON + timedelta(days=1)


def everything(opened: Store) -> dict[str, list[str]]:
    """Return all rows of all tables as text."""
    with opened.reading() as tx:
        return {
            name: sorted(map(repr, tx.execute(table.select())))
            for name, table in tables.metadata.tables.items()
        }


def states(app: App) -> dict[str, str]:
    with app.store.reading() as tx:
        return {row.message_id: row.state for row in tx.execute(select(tables.messages))}


def restore(app: App, path: Path, now: datetime = NOON) -> backups.Restored:
    return backups.restore(app.store, path, now=now)


@pytest.fixture
def service(any_app: App, cast: Cast, dump: Write) -> App:
    """An app with three readers and the papers of today, before the morning's round."""
    cast(any_app)
    pipeline.ingest(any_app, [dump()])
    any_app.keys()
    return any_app


# ----------------------------------------------------------------------------------------- contents


def test_a_backup_restores_everything_but_what_it_closes(service: App, tmp_path: Path) -> None:
    pipeline.round(service)
    before = everything(service.store)
    backups.back_up(service.store, tmp_path / "b")
    with service.store.writing() as tx:
        for name in (
            "feedback",
            "deliveries",
            "messages",
            "digest_items",
            "digests",
            "interests",
            "subscribers",
        ):
            tx.execute(text(f"DELETE FROM {name}"))
    report = restore(service, tmp_path / "b")
    after = everything(service.store)
    assert {name for name in after if after[name] != before[name]} == {"installation"}
    assert (report.stopped, report.keys, report.before, report.after) == (
        0,
        "backup",
        schema.get_head_revision(),
        schema.get_head_revision(),
    )
    assert report.newest == NOON


def test_a_backup_is_consistent_while_others_write(service: App, tmp_path: Path) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        """Write two rows at a time; a backup with only one is of no consistent moment."""
        number = 0
        try:
            while not stop.is_set():
                number += 1
                with service.store.writing() as tx:
                    for part in ("a", "b"):
                        store.rounds.record(
                            tx, "fetch", at=NOON, report={"number": number, "part": part}
                        )
        except BaseException as error:  # noqa: BLE001 (told by the test)
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        paths = [tmp_path / f"backup-{number}" for number in range(4)]
        for path in paths:
            backups.back_up(service.store, path)
    finally:
        stop.set()
        writer.join()
    assert failures == []
    counts = []
    for path in paths:
        restore(service, path)
        with service.store.reading() as tx:
            parts = [
                row.report["part"]
                for row in tx.execute(select(tables.rounds).where(tables.rounds.c.verb == "fetch"))
            ]
        assert parts.count("a") == parts.count("b")
        counts.append(len(parts))
    assert counts == sorted(counts)


def test_only_its_owner_may_read_a_backup_and_nothing_else_is_left(
    service: App, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    former = os.umask(0)
    try:
        backups.back_up(service.store, folder / "b")
    finally:
        os.umask(former)
    assert [path.name for path in folder.iterdir()] == ["b"]
    assert (folder / "b").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_overwritten_only_on_request(service: App, tmp_path: Path) -> None:
    path = tmp_path / "b"
    path.write_text("mine")
    with pytest.raises(InputError, match="--force"):
        backups.back_up(service.store, path)
    assert path.read_text() == "mine"
    backups.back_up(service.store, path, overwrite=True)
    restore(service, path)


def test_a_backup_that_fails_leaves_nothing(
    service: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with service.store.writing() as tx:
        tx.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(StoreError, match="nothing of digest"):
        backups.back_up(service.store, folder / "b")
    assert list(folder.iterdir()) == []
    with pytest.raises(InputError, match="cannot be written"):
        backups.back_up(service.store, tmp_path / "absent" / "b")
    with service.store.writing() as tx:
        tx.execute(
            text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
        tx.execute(text(f"INSERT INTO alembic_version VALUES ('{schema.get_head_revision()}')"))


def test_no_database_is_created_where_there_is_none(tmp_path: Path) -> None:
    empty = Store(f"sqlite:///{tmp_path / 'none.sqlite'}")
    with pytest.raises(StoreError, match="no database yet"):
        backups.back_up(empty, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------- no date is sent twice


def test_mails_sent_after_the_backup_are_not_sent_again(
    service: App, tmp_path: Path, dump: Write
) -> None:
    """The backup is older than the round and is restored after it."""
    backups.back_up(service.store, tmp_path / "b")
    pipeline.round(service)
    sent = set(read_mails(service))
    assert len(sent) == 3
    restore(service, tmp_path / "b")
    again = pipeline.round(service)
    assert [reader.reason for reader in again.composed.left_out] == [
        f"{TODAY} was closed when a backup was restored"
    ] * 3
    earlier = pipeline.compose(
        service, day=TODAY - timedelta(days=3), only=subscriptions.list_subscribers(service)[0]
    )
    assert earlier.planned == []
    # As in a process that serves.
    due = pipeline.compose(service.at(NOON + timedelta(hours=11)), due=True)
    assert (due.planned, due.quiet) == ([], [])
    assert set(read_mails(service)) == sent
    tomorrow = service.at(TOMORROW)
    composed = pipeline.round(tomorrow).composed
    assert {(digest.email, digest.local_date) for digest in composed.planned} == {
        (reader.email, TOMORROW.date()) for reader in subscriptions.list_subscribers(service)
    }
    assert set(read_mails(service)) > sent
    status = services.status(tomorrow)
    assert (status.closed_until, status.json["closed_until"]) == (NOON, NOON)


@pytest.mark.parametrize(
    ("zone", "closed"),
    [
        ("Pacific/Kiritimati", TODAY + timedelta(days=1)),
        ("UTC", TODAY),
        ("Pacific/Pago_Pago", TODAY),
    ],
)
def test_the_closed_date_is_the_readers_local_date(
    app: App, dump: Write, tmp_path: Path, zone: str, closed: Any
) -> None:
    reader = subscriptions.subscribe(
        app, SubscriptionRequest(email="r@example.org", timezone=zone), origin="command"
    ).subscriber
    pipeline.ingest(app, [dump()])
    backups.back_up(app.store, tmp_path / "b")
    restore(app, tmp_path / "b")
    assert pipeline.compose(app, day=closed, only=reader).planned == []
    later = pipeline.compose(app, day=closed + timedelta(days=1), only=reader)
    assert [digest.local_date for digest in later.planned] == [closed + timedelta(days=1)]


def test_messages_waiting_in_the_backup_are_not_sent_and_their_papers_compete_again(
    service: App, tmp_path: Path
) -> None:
    pipeline.compose(service)
    waiting = [MessageState.PLANNED, MessageState.DEFERRED, MessageState.CLAIMED]
    with service.store.writing() as tx:
        idents = (
            tx.execute(select(tables.messages.c.id).order_by(tables.messages.c.id)).scalars().all()
        )
        for ident, state in zip(idents, waiting, strict=True):
            tx.execute(
                tables.messages.update()
                .where(tables.messages.c.id == ident)
                .values(state=state.value)
            )
        listed = set(tx.execute(select(tables.digest_items.c.paper_id)).scalars())
    backups.back_up(service.store, tmp_path / "b")
    report = restore(service, tmp_path / "b")
    assert report.stopped == 3
    assert pipeline.send(service).states == {}
    assert pipeline.send(service.at(TOMORROW)).states == {}
    assert read_mails(service) == {}
    with service.store.reading() as tx:
        rows = tx.execute(select(tables.messages)).all()
    assert {(row.state, row.evidence, row.owner) for row in rows} == {
        ("unknown", closing.EVIDENCE, "")
    }
    composed = pipeline.compose(service.at(TOMORROW))
    assert len(composed.planned) == 3
    with service.store.reading() as tx:
        today = tables.digests.c.local_date == TODAY + timedelta(days=1)
        again = tx.execute(
            select(tables.digest_items.c.paper_id, tables.digest_items.c.seen_before)
            .join(tables.digests, tables.digests.c.id == tables.digest_items.c.digest_id)
            .where(today)
        ).all()
    assert {row.paper_id for row in again if row.seen_before} <= listed
    assert any(row.seen_before for row in again)


def test_a_second_restore_closes_the_same_dates(service: App, tmp_path: Path) -> None:
    backups.back_up(service.store, tmp_path / "b")
    restore(service, tmp_path / "b", TOMORROW)
    backups.back_up(service.store, tmp_path / "c")
    assert restore(service, tmp_path / "c", NOON).closed_until == TOMORROW


def test_ids_of_readers_missing_in_the_backup_are_not_reused(service: App, tmp_path: Path) -> None:
    """Mails that were sent identify the reader by that number."""
    backups.back_up(service.store, tmp_path / "b")
    late = subscriptions.subscribe(
        service, SubscriptionRequest(email="late@example.org"), origin="command"
    ).subscriber
    path = service.url(Purpose.MANAGE, late.id).removeprefix(service.config.web.base_url)
    restore(service, tmp_path / "b")
    other = subscriptions.subscribe(
        service, SubscriptionRequest(email="other@example.org"), origin="command"
    ).subscriber
    assert other.id > late.id
    assert Client(service).get(path).status_code == 404


def test_a_reader_who_left_after_the_backup_stays_left(service: App, tmp_path: Path) -> None:
    """The links to leave never expire."""
    alice, bob, carol = subscriptions.list_subscribers(service)
    subscriptions.unsubscribe(service, carol.id)
    backups.back_up(service.store, tmp_path / "b")
    subscriptions.unsubscribe(service, alice.id)
    assert restore(service, tmp_path / "b").left == 1
    statuses = {
        reader.id: reader.status.value for reader in subscriptions.list_subscribers(service)
    }
    assert statuses == {alice.id: "left", bob.id: "active", carol.id: "left"}


# --------------------------------------------------------------------------------------------- keys


def find_secrets(app: App) -> list[bytes]:
    with app.store.reading() as tx:
        return [key.secret for key in store.keys.load_rows(tx)]


def contents(path: Path) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return b"".join(archive.read(name) for name in archive.namelist())
    return path.read_bytes()


def holds(path: Path, secret: bytes) -> bool:
    raw = contents(path)
    return secret in raw or secret.hex().encode() in raw


def test_a_backup_without_keys_holds_none_and_those_of_the_store_stay(
    service: App, tmp_path: Path
) -> None:
    alice = subscriptions.find(service, "alice@example.org")
    path = service.url(Purpose.UNSUBSCRIBE, alice.id).removeprefix(service.config.web.base_url)
    (secret,) = find_secrets(service)
    backups.back_up(service.store, tmp_path / "with")
    backups.back_up(service.store, tmp_path / "without", with_keys=False)
    assert [holds(tmp_path / name, secret) for name in ("with", "without")] == [True, False]
    assert restore(service, tmp_path / "without").keys == "store"
    assert find_secrets(service) == [secret]
    assert Client(service).get(path).status_code == 200


def test_a_backup_without_keys_restored_where_there_are_none_says_so(
    service: App, tmp_path: Path
) -> None:
    backups.back_up(service.store, tmp_path / "without", with_keys=False)
    with service.store.writing() as tx:
        tx.execute(tables.link_keys.delete())
    assert restore(service, tmp_path / "without").keys == "none"


def test_keys_that_were_made_and_revoked_after_the_backup_stay_so(
    service: App, tmp_path: Path
) -> None:
    alice = subscriptions.find(service, "alice@example.org")
    backups.back_up(service.store, tmp_path / "b")
    service.revoke_key(1)
    link = service.url(Purpose.UNSUBSCRIBE, alice.id).removeprefix(service.config.web.base_url)
    assert restore(service, tmp_path / "b").keys == "both"
    fresh = App.open(service.config, now=service.now)
    keys = fresh.keys()
    assert [(key.id, key.revoked_at) for key in keys] == [(1, NOON), (2, None)]
    assert Client(fresh).get(link).status_code == 200
    fresh.close()


# --------------------------------------------------------------------- refusals that change nothing


@pytest.mark.slow
def test_an_api_key_that_was_revoked_after_the_backup_stays_revoked(
    service: App, tmp_path: Path
) -> None:
    _, leaked = services.create_api_key(service, "leaked", ["dumps:write"])
    _, used = services.create_api_key(service, "used", ["dumps:write"])
    path = tmp_path / "backup"
    backups.back_up(service.store, path)
    services.revoke_api_key(service, 1)
    restore(service, path)
    assert services.find_api_key(service, leaked) is None
    assert services.find_api_key(service, used) is not None


def test_a_restore_is_refused_while_another_process_is_connected(
    service: App, tmp_path: Path
) -> None:
    backups.back_up(service.store, tmp_path / "b")
    pipeline.round(service)
    before = everything(service.store)
    other = Store(service.config.store.url)
    with other.reading() as tx:
        tx.execute(text("SELECT 1"))
    with pytest.raises(
        StoreError, match="Stop `digest serve`"
    ):  # an idle connection, as in a process that serves
        restore(service, tmp_path / "b")
    assert everything(service.store) == before
    other.close()
    restore(service, tmp_path / "b")


def test_a_restore_that_fails_leaves_the_store_as_it_was(
    service: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups.back_up(service.store, tmp_path / "b")
    pipeline.round(service)
    before = everything(service.store)

    def fail(*_: object, **__: object) -> int:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("digest.store.keys.merge", fail)
    with pytest.raises(RuntimeError):
        restore(service, tmp_path / "b")
    assert everything(service.store) == before
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def damage_copy(path: Path, how: str, folder: Path) -> Path:
    raw = bytearray(path.read_bytes())
    copy = folder / how
    if how == "cut":
        copy.write_bytes(raw[: len(raw) * 2 // 3])
    elif how == "changed":
        middle = len(raw) // 2
        raw[middle : middle + 20_000] = bytes(20_000)  # lost blocks of the disk
        copy.write_bytes(raw)
    elif how == "text":
        copy.write_text("not a backup\n" * 100)
    elif how == "empty":
        copy.write_bytes(b"")
    elif how == "other":
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(copy, "w") as archive:
                archive.writestr("a", "b")
        else:
            with contextlib.closing(sqlite3.connect(copy)) as connection:
                connection.execute("CREATE TABLE strangers (id INTEGER)")
    return copy


@pytest.mark.parametrize("how", ["cut", "changed", "text", "empty", "other", "absent"])
def test_a_damaged_backup_is_refused(service: App, tmp_path: Path, how: str) -> None:
    (tmp_path / "files").mkdir()
    with service.store.writing() as tx:  # enough rows that the middle of the file is data
        for number in range(300):
            store.rounds.record(
                tx, "fetch", at=NOON, report={"number": number, "text": os.urandom(300).hex()}
            )
    backups.back_up(service.store, tmp_path / "b")
    before = everything(service.store)
    path = damage_copy(tmp_path / "b", how, tmp_path / "files")
    with pytest.raises(InputError):
        restore(service, path)
    assert everything(service.store) == before


def test_a_backup_of_a_newer_schema_is_refused(service: App, tmp_path: Path) -> None:
    with service.store.writing() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    backups.back_up(service.store, tmp_path / "b")
    with service.store.writing() as tx:
        tx.execute(text(f"UPDATE alembic_version SET version_num = '{schema.get_head_revision()}'"))
    with pytest.raises(StoreError, match="newer than this version"):
        restore(service, tmp_path / "b")


def test_the_store_is_refused_as_its_own_backup(app: App) -> None:
    with pytest.raises(InputError, match="the store itself"):
        restore(app, Path(str(app.store.url.database)))


@pytest.mark.postgres
def test_a_backup_of_the_other_kind_is_refused(app: App, postgres: str, tmp_path: Path) -> None:
    backups.back_up(app.store, tmp_path / "b")
    for url in postgres_url(postgres):
        other = Store(url)
        with pytest.raises(InputError, match="same kind"):
            backups.restore(other, tmp_path / "b", now=NOON)
        other.close()


# ------------------------------------------------------------------------ backups of older versions


@pytest.fixture
def another_url(empty_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A second empty database of the same kind."""
    if empty_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'another.sqlite'}"
    else:
        yield from postgres_url(request.getfixturevalue("postgres"))


def test_a_backup_of_0_1_0_is_restored_in_the_newest_schema(
    empty_url: str, another_url: str, tmp_path: Path
) -> None:
    """The backup is from before the upgrade, as the message about the old schema asks."""
    expected = fill_old_store(empty_url)
    old = Store(empty_url)
    backups.back_up(old, tmp_path / "b")
    assert schema.get_revision(old) == "0001"
    old.close()
    new = Store(another_url)
    done = backups.restore(new, tmp_path / "b", now=EVENING)
    new.close()
    assert (done.before, done.after, done.keys) == ("0001", schema.get_head_revision(), "backup")
    app = make_app(tmp_path, another_url, **SETTINGS).at(EVENING)
    with app.store.reading() as tx:
        counts = {
            name: tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in expected["counts"]
        }
    assert counts == expected["counts"]
    assert app.mailing.install_id == ""
    client = Client(app)
    for links in expected["links"].values():
        assert client.get(f"/u/{links['leave']}").status_code == 200
    before = states(app)
    assert pipeline.round(app).composed.planned == []
    assert states(app) == before
    app.close()


def test_a_restore_over_an_older_store_replaces_it(
    empty_url: str, another_url: str, tmp_path: Path
) -> None:
    new = Store(another_url)
    schema.require(new)
    with new.writing() as tx:
        store.rounds.record(tx, "fetch", at=NOON, report={})
    backups.back_up(new, tmp_path / "b")
    new.close()
    fill_old_store(empty_url)
    old = Store(empty_url)
    report = backups.restore(old, tmp_path / "b", now=NOON)
    assert (schema.get_revision(old), report.newest) == (schema.get_head_revision(), NOON)
    # links in mails of the old store still unsubscribe
    assert report.keys == "store"
    with old.reading() as tx:
        assert store.subscribers.list_by_status(tx) == []
    old.close()


def test_a_reader_who_left_an_older_store_stays_left_after_a_restore(
    empty_url: str, tmp_path: Path
) -> None:
    fill_old_store(empty_url)
    old = Store(empty_url)
    backups.back_up(old, tmp_path / "b")
    with old.writing() as tx:
        tx.execute(text("UPDATE subscribers SET standing = 'left' WHERE id = 1"))
    report = backups.restore(old, tmp_path / "b", now=EVENING)
    assert (report.before, report.left) == ("0001", 1)
    with old.reading() as tx:
        reader = store.subscribers.find(tx, 1)
    assert reader is not None
    assert reader.status is SubscriberStatus.LEFT
    old.close()


def test_a_copy_of_the_file_made_by_hand_restores(app: App, tmp_path: Path, cast: Cast) -> None:
    cast(app)
    app.store.close()
    shutil.copy(str(app.store.url.database), tmp_path / "copy.sqlite")
    (tmp_path / "copy.sqlite").chmod(0o400)
    restore(app, tmp_path / "copy.sqlite", datetime.now(UTC))
    assert len(subscriptions.list_subscribers(app)) == 3
