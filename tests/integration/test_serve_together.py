"""Several real `digest serve` start at once on one database: nothing doubles, nothing is lost."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from digest.store import Store, locks, schema, tables
from tests.conftest import invent_papers, write_dump
from tests.integration.serving import Serving, wait_until
from tests.old_store import fill_old_store


@pytest.fixture
def together(tmp_path: Path) -> Iterator[Callable[..., list[Serving]]]:
    """Start several roles at once, each a process of its own."""
    running: list[Serving] = []

    def go(*roles: str) -> list[Serving]:
        started = [
            Serving(tmp_path, "--only", role, name=f"{role}-{number}")
            for number, role in enumerate(roles)
        ]
        running.extend(started)
        return started

    yield go
    for serving in running:
        serving.kill()


@pytest.mark.slow
def test_schedulers_that_start_at_once_migrate_once_and_read_each_dump_once(
    tmp_path: Path, empty_url: str, together: Callable[..., list[Serving]]
) -> None:
    """The schema is old, a dump waits, and readers of the config are due."""
    fill_old_store(empty_url)
    addresses = [f"r{number}@example.org" for number in range(12)]
    (tmp_path / "config.toml").write_text(
        f'[store]\nurl = "{empty_url}"\n[schedule]\ntick_seconds = 1\n[mail]\n'
        'sender = "digest@example.org"\n'
        + "".join(
            f'[[subscribers]]\nemail = "{address}"\nkeywords = ["robot"]\nhour = 0\n'
            for address in addresses
        ),
        encoding="utf-8",
    )
    today = datetime.now(UTC).date()
    papers = invent_papers(today, per_topic=30)
    os.utime(write_dump(tmp_path / "inbox", today, papers), (1, 1))
    schedulers = together("scheduler", "scheduler")
    for serving in schedulers:
        serving.wait_for("serve roles=scheduler")
    opened = Store(empty_url)

    def count(query: object) -> int:
        with opened.reading() as tx:
            return int(tx.execute(query).scalar_one())  # type: ignore[call-overload]

    new_digests = select(func.count()).where(tables.digests.c.local_date >= today)
    wait_until(lambda: count(new_digests) >= len(addresses), what="digests")
    assert [serving.stop() for serving in schedulers] == [0, 0]
    logs = "".join(serving.log for serving in schedulers)
    assert "Traceback" not in logs
    assert " ERROR " not in logs
    assert schema.get_revision(opened) == schema.get_head_revision()
    with opened.reading() as tx:
        emails = Counter(tx.execute(select(tables.subscribers.c.email)).scalars())
        rows = tx.execute(select(tables.digests.c.subscriber_id, tables.digests.c.local_date)).all()
        stored = tx.execute(
            select(func.count()).where(tables.papers.c.first_seen == today)
        ).scalar_one()
        read = tx.execute(
            select(func.sum(tables.dumps.c.new)).where(tables.dumps.c.day == today)
        ).scalar_one()
    assert all(emails[address] == 1 for address in addresses)
    assert len(rows) == len(set(rows))
    assert (stored, read) == (len(papers), len(papers))
    opened.close()


@pytest.mark.postgres
def test_a_lock_is_held_by_one_and_ends_with_its_session(postgres_database: str) -> None:
    one, other = Store(postgres_database), Store(postgres_database)
    with locks.try_lock(one, "ingest") as is_held:
        assert is_held
        with locks.try_lock(other, "ingest") as second, locks.try_lock(other, "watch") as third:
            assert (second, third) == (False, True)
    with locks.try_lock(other, "ingest") as is_held:
        assert is_held
        other.close()
        with other.session() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                "current_database() AND pid <> pg_backend_pid()"
            )
        with locks.try_lock(one, "ingest") as taken_over:
            assert taken_over
    one.close()
    other.close()
