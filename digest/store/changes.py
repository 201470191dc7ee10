"""What a batch of arrivals changes: new rows of papers and records, gathered and written at once,
and papers that change or turn out to be one.

Decides nothing: `arrivals` says what is to change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, delete, func, select, tuple_, update

from digest.model import Entry, Merged
from digest.store.statements import add_rows, encode_json, insert
from digest.store.tables import digest_items, feedback, identities, papers, picks, records

#: characters of a record that are kept as it stood in the dump
_RAW_MAX = 65_536


class Rows:
    """New rows, gathered and written at once.

    Ids are given here: the caller holds the only write transaction.
    """

    def __init__(self, tx: Connection, dump_id: int) -> None:
        self._tx = tx
        self._dump_id = dump_id
        self._paper_id: int = tx.execute(
            select(func.coalesce(func.max(papers.c.id), 0))
        ).scalar_one()
        self._record_id: int = tx.execute(
            select(func.coalesce(func.max(records.c.id), 0))
        ).scalar_one()
        #: (record, paper that it goes over to)
        self.moves: list[tuple[int, int]] = []
        #: (paper, the paper that it turned out to be)
        self.gone: list[tuple[int, int]] = []
        self._papers: list[tuple[Any, ...]] = []
        self._records: list[tuple[Any, ...]] = []
        self._keys: list[tuple[str, str, int]] = []
        self._pack = zstandard.ZstdCompressor(level=1).compress

    def next_paper_id(self) -> int:
        self._paper_id += 1
        return self._paper_id

    def paper(self, paper_id: int, merged: Merged, keys: Iterable[tuple[str, str]]) -> None:
        """A new paper, under an id of `next_paper_id`, and the keys that name it."""
        values = _values(merged) | {
            "authors": encode_json(merged.authors),
            "categories": encode_json(merged.categories),
        }
        self._papers.append((paper_id, *values.values(), None))
        self._keys += [(kind, value, paper_id) for kind, value in sorted(keys)]

    def record(
        self, paper_id: int, line: int, day: date, mark: bytes, entry: Entry, raw: str
    ) -> None:
        """A record that says something new; `mark` is its fingerprint, `raw` how it stood in the
        dump.
        """
        self._record_id += 1
        packed = self._pack(raw[:_RAW_MAX].encode("utf-8", "surrogateescape"))
        self._records.append(
            (
                self._record_id,
                paper_id,
                self._dump_id,
                line,
                day,
                mark,
                msgspec.json.encode(entry),
                packed,
            )
        )

    def write(self) -> None:
        """Write all that was gathered."""
        add_rows(self._tx, papers, self._papers)
        add_rows(self._tx, records, self._records)
        for record_id, paper_id in self.moves:
            self._tx.execute(
                update(records).where(records.c.id == record_id).values(paper_id=paper_id)
            )
        for paper_id, kept in self.gone:
            _absorb(self._tx, paper_id, kept)
        add_rows(
            self._tx, identities, self._keys
        )  # of new papers alone, so they cannot be there yet


def _values(merged: Merged) -> dict[str, Any]:
    """In the order of the table's columns, of which the first and the last are not said here."""
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
        "url": merged.url,
        "withdrawn": merged.withdrawn,
    }


def update_paper(
    tx: Connection, paper_id: int, before: Merged, now: Merged, keys: set[tuple[str, str]]
) -> None:
    """What a stored paper says now, and the keys that name it."""
    if before != now:
        values = _values(now)
        del values["upvotes"]  # counted by themselves, they only rise
        tx.execute(update(papers).where(papers.c.id == paper_id).values(**values))
    # Keys that left with a split must not point here any more.
    tx.execute(
        delete(identities).where(
            identities.c.paper_id == paper_id,
            tuple_(identities.c.kind, identities.c.value).not_in(sorted(keys)),
        )
    )
    rows = [{"kind": kind, "value": value, "paper_id": paper_id} for kind, value in sorted(keys)]
    tx.execute(insert(tx, identities).on_conflict_do_nothing(), rows)


def _absorb(tx: Connection, gone: int, kept: int) -> None:
    """Two stored papers are one: what hangs on the one goes over to the other; its row stays for
    the links in old mails.
    """
    for table, others in (
        (feedback, feedback.c.subscriber_id),
        (picks, picks.c.day),
        (digest_items, digest_items.c.digest_id),
    ):
        there = select(others).where(table.c.paper_id == kept)
        tx.execute(
            update(table)
            .where(table.c.paper_id == gone, others.not_in(there))
            .values(paper_id=kept)
        )
    tx.execute(delete(feedback).where(feedback.c.paper_id == gone))
    tx.execute(delete(picks).where(picks.c.paper_id == gone))
    tx.execute(delete(identities).where(identities.c.paper_id == gone))
    tx.execute(
        update(papers)
        .where((papers.c.id == gone) | (papers.c.merged_into == gone))
        .values(merged_into=kept)
    )
