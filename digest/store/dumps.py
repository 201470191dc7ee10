"""Dumps that were read, and their quarantined records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from digest.model import UNSEEN, Rejected
from digest.store.statements import split_into_batches
from digest.store.tables import dumps, records, rejects

#: characters that are kept of a quarantined record; the file has the rest
RAW_MAX = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class DumpFile:
    """The file of a dump."""

    name: str
    #: its format, a name of `dumps.FORMATS`
    form: str
    sha256: str
    path: str = ""
    #: in bytes
    size: int = 0
    #: by which program and options it is read
    reading: str = ""


def begin(tx: Connection, file: DumpFile, *, day: date, now: datetime) -> int:
    """Record that the reading of a dump starts; return its id.

    Args:
        day: the day on which its papers count as first seen.
    """
    values = {
        "name": file.name[-500:],
        "path": file.path,
        "format": file.form,
        "size": file.size,
        "sha256": file.sha256,
        "day": day,
        "started_at": now,
        "reading": file.reading,
    }
    return int(tx.execute(dumps.insert().values(**values).returning(dumps.c.id)).scalar_one())


def list_papers(tx: Connection, dump_id: int) -> list[int]:
    """List the ids of the papers that the records of a dump belong to."""
    query = select(records.c.paper_id).where(records.c.dump_id == dump_id).distinct()
    return list(tx.execute(query).scalars())


def update_progress(
    tx: Connection, dump_id: int, counts: dict[str, int], skipped_why: dict[str, int]
) -> None:
    """Update the counts of what was read so far."""
    tx.execute(update(dumps).where(dumps.c.id == dump_id).values(**counts, skipped_why=skipped_why))


def finish(tx: Connection, dump_id: int, *, incomplete: str, now: datetime) -> None:
    tx.execute(
        update(dumps).where(dumps.c.id == dump_id).values(finished_at=now, incomplete=incomplete)
    )


def add_rejects(tx: Connection, dump_id: int, bad: Iterable[Rejected]) -> None:
    rows = [
        {"dump_id": dump_id, "line": r.line, "reason": r.reason, "raw": _storable(r.raw)}
        for r in bad
    ]
    if rows:
        tx.execute(rejects.insert(), rows)


def _storable(raw: str) -> str:
    """Replace NUL and lone surrogates, which PostgreSQL refuses, by visible text."""
    return raw[:RAW_MAX].replace("\x00", "␀").encode("utf-8", "backslashreplace").decode("utf-8")


def list_finished(tx: Connection, sha256: str) -> list[dict[str, Any]]:
    """List the readings of a file with these bytes that came to its end, newest first.

    Imports of readers' libraries are left out, since they store only what a library needs.
    """
    rows = tx.execute(
        select(dumps)
        .where(dumps.c.sha256 == sha256, dumps.c.finished_at.is_not(None), dumps.c.day != UNSEEN)
        .order_by(dumps.c.id.desc())
    )
    return [dict(row._mapping) for row in rows]


def list_files_read(tx: Connection, *, before: datetime) -> list[tuple[str, int, str]]:
    """List (path, size, SHA-256) of the files that were read to their end before a time."""
    rows = tx.execute(
        select(dumps.c.path, dumps.c.size, dumps.c.sha256)
        .where(dumps.c.finished_at < before, dumps.c.incomplete == "", dumps.c.path != "")
        .distinct()
        .order_by(dumps.c.path)
    )
    return [(row.path, row.size, row.sha256) for row in rows]


def has_its_records(tx: Connection, sha256: str) -> bool:
    """Whether the new papers that a file with these bytes brought still have their records."""
    same = select(dumps.c.id).where(dumps.c.sha256 == sha256)
    brought = select(func.coalesce(func.sum(dumps.c.new), 0)).where(dumps.c.sha256 == sha256)
    stored = select(func.count()).select_from(records).where(records.c.dump_id.in_(same))
    return bool(tx.execute(stored).scalar_one() >= tx.execute(brought).scalar_one())


def count_read(tx: Connection, path: str, sha256: str) -> tuple[int, bool]:
    """Return (records stored, True) of an unfinished ingest of the file.

    Without one, return (0, False).
    """
    same = select(dumps.c.read, dumps.c.finished_at).where(
        dumps.c.path == path, dumps.c.sha256 == sha256
    )
    row = tx.execute(same.order_by(dumps.c.id.desc()).limit(1)).first()
    return (row.read, True) if row is not None and row.finished_at is None else (0, False)


def list_shorter(tx: Connection, path: str, size: int) -> list[tuple[int, str, int]]:
    """List (size, sha256, records read) of the newest readings of a smaller file.

    Such a dump may have grown.
    """
    rows = tx.execute(
        select(dumps.c.size, dumps.c.sha256, dumps.c.read)
        .where(
            dumps.c.path == path,
            dumps.c.size < size,
            dumps.c.size > 0,
            dumps.c.finished_at.is_not(None),
            dumps.c.read > 0,
        )
        .order_by(dumps.c.id.desc())
        .limit(3)
    )
    return [(row.size, row.sha256, row.read) for row in rows]


def list_with_rejects(tx: Connection) -> list[dict[str, Any]]:
    """List dumps with quarantined records, oldest first, with their number."""
    counted = (
        select(rejects.c.dump_id, func.count().label("kept")).group_by(rejects.c.dump_id).subquery()
    )
    rows = tx.execute(
        select(dumps, counted.c.kept)
        .join(counted, counted.c.dump_id == dumps.c.id)
        .order_by(dumps.c.id)
    )
    return [dict(row._mapping) for row in rows]


def delete_rejects(tx: Connection, dump_id: int) -> None:
    """Delete quarantined records that were retried; the retry has its own."""
    tx.execute(delete(rejects).where(rejects.c.dump_id == dump_id))


def list_latest(tx: Connection, limit: int = 5, *, libraries: bool = False) -> list[dict[str, Any]]:
    """List the newest dumps, newest first.

    Args:
        libraries: include imports of readers' libraries, which say nothing about the sources.
    """
    query = select(dumps) if libraries else select(dumps).where(dumps.c.day != UNSEEN)
    return [
        dict(row._mapping) for row in tx.execute(query.order_by(dumps.c.id.desc()).limit(limit))
    ]


def list_page(tx: Connection, *, before: int | None, limit: int) -> list[dict[str, Any]]:
    """List dumps, newest first, without imports of readers' libraries.

    Args:
        before: only those with a smaller id; None = from the newest on.
    """
    query = select(dumps).where(dumps.c.day != UNSEEN)
    if before is not None:
        query = query.where(dumps.c.id < before)
    rows = tx.execute(query.order_by(dumps.c.id.desc()).limit(limit))
    return [dict(row._mapping) for row in rows]


def list_by_hash(tx: Connection, sha256: str) -> list[dict[str, Any]]:
    """List the readings of a file with these bytes, newest first."""
    same = select(dumps).where(dumps.c.sha256 == sha256, dumps.c.day != UNSEEN)
    return [dict(row._mapping) for row in tx.execute(same.order_by(dumps.c.id.desc()))]


def exists(tx: Connection, dump_id: int) -> bool:
    return tx.execute(select(dumps.c.id).where(dumps.c.id == dump_id)).first() is not None


def list_rejects(tx: Connection, dump_id: int, limit: int = 20) -> list[Rejected]:
    rows = tx.execute(
        select(rejects).where(rejects.c.dump_id == dump_id).order_by(rejects.c.id).limit(limit)
    )
    return [Rejected(line=row.line, reason=row.reason, raw=row.raw) for row in rows]


def count_totals(tx: Connection) -> dict[str, int]:
    """Count dumps and quarantined records."""
    return {
        "dumps": tx.execute(select(func.count()).select_from(dumps)).scalar_one(),
        "rejected": tx.execute(select(func.count()).select_from(rejects)).scalar_one(),
    }


def find_places(tx: Connection, paper_id: int) -> dict[int, tuple[str, int]]:
    """Find the dump and the line of each record of a paper, by the record's id."""
    rows = tx.execute(
        select(records.c.id, dumps.c.name, records.c.line)
        .join(dumps, dumps.c.id == records.c.dump_id)
        .where(records.c.paper_id == paper_id)
    )
    return {row.id: (row.name, row.line) for row in rows}


def find_paper_ids(tx: Connection, record_ids: Sequence[int]) -> set[int]:
    """Find the ids of the papers that records belong to."""
    ids: set[int] = set()
    for batch in split_into_batches(record_ids):
        query = select(records.c.paper_id).where(records.c.id.in_(batch))
        ids.update(tx.execute(query).scalars())
    return ids
