"""The version of the stored corpus.

When it changes, everything computed from the corpus is stale.
"""

from __future__ import annotations

from collections.abc import Hashable

from sqlalchemy import Connection, select

from digest.store.tables import dumps, encoders, word_vectors

# Built once: many pages ask them.
_NEWEST = (
    select(dumps.c.id, dumps.c.read, dumps.c.finished_at).order_by(dumps.c.id.desc()).limit(1),
    select(word_vectors.c.id, word_vectors.c.version).order_by(word_vectors.c.id.desc()).limit(1),
    select(encoders.c.name, encoders.c.version).order_by(encoders.c.name).limit(1),
)


def compute_version(tx: Connection) -> Hashable:
    """Return a value that changes with every ingest batch and with the vectors in use."""
    rows = (tx.execute(query).first() for query in _NEWEST)
    return tuple(None if row is None else tuple(row) for row in rows)
