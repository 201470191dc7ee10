"""The index of words on SQLite equals what a rebuild gives, whatever became of the papers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import papers as rules
from digest import store as rows
from digest.store import Store
from digest.store.search import WordQuery
from tests.conftest import build_sqlite_file
from tests.integration.arrivals import entry, ingest_entries, load_papers

WORDS = st.sampled_from(["owl", "river", "tau decay", "naïve model", "走路 robot", "", "the of"])
ENTRIES = st.builds(
    lambda title, abstract, author, arxiv, doi, version: entry(
        f"{title} {author}",
        arxiv=arxiv,
        doi=doi,
        abstract=abstract,
        authors=(author,),
        categories=("cs.LG", "q-bio.GN") if arxiv else ("math.AG",),
        version=version,
    ),
    WORDS,
    WORDS,
    st.sampled_from(["Jane Doe", "Kim Roe"]),
    st.sampled_from(["", "2606.00001", "2606.00002", "2606.00003"]),
    st.sampled_from(["", "10.1000/a", "10.1000/b"]),
    st.sampled_from([None, 1, 2]),
)


def read_terms(tx: Any) -> list[tuple[Any, ...]]:
    return [
        tuple(row)
        for row in tx.exec_driver_sql(
            "SELECT term, doc, col, offset FROM temp.terms ORDER BY 1, 2, 3, 4"
        )
    ]


def check_index(store: Store) -> None:
    with store.writing() as tx:
        # also compares with the texts of the papers
        tx.exec_driver_sql(
            "INSERT INTO paper_words (paper_words, rank) VALUES ('integrity-check', 1)"
        )
        tx.exec_driver_sql(
            "CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, paper_words, instance)"
        )
        kept = read_terms(tx)
        tx.exec_driver_sql("INSERT INTO paper_words (paper_words) VALUES ('rebuild')")
        assert kept == read_terms(tx)
        tx.exec_driver_sql("DROP TABLE temp.terms")


FATES = st.lists(st.sampled_from(["kept", "split", "deleted"]), min_size=3, max_size=3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(ENTRIES, max_size=4), min_size=1, max_size=4), FATES)
def test_the_index_equals_a_rebuild(batches: list[list[Any]], fates: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sqlite"
        path.write_bytes(build_sqlite_file())
        store = Store(f"sqlite:///{path}")
        for batch in batches:
            ingest_entries(store, *batch)  # new, corrected and merged papers
        for paper, fate in zip(load_papers(store), fates, strict=False):
            with store.writing() as tx:
                records = rows.arrivals.load_records(tx, paper.id)
                if fate == "split" and len(records) > 1:
                    rows.arrivals.split(tx, records, {records[0].id}, rules)
                elif fate == "deleted":
                    delete_paper(tx, paper.id)
        check_index(store)
        store.close()


def delete_paper(tx: Any, ident: int) -> None:
    tx.exec_driver_sql("UPDATE papers SET merged_into = NULL WHERE merged_into = ?", (ident,))
    for table in ("records", "identities", "vectors"):
        tx.exec_driver_sql(f"DELETE FROM {table} WHERE paper_id = ?", (ident,))
    tx.exec_driver_sql("DELETE FROM papers WHERE id = ?", (ident,))


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        (WordQuery(words=("owl",)), ["Owl two", "An owl"]),
        (WordQuery(words=("owl",), in_title=True), ["Owl two", "An owl"]),
        (WordQuery(words=("night",)), ["Owl two", "An owl"]),
        (WordQuery(words=("night",), in_title=True), []),
        (WordQuery(words=("roe",), in_title=True), ["Owl two"]),
        (WordQuery(words=("owl",), category="cs"), ["An owl"]),
        (WordQuery(words=("owl",), category="CS.lg"), ["An owl"]),
        (WordQuery(category="LG"), []),
        (WordQuery(category="q-bio"), ["Owl two"]),
        (WordQuery(words=("owl",), excluded=("two",)), ["An owl"]),
        (WordQuery(author="Kim Roe", category="q-bio.GN"), ["Owl two"]),
        (WordQuery(source="jsonl"), ["Owl two", "An owl"]),
        (WordQuery(words=("owl",), source="oai"), []),
    ],
)
def test_both_databases_find_the_same(store: Store, query: WordQuery, titles: list[str]) -> None:
    more = {"abstract": "By night."}
    ingest_entries(
        store,
        entry("An owl", arxiv="2606.00001", authors=("Jane Doe",), categories=("cs.LG",), **more),
        entry(
            "Owl two", arxiv="2606.00002", authors=("Kim Roe",), categories=("q-bio.GN",), **more
        ),
    )
    names = {paper.id: paper.title for paper in load_papers(store)}
    with store.reading() as tx:
        ids = rows.search.find_ids(tx, query)
        assert [names[ident] for ident in ids] == titles
        assert rows.search.find_ids(tx, query, 1) == ids[:1]
