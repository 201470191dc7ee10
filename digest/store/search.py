"""Papers by the words of their titles, abstracts and authors.

SQLite searches an FTS5 table, PostgreSQL its full text index. Both stem English words. Neither is
asked how relevant a paper is: that would read every paper with a word, where the newest are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    cast,
    exists,
    func,
    literal_column,
    select,
    text,
)

from digest.store.statements import split_into_batches
from digest.store.tables import dumps, papers, records, word_vectors

#: papers of a search at most: the newest that fit
MOST_FOUND = 1000
#: papers with the words of which is checked which source brought them, the newest, and how many
#: more than are wanted where little else can refuse them
_MOST_CHECKED, _MARGIN = 10_000, 250


@dataclass(frozen=True, kw_only=True, slots=True)
class WordQuery:
    """Words of papers, and what else the papers must be."""

    #: each is a word or a phrase; all must occur
    words: tuple[str, ...] = ()
    #: whether they must occur in the title or in the authors' names
    in_title: bool = False
    excluded: tuple[str, ...] = ()
    author: str = ""
    category: str = ""
    since: date | None = None
    until: date | None = None
    #: format of a dump that brought it
    source: str = ""


def find_ids(
    tx: Connection,
    query: WordQuery,
    limit: int = MOST_FOUND,
    *,
    span: tuple[int, int] | None = None,
) -> list[int]:
    """Find the ids of the newest papers that fit, newest first.

    Args:
        span: least and greatest id to look at; None = all.
    """
    if tx.dialect.name != "sqlite":
        return _find_by_full_text(tx, query, limit, span)
    # Papers are looked at from the newest back, so days become a span of ids first.
    span = span or _find_span(tx, query)
    if span is None:
        return []
    match = _write_fts5(query)
    number: ColumnElement[int] = literal_column("rowid")
    words = "paper_words MATCH :match AND " if match else ""
    checked = (
        select(number.label("id"))
        .select_from(text("paper_words" if match else "papers"))
        .where(text(f"{words}rowid BETWEEN :first AND :last"))
        .order_by(number.desc())
        .limit(_MOST_CHECKED if query.source else limit + _MARGIN)
        .subquery()
    )
    fitting = (
        select(papers.c.id)
        .select_from(checked.join(papers, papers.c.id == checked.c.id))
        .where(*_filters(query))
        .order_by(checked.c.id.desc())
        .limit(limit)
    )
    parameters = {"first": span[0], "last": span[1]} | ({"match": match} if match else {})
    return list(tx.execute(fitting, parameters).scalars().all())


def keep_fitting(tx: Connection, ids: Sequence[int], query: WordQuery) -> set[int]:
    """Return those of some papers that pass the filters, whatever their words and authors."""
    kept: set[int] = set()
    for batch in split_into_batches(ids):
        fitting = select(papers.c.id).where(papers.c.id.in_(batch), *_filters(query))
        kept.update(tx.execute(fitting).scalars())
    return kept


def _find_span(tx: Connection, query: WordQuery) -> tuple[int, int] | None:
    """Find the least and the greatest id of the days asked for; None where there are none."""
    if query.since is None and query.until is None:
        return 0, 2**63 - 1
    days = papers.c.first_seen.between(query.since or _FIRST_DAY, query.until or date.max)
    first, last = tx.execute(select(func.min(papers.c.id), func.max(papers.c.id)).where(days)).one()
    return None if first is None else (first, last)


def _find_by_full_text(
    tx: Connection, query: WordQuery, limit: int, span: tuple[int, int] | None
) -> list[int]:
    authors = cast(papers.c.authors, Text)
    conditions = _filters(query)
    if query.words:
        vector = func.to_tsvector(
            literal_column("'english'"), papers.c.title + " " + papers.c.abstract + " " + authors
        )
        wanted = func.websearch_to_tsquery(literal_column("'english'"), _write_websearch(query))
        conditions.append(vector.op("@@")(wanted))
        if query.in_title:
            title = func.to_tsvector(literal_column("'english'"), papers.c.title + " " + authors)
            conditions.append(title.op("@@")(wanted))
    if span:
        conditions.append(papers.c.id.between(*span))
    if query.author:
        conditions.append(authors.icontains(query.author, autoescape=True))
    newest = select(papers.c.id).where(*conditions).order_by(papers.c.id.desc()).limit(limit)
    return list(tx.execute(newest).scalars())


# Built once: each search asks them.
_LAST_RECORD = select(records.c.id, records.c.fingerprint).order_by(records.c.id.desc()).limit(1)
_NEWEST_VECTORS = select(word_vectors.c.version).order_by(word_vectors.c.id.desc()).limit(1)

#: papers that only readers' libraries have brought are older
_FIRST_DAY = date(1900, 1, 2)


def _filters(query: WordQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        papers.c.merged_into.is_(None),
        papers.c.withdrawn.is_(False),
        papers.c.title != "",
        papers.c.first_seen >= (query.since or _FIRST_DAY),
    ]
    if query.until is not None:
        conditions.append(papers.c.first_seen <= query.until)
    if query.category:
        spelled, name = cast(papers.c.categories, Text), query.category
        # "cs" stands for all of "cs.AI", "cs.LG" ...
        conditions.append(
            spelled.icontains(f'"{name}"', autoescape=True)
            | spelled.icontains(f'"{name}.', autoescape=True)
        )
    if query.source:
        brought = exists().where(
            records.c.paper_id == papers.c.id,
            records.c.dump_id == dumps.c.id,
            dumps.c.format == query.source,
        )
        conditions.append(brought)
    return conditions


def _write_fts5(query: WordQuery) -> str:
    """Write the query in the syntax of FTS5; "" where no index of words is needed."""
    conditions = []
    if query.words:
        words = " AND ".join(map(_quote, query.words))
        conditions.append(f"{{title authors}} : ({words})" if query.in_title else f"({words})")
    if query.author:
        conditions.append(f"authors : {_quote(query.author)}")
    if query.category:
        conditions.append(f"categories : {_quote(query.category)}")
    unwanted = " OR ".join(_quote(words) for words in query.excluded)
    wanted = " AND ".join(conditions)
    return f"({wanted}) NOT ({unwanted})" if wanted and unwanted else wanted


def _write_websearch(query: WordQuery) -> str:
    words = " ".join(map(_quote, query.words))
    return " ".join([words, *(f"-{_quote(words)}" for words in query.excluded)])


def _quote(words: str) -> str:
    """Quote a word or phrase, so that none of its signs is an operator."""
    return '"' + words.replace('"', " ").replace("\0", " ") + '"'


def add_words(tx: Connection, after: int) -> None:
    """Add the papers with greater ids to the index of words; triggers follow later changes."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql(
            "INSERT INTO paper_words (rowid, title, abstract, authors, categories) "
            "SELECT id, title, abstract, authors, categories FROM papers WHERE id > ?",
            (after,),
        )


def find_last_record(tx: Connection) -> tuple[int, bytes]:
    """Find the last record's id and its fingerprint; (0, b"") without records."""
    row = tx.execute(_LAST_RECORD).one_or_none()
    return (0, b"") if row is None else (row[0], row[1])


def load_fingerprint(tx: Connection, record: int) -> bytes:
    """Load the fingerprint of a record; b"" where there is none."""
    query = select(records.c.fingerprint).where(records.c.id == record)
    return tx.execute(query).scalar_one_or_none() or b""


def list_changed(tx: Connection, record: int, paper: int) -> list[int]:
    """List the papers that came, or got a record, after a record and a paper; ascending."""
    with_record = select(records.c.paper_id).where(records.c.id > record)
    new = select(papers.c.id).where(papers.c.id > paper)
    return sorted(set(tx.execute(with_record.union(new)).scalars()))


def find_vectors_version(tx: Connection) -> str:
    """Find the version of the trained word vectors in use; "" = the package's."""
    return tx.execute(_NEWEST_VECTORS).scalar_one_or_none() or ""
