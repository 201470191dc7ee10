"""Papers by id, by the name that a person types, or by date.

Also their vectors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Row, bindparam, func, select

from digest.model import Identity, IdentityKind, Paper
from digest.store import likes, upvotes
from digest.store.statements import add_rows, insert, split_into_batches
from digest.store.tables import dumps, frequencies, identities, papers, picks, records, vectors
from digest.store.tables import feedback as votes

_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_PAPERS = select(papers).where(papers.c.id.in_(_IDS))
_NAMES = select(identities).where(identities.c.paper_id.in_(_IDS), identities.c.kind != "title")
_PICKS = select(picks).where(picks.c.paper_id.in_(_IDS))


def load(
    tx: Connection,
    ids: Iterable[int],
    *,
    before: datetime | None = None,
    least: int | None = None,
    upvoted: bool = True,
) -> dict[int, Paper]:
    """Load papers by id.

    The id of a merged paper yields the paper that it was merged into.

    Args:
        before: only thumbs and picks before this time count; everything else is current.
        least: thumbs up count as upvotes where at least so many readers like a paper; None = never.
        upvoted: count the up-votes of readers; False: for those who show none.
    """
    papers_by_id: dict[int, Paper] = {}
    aliases: dict[int, int] = {}
    for batch in split_into_batches(sorted(set(ids))):
        rows = tx.execute(_PAPERS, {"ids": batch}).all()
        aliases |= {row.id: row.merged_into for row in rows if row.merged_into is not None}
        papers_by_id |= _build_papers(
            tx, [row for row in rows if row.merged_into is None], before, least, upvoted
        )
    if aliases:
        kept_papers = load(tx, aliases.values(), before=before, least=least, upvoted=upvoted)
        papers_by_id |= {gone: kept_papers[into] for gone, into in aliases.items()}
    return papers_by_id


def find_by_identity(tx: Connection, kind: str, value: str) -> list[int]:
    """Find papers by one identifier, as `find_by_identities` does."""
    return find_by_identities(tx, [(kind, value)]).get((kind, value), [])


def find_by_identities(
    tx: Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[int]]:
    """Find the ids of the papers with each (kind, value).

    An identifier has one paper at most; a normalised title (kind "title") any number.
    """
    values_by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, value in keys:
        values_by_kind[kind].append(value)
    paper_ids: dict[tuple[str, str], list[int]] = defaultdict(list)
    for kind, values in values_by_kind.items():
        for batch in split_into_batches(sorted(values)):
            query = select(identities.c.value, identities.c.paper_id).where(
                identities.c.kind == kind, identities.c.value.in_(batch)
            )
            for row in tx.execute(query.order_by(identities.c.paper_id)):
                paper_ids[kind, row.value].append(row.paper_id)
    return paper_ids


def list_seen_between(tx: Connection, after: date, until: date) -> list[int]:
    """List ids of papers first seen after `after`, up to `until`, not withdrawn."""
    where = (
        papers.c.first_seen > after,
        papers.c.first_seen <= until,
        papers.c.withdrawn.is_(False),
        papers.c.merged_into.is_(None),
        papers.c.title != "",
    )
    return list(tx.execute(select(papers.c.id).where(*where).order_by(papers.c.id)).scalars())


def list_new(tx: Connection, since: date, *, after: int, limit: int) -> list[int]:
    """List ids of papers first seen since a day, inclusive, with an id above `after`, by id."""
    query = select(papers.c.id).where(
        papers.c.first_seen >= since,
        papers.c.merged_into.is_(None),
        papers.c.withdrawn.is_(False),
        papers.c.title != "",
        papers.c.id > after,
    )
    return list(tx.execute(query.order_by(papers.c.id).limit(limit)).scalars())


def list_recent(
    tx: Connection, until: date, limit: int, *, max_paper_id: int | None = None
) -> list[int]:
    """List ids of the latest papers first seen up to a day.

    They are the background of percentiles.

    Args:
        max_paper_id: papers with a greater id are left out.
    """
    where = [
        papers.c.first_seen <= until,
        papers.c.merged_into.is_(None),
        papers.c.withdrawn.is_(False),
        papers.c.title != "",
    ]
    if max_paper_id is not None:
        where.append(papers.c.id <= max_paper_id)
    return list(
        tx.execute(
            select(papers.c.id)
            .where(*where)
            .order_by(papers.c.first_seen.desc(), papers.c.id.desc())
            .limit(limit)
        ).scalars()
    )


def list_withdrawn(tx: Connection, limit: int = 100) -> list[tuple[Paper, list[int]]]:
    """List withdrawn papers, newest first, with the ids of those who like them."""
    where = (papers.c.withdrawn.is_(True), papers.c.merged_into.is_(None))
    ids = list(
        tx.execute(
            select(papers.c.id).where(*where).order_by(papers.c.id.desc()).limit(limit)
        ).scalars()
    )
    papers_by_id = load(tx, ids)
    liking: dict[int, list[int]] = defaultdict(list)
    for batch in split_into_batches(ids):
        query = select(votes.c.paper_id, votes.c.subscriber_id).where(
            votes.c.paper_id.in_(batch), votes.c.vote == 1
        )
        for row in tx.execute(query.order_by(votes.c.subscriber_id)):
            liking[row.paper_id].append(row.subscriber_id)
    return [(papers_by_id[ident], liking[ident]) for ident in ids]


def find_newest(tx: Connection) -> tuple[int, date | None]:
    """Find (greatest id, latest day on which a paper was first seen).

    None without papers.
    """
    # Two queries: a single one would use neither index.
    last_day = select(func.max(papers.c.first_seen))
    return find_max_id(tx), tx.execute(last_day).scalar_one()


def find_max_id(tx: Connection) -> int:
    """Find the greatest paper id, 0 without papers."""
    return int(tx.execute(select(func.coalesce(func.max(papers.c.id), 0))).scalar_one())


def count_totals(tx: Connection) -> dict[str, Any]:
    """Count papers, and find the latest day on which one was first seen."""
    row = tx.execute(
        select(func.count(), func.max(papers.c.first_seen)).where(
            papers.c.merged_into.is_(None), papers.c.title != ""
        )
    ).one()
    return {"papers": row[0], "latest": row[1]}


def list_dump_names(tx: Connection, ids: Sequence[int], limit: int = 8) -> tuple[str, ...]:
    """List names of the dumps that the papers came from, newest first."""
    names: dict[int, str] = {}
    for batch in split_into_batches(list(ids)):
        rows = tx.execute(
            select(dumps.c.id, dumps.c.name).where(
                dumps.c.id.in_(select(records.c.dump_id).where(records.c.paper_id.in_(batch)))
            )
        )
        names |= {row.id: row.name for row in rows}
    return tuple(dict.fromkeys(names[ident] for ident in sorted(names, reverse=True)))[:limit]


# ----------------------------------------------------------------------------------------------
# vectors


def save_vectors(
    tx: Connection, version: str, rows: Mapping[int, bytes], *, fresh: Collection[int] = ()
) -> None:
    """Upsert vectors by paper id.

    Args:
        fresh: papers created in this transaction, which have none yet.
    """
    add_rows(
        tx,
        vectors,
        [(paper_id, version, data) for paper_id, data in rows.items() if paper_id in fresh],
    )
    known_rows = [
        {"paper_id": paper_id, "version": version, "data": data}
        for paper_id, data in rows.items()
        if paper_id not in fresh
    ]
    if not known_rows:
        return
    statement = insert(tx, vectors)
    statement = statement.on_conflict_do_update(
        index_elements=["paper_id"],
        set_={"version": statement.excluded.version, "data": statement.excluded.data},
    )
    tx.execute(statement, known_rows)


def load_vectors(tx: Connection, version: str, ids: Iterable[int]) -> dict[int, bytes]:
    vectors_by_id: dict[int, bytes] = {}
    for batch in split_into_batches(list(ids)):
        rows = tx.execute(
            select(vectors.c.paper_id, vectors.c.data).where(
                vectors.c.paper_id.in_(batch), vectors.c.version == version
            )
        )
        vectors_by_id |= {row.paper_id: row.data for row in rows}
    return vectors_by_id


def count(tx: Connection) -> int:
    return tx.execute(select(func.count()).select_from(papers)).scalar_one()


def iterate_texts(tx: Connection, size: int = 2000) -> Iterator[tuple[str, str]]:
    """Iterate over (title, abstract) of all papers, newest first, in batches."""
    before = find_max_id(tx) + 1
    while rows := tx.execute(
        select(papers.c.id, papers.c.title, papers.c.abstract)
        .where(papers.c.id < before)
        .order_by(papers.c.id.desc())
        .limit(size)
    ).all():
        before = rows[-1].id
        yield from ((row.title, row.abstract) for row in rows)


def load_categories(tx: Connection, newest: int) -> frozenset[str]:
    """Load the categories that occur among so many newest papers."""
    rows = tx.execute(select(papers.c.categories).order_by(papers.c.id.desc()).limit(newest))
    return frozenset(category for row in rows for category in row.categories)


def count_vectors(tx: Connection, version: str) -> int:
    return tx.execute(
        select(func.count()).select_from(vectors).where(vectors.c.version == version)
    ).scalar_one()


def iterate_vectors(tx: Connection, version: str, size: int = 5000) -> Iterator[dict[int, bytes]]:
    """Iterate over all stored vectors by paper id, in batches."""
    after = 0
    while rows := tx.execute(
        select(vectors.c.paper_id, vectors.c.data)
        .where(vectors.c.version == version, vectors.c.paper_id > after)
        .order_by(vectors.c.paper_id)
        .limit(size)
    ).all():
        after = rows[-1].paper_id
        yield {row.paper_id: row.data for row in rows}


def load_frequencies(tx: Connection, version: str) -> bytes | None:
    return tx.execute(
        select(frequencies.c.data).where(frequencies.c.version == version)
    ).scalar_one_or_none()


def save_frequencies(tx: Connection, version: str, data: bytes) -> None:
    statement = insert(tx, frequencies).values(version=version, data=data)
    tx.execute(statement.on_conflict_do_update(index_elements=["version"], set_={"data": data}))


# ----------------------------------------------------------------------------------------------
# rows -> values


def _build_papers(
    tx: Connection,
    rows: Sequence[Row[Any]],
    before: datetime | None,
    least: int | None,
    upvoted: bool,
) -> dict[int, Paper]:
    ids = [row.id for row in rows]
    names: dict[int, list[Identity]] = defaultdict(list)
    listed: dict[int, list[tuple[date, int | None]]] = defaultdict(list)
    for batch in split_into_batches(ids):
        for row in tx.execute(_NAMES, {"ids": batch}):
            names[row.paper_id].append(Identity(kind=cast(IdentityKind, row.kind), value=row.value))
        for row in tx.execute(_PICKS, {"ids": batch}):
            if before is None or row.day <= before.date():
                listed[row.paper_id].append((row.day, row.rank))
    thumbs = {} if least is None else likes.count_likes(tx, ids, least=least, before=before)
    votes = upvotes.count(tx, ids, liked=thumbs, before=before) if upvoted else {}
    papers_by_id = {}
    for row in rows:
        pick = max(listed[row.id], key=lambda p: (p[0], -(p[1] or 0)), default=(None, None))
        papers_by_id[row.id] = Paper(
            id=row.id,
            title=row.title,
            abstract=row.abstract,
            authors=tuple(row.authors),
            categories=tuple(row.categories),
            identities=tuple(sorted(names[row.id], key=lambda i: (i.kind, i.value))),
            first_seen=row.first_seen,
            submitted=row.submitted,
            announced=row.announced,
            updated=row.updated,
            version=row.version,
            upvotes=row.upvotes + thumbs.get(row.id, 0) + votes.get(row.id, 0),
            picked=pick[0],
            rank=pick[1],
            comment=row.comment,
            journal_ref=row.journal_ref,
            code_url=row.code_url,
            project_url=row.project_url,
            url=row.url,
            withdrawn=row.withdrawn,
        )
    return papers_by_id
