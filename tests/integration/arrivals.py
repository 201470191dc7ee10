"""Helpers that store papers without a dump, as `ingest` would."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from digest import papers as rules
from digest import store as rows
from digest.model import Entry, Identity, Paper
from digest.papers import normalise_title
from digest.store import Store
from digest.store.arrivals import Added, NewRecord

NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
DAY = date(2026, 6, 9)


def entry(title: str, *, arxiv: str = "", doi: str = "", **more: object) -> Entry:
    identities = [
        Identity(kind=kind, value=value)
        for kind, value in (("arxiv", arxiv), ("doi", doi))
        if value
    ]  # type: ignore[arg-type]
    return Entry(
        source="jsonl",
        title=title,
        title_key=normalise_title(title),
        identities=tuple(identities),
        **more,
    )  # type: ignore[arg-type]


def ingest_entries(store: Store, *entries: Entry, day: date = DAY) -> Added:
    with store.writing() as tx:
        dump = rows.dumps.begin(
            tx, rows.dumps.DumpFile(name="x.jsonl", form="jsonl", sha256="0" * 64), day=day, now=NOW
        )
        arrivals = [NewRecord(line=n, raw="{}", entry=e, day=day) for n, e in enumerate(entries, 1)]
        return rows.arrivals.add(tx, dump, arrivals, rules)


def load_papers(store: Store) -> list[Paper]:
    with store.reading() as tx:
        papers = rows.papers.load(tx, range(1, 200))
        return [papers[ident] for ident in sorted(papers) if papers[ident].id == ident]


def get_content(paper: Paper) -> tuple[object, ...]:
    return (
        paper.title,
        paper.abstract,
        paper.identities,
        paper.first_seen,
        paper.version,
        paper.withdrawn,
    )
