"""Writes of an ingest batch.

New papers and records, changed papers, and papers that are merged.

Decides nothing: `merging` says what is to change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, delete, func, select, tuple_, update

from digest.model import Entry, Merged
from digest.store import search
from digest.store.statements import add_rows, encode_json, insert
from digest.store.tables import (
    curator_picks,
    digest_items,
    feedback,
    identities,
    papers,
    picks,
    records,
    upvotes,
)

#: characters of the raw text that are kept of a record
_RAW_MAX = 65_536


class NewRows:
    """New rows, collected and written at once.

    It allocates ids itself: the caller holds the only write transaction.
    """

    def __init__(self, tx: Connection, dump_id: int) -> None:
        self._tx = tx
        self._dump_id = dump_id
        self._paper_id: int = _find_last_id(tx, papers.c.id)
        self._last_stored = self._paper_id
        self._record_id: int = _find_last_id(tx, records.c.id)
        #: (record id, id of the paper that it moves to)
        self.moves: list[tuple[int, int]] = []
        #: (id of a paper, id of the paper that it is merged into)
        self.merges: list[tuple[int, int]] = []
        self._papers: list[tuple[Any, ...]] = []
        self._records: list[tuple[Any, ...]] = []
        self._keys: list[tuple[str, str, int]] = []
        self._compress = zstandard.ZstdCompressor(level=1).compress

    def allocate_paper_id(self) -> int:
        """Return the next free paper id."""
        self._paper_id += 1
        return self._paper_id

    def add_paper(self, paper_id: int, merged: Merged, keys: Iterable[tuple[str, str]]) -> None:
        """Add a paper under an allocated id, with the keys that identify it."""
        values = _to_row(merged) | {
            "authors": encode_json(merged.authors),
            "categories": encode_json(merged.categories),
        }
        self._papers.append((paper_id, *values.values(), None))
        self._keys += [(kind, value, paper_id) for kind, value in sorted(keys)]

    def add_record(
        self, paper_id: int, line: int, day: date, fingerprint: bytes, entry: Entry, raw: str
    ) -> None:
        """Add a record of a paper; `raw` is its text in the dump."""
        self._record_id += 1
        self._records.append(
            (
                self._record_id,
                paper_id,
                self._dump_id,
                line,
                day,
                fingerprint,
                msgspec.json.encode(entry),
                self._compress(raw[:_RAW_MAX].encode("utf-8", "surrogateescape")),
            )
        )

    def write(self) -> None:
        """Write everything that was collected."""
        add_rows(self._tx, papers, self._papers)
        search.add_words(self._tx, after=self._last_stored)
        add_rows(self._tx, records, self._records)
        for record_id, paper_id in self.moves:
            self._tx.execute(
                update(records).where(records.c.id == record_id).values(paper_id=paper_id)
            )
        for paper_id, kept_id in self.merges:
            _merge_papers(self._tx, paper_id, kept_id)
        # Keys of new papers alone, so none of them is stored yet.
        add_rows(self._tx, identities, self._keys)


def _find_last_id(tx: Connection, column: Any) -> int:
    return int(tx.execute(select(func.coalesce(func.max(column), 0))).scalar_one())


def _to_row(merged: Merged) -> dict[str, Any]:
    """Return the values in column order, without the first and the last."""
    return {
        "title": merged.title,
        "abstract": merged.abstract,
        "authors": list(merged.authors),
        "categories": list(merged.categories),
        "first_seen": merged.first_seen,
        "submitted": merged.submitted,
        "announced": merged.announced,
        "updated": merged.updated,
        "version": merged.version,
        "upvotes": merged.upvotes,
        "comment": merged.comment,
        "journal_ref": merged.journal_ref,
        "code_url": merged.code_url,
        "project_url": merged.project_url,
        "url": merged.url,
        "withdrawn": merged.withdrawn,
    }


def update_paper(
    tx: Connection, paper_id: int, before: Merged, now: Merged, keys: set[tuple[str, str]]
) -> None:
    """Update a stored paper and the keys that identify it."""
    if before != now:
        values = _to_row(now)
        del values["upvotes"]  # `arrivals` raises them
        tx.execute(update(papers).where(papers.c.id == paper_id).values(**values))
    # After a split, keys of the other part must not lead here.
    tx.execute(
        delete(identities).where(
            identities.c.paper_id == paper_id,
            tuple_(identities.c.kind, identities.c.value).not_in(sorted(keys)),
        )
    )
    rows = [{"kind": kind, "value": value, "paper_id": paper_id} for kind, value in sorted(keys)]
    tx.execute(insert(tx, identities).on_conflict_do_nothing(), rows)


def _merge_papers(tx: Connection, paper_id: int, kept_id: int) -> None:
    """Merge a stored paper into another one.

    Its row stays for the links in old mails.
    """
    for table, owner in (
        (feedback, feedback.c.subscriber_id),
        (picks, picks.c.day),
        (digest_items, digest_items.c.digest_id),
        (upvotes, upvotes.c.subscriber_id),
        (curator_picks, curator_picks.c.subscriber_id),
    ):
        already_there = select(owner).where(table.c.paper_id == kept_id)
        tx.execute(
            update(table)
            .where(table.c.paper_id == paper_id, owner.not_in(already_there))
            .values(paper_id=kept_id)
        )
    tx.execute(delete(feedback).where(feedback.c.paper_id == paper_id))
    for table in (picks, upvotes, curator_picks):
        tx.execute(delete(table).where(table.c.paper_id == paper_id))
    tx.execute(delete(identities).where(identities.c.paper_id == paper_id))
    tx.execute(
        update(papers)
        .where((papers.c.id == paper_id) | (papers.c.merged_into == paper_id))
        .values(merged_into=kept_id)
    )
