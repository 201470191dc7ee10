"""Word vectors that were trained on the stored papers; the newest are in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from digest.store.tables import word_vectors


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A stored table of word vectors."""

    version: str
    #: papers that it was trained on here, without those of the table that it started from
    papers: int
    made_at: datetime
    data: bytes


def load_newest(tx: Connection) -> Trained | None:
    row = tx.execute(select(word_vectors).order_by(word_vectors.c.id.desc()).limit(1)).one_or_none()
    return (
        None
        if row is None
        else Trained(version=row.version, papers=row.papers, made_at=row.made_at, data=row.data)
    )


def save(tx: Connection, trained: Trained) -> None:
    """Use these vectors in place of all earlier ones."""
    tx.execute(delete(word_vectors))
    values = {
        "version": trained.version,
        "papers": trained.papers,
        "made_at": trained.made_at,
        "data": trained.data,
    }
    tx.execute(word_vectors.insert().values(**values))


def delete_all(tx: Connection) -> int:
    """Go back to the vectors of the package; return how many tables were deleted."""
    return tx.execute(delete(word_vectors)).rowcount
