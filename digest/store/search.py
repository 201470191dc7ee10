"""Papers by the words of their titles, abstracts and authors.

SQLite searches an FTS5 table, PostgreSQL its full text index. Both stem English words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    cast,
    exists,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
)

from digest.store.tables import dumps, papers, records

#: papers of a search at most: the newest that hold the words
MOST_FOUND = 2000
#: how much a word in title, abstract and authors counts
_WEIGHTS = "8.0, 1.0, 4.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class WordQuery:
    """Words of papers, and what else the papers must be."""

    #: each is a word or a phrase
    words: tuple[str, ...]
    #: whether one of them is enough
    any_word: bool = False
    excluded: tuple[str, ...] = ()
    author: str = ""
    category: str = ""
    since: date | None = None
    until: date | None = None
    #: format of a dump that brought it
    source: str = ""


def find_papers(tx: Connection, query: WordQuery) -> list[tuple[int, float]]:
    """Find (paper id, relevance) of the newest papers, newest first; more is better.

    Without words and author, every paper that passes the filters fits equally.
    """
    conditions = _filters(query)
    if not query.words and not query.author:
        rows = tx.execute(
            select(papers.c.id, literal(0.0))
            .where(*conditions)
            .order_by(papers.c.id.desc())
            .limit(MOST_FOUND)
        )
    elif tx.dialect.name == "sqlite":
        words = table("paper_words")
        found = select(papers.c.id, literal_column(f"-bm25(paper_words, {_WEIGHTS})"))
        rows = tx.execute(
            found.select_from(
                words.join(papers, papers.c.id == literal_column("paper_words.rowid"))
            )
            .where(text("paper_words MATCH :words"), *conditions)
            .order_by(literal_column("paper_words.rowid").desc())
            .limit(MOST_FOUND),
            {"words": _write_fts5(query)},
        )
    else:
        vector = func.to_tsvector(
            literal_column("'english'"),
            papers.c.title + " " + papers.c.abstract + " " + cast(papers.c.authors, Text),
        )
        wanted = func.websearch_to_tsquery(literal_column("'english'"), _write_websearch(query))
        if query.words:
            conditions.append(vector.op("@@")(wanted))
        if query.author:
            authors = cast(papers.c.authors, Text)
            conditions.append(authors.icontains(query.author, autoescape=True))
        newest = (
            select(papers.c.id, vector.label("vector"))
            .where(*conditions)
            .order_by(papers.c.id.desc())
            .limit(MOST_FOUND)
            .subquery()
        )
        rows = tx.execute(
            select(newest.c.id, func.ts_rank_cd(newest.c.vector, wanted)).order_by(
                newest.c.id.desc()
            )
        )
    return [(row[0], float(row[1])) for row in rows]


def _filters(query: WordQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        papers.c.merged_into.is_(None),
        papers.c.withdrawn.is_(False),
        papers.c.title != "",
        papers.c.first_seen >= (query.since or date(1900, 1, 2)),
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
    text = (" OR " if query.any_word else " AND ").join(map(_quote, query.words))
    if query.author:
        author = f"authors : {_quote(query.author)}"
        text = f"({text}) AND {author}" if text else author
    unwanted = " OR ".join(_quote(words) for words in query.excluded)
    return f"({text}) NOT ({unwanted})" if unwanted else text


def _write_websearch(query: WordQuery) -> str:
    text = (" or " if query.any_word else " ").join(map(_quote, query.words))
    return " ".join([text, *(f"-{_quote(words)}" for words in query.excluded)])


def _quote(words: str) -> str:
    """Quote a word or phrase, so that none of its signs is an operator."""
    return '"' + words.replace('"', " ").replace("\0", " ") + '"'
