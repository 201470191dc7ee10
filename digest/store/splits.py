"""Splits of papers: what an operator has parted is never joined again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from digest.store.statements import add_rows
from digest.store.tables import splits


def add_split(tx: Connection, parts: Mapping[bytes, int]) -> None:
    """Remember a split: fingerprint of a record -> its part."""
    number = tx.execute(select(func.coalesce(func.max(splits.c.number), 0))).scalar_one() + 1
    add_rows(tx, splits, [(number, fingerprint, part) for fingerprint, part in parts.items()])


def load_parts(tx: Connection) -> dict[bytes, dict[int, int]]:
    """Load all splits, which people make, so they are few.

    Returns:
        Fingerprint of a record -> number of a split -> its part.
    """
    parts: dict[bytes, dict[int, int]] = defaultdict(dict)
    for row in tx.execute(select(splits)):
        parts[row.fingerprint][row.number] = row.part
    return dict(parts)
