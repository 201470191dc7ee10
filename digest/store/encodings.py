"""Vectors that an encoder made of the stored papers, and which encoder it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from digest.store.statements import insert, split_into_batches
from digest.store.tables import encoders, encodings, papers


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEncoder:
    """The encoder that papers are encoded with."""

    #: as the config names it
    name: str
    version: str
    dimensions: int


def load_encoder(tx: Connection, name: str) -> StoredEncoder | None:
    """Load the encoder of this name; None where it is not the one in use."""
    row = tx.execute(select(encoders).where(encoders.c.name == name)).one_or_none()
    return (
        None
        if row is None
        else StoredEncoder(name=row.name, version=row.version, dimensions=row.dimensions)
    )


def set_encoder(tx: Connection, encoder: StoredEncoder) -> None:
    """Use this encoder from now on.

    Vectors of another one are overwritten paper by paper.
    """
    tx.execute(delete(encoders))
    tx.execute(
        encoders.insert().values(
            name=encoder.name, version=encoder.version, dimensions=encoder.dimensions
        )
    )


def save(tx: Connection, version: str, rows: Mapping[int, bytes]) -> None:
    """Upsert vectors by paper."""
    if not rows:
        return
    statement = insert(tx, encodings)
    statement = statement.on_conflict_do_update(
        index_elements=["paper_id"],
        set_={"version": statement.excluded.version, "data": statement.excluded.data},
    )
    tx.execute(
        statement,
        [{"paper_id": ident, "version": version, "data": data} for ident, data in rows.items()],
    )


def delete_vectors(tx: Connection, ids: Iterable[int]) -> None:
    """Delete the vectors of papers whose text has changed."""
    for batch in split_into_batches(list(ids)):
        tx.execute(delete(encodings).where(encodings.c.paper_id.in_(batch)))


def load(tx: Connection, version: str, ids: Collection[int]) -> dict[int, bytes]:
    """Load vectors of this version by paper id; papers without one are left out."""
    vectors: dict[int, bytes] = {}
    for batch in split_into_batches(list(ids)):
        rows = tx.execute(
            select(encodings.c.paper_id, encodings.c.data).where(
                encodings.c.paper_id.in_(batch), encodings.c.version == version
            )
        )
        vectors |= {row.paper_id: row.data for row in rows}
    return vectors


_ENCODABLE = (papers.c.merged_into.is_(None), papers.c.title != "")


def count_encoded(tx: Connection, version: str) -> tuple[int, int]:
    """Count papers that this version has encoded, and all that it can."""
    every = select(func.count()).select_from(papers).where(*_ENCODABLE)
    done = every.join(encodings, encodings.c.paper_id == papers.c.id).where(
        encodings.c.version == version
    )
    return tx.execute(done).scalar_one(), tx.execute(every).scalar_one()


def list_unencoded(
    tx: Connection, version: str, *, before: int, limit: int
) -> list[tuple[int, str, str]]:
    """List (id, title, abstract) of papers to be encoded, newest first.

    This version has not encoded them.

    Args:
        before: only papers with a lower id.
    """
    joined = papers.outerjoin(
        encodings, (encodings.c.paper_id == papers.c.id) & (encodings.c.version == version)
    )
    rows = tx.execute(
        select(papers.c.id, papers.c.title, papers.c.abstract)
        .select_from(joined)
        .where(papers.c.id < before, encodings.c.paper_id.is_(None), *_ENCODABLE)
        .order_by(papers.c.id.desc())
        .limit(limit)
    )
    return [(row.id, row.title, row.abstract) for row in rows]
