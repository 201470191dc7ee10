"""How SQLite looks things up: a round must not read a table whole for each reader or paper.

SQLite has no statistics of a store, so a small one has the same plans as a large one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from digest import pipeline, services, store
from digest.app import App
from digest.model import Subscriber
from tests.conftest import TODAY

#: tables that grow with the readers, the papers or the days
LARGE = (
    "co_likes",
    "deliveries",
    "digests",
    "feedback",
    "identities",
    "items",
    "messages",
    "paper_sources",
    "papers",
    "presses",
    "quiet_days",
    "records",
    "rows",
    "subscribers",
)

_SCAN = re.compile(rf"SCAN (?:{'|'.join(LARGE)})\b")
#: as many as a day has: with a few ids plans are others
PAPERS = range(1, 501)

Queries = dict[str, Any]


@contextmanager
def noted_queries(app: App) -> Iterator[Queries]:
    """Note each query of a block once, with parameters of one call."""
    queries: Queries = {}

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if re.match(r"\s*(?:SELECT|WITH)\b", statement):
            queries.setdefault(statement, parameters)

    event.listen(app.store.engine, "before_cursor_execute", note)
    yield queries
    event.remove(app.store.engine, "before_cursor_execute", note)


def explain(tx: store.Connection, statement: str, parameters: Any) -> list[str]:
    """Return the steps of a query, in their order."""
    rows = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return [row[3] for row in rows]


@pytest.fixture
def round_of_queries(
    app: App, cast: Callable[[App], dict[str, Subscriber]], dump: Callable[..., Path]
) -> Queries:
    """The queries of a day: papers come, digests are composed, looked at and sent."""
    readers, before = cast(app), TODAY - timedelta(days=1)
    earlier = app.at(app.now() - timedelta(days=1))
    pipeline.ingest(earlier, [dump(before)], seen=before)
    pipeline.compose(earlier)
    pipeline.send(earlier)
    for number in (1, 2, 3):
        name = f"arxiv:{before:%y%m}.{before.day:02d}{number:03d}"
        services.rate(earlier, readers["alice"], name, 1)
    with noted_queries(app) as queries:
        pipeline.ingest(app, [dump(TODAY)], seen=TODAY)
        pipeline.compose(app)
        services.preview(app, readers["alice"])
        pipeline.send(app)
    return queries


def test_no_query_of_a_round_reads_a_large_table_whole(app: App, round_of_queries: Queries) -> None:
    assert len(round_of_queries) > 40
    with app.store.reading() as tx:
        for statement, parameters in round_of_queries.items():
            # A few rows from the beginning are no scan.
            if "LIMIT" not in statement:
                steps = explain(tx, statement, parameters)
                assert not [step for step in steps if _SCAN.match(step)], statement


@pytest.mark.parametrize(
    "read",
    [
        lambda tx: store.likes.count_likes(tx, PAPERS, least=1),
        lambda tx: store.likes.load_like_times(tx, PAPERS, least=1),
        lambda tx: store.likes.load_co_likes(tx, PAPERS, least=1, most=100),
    ],
    ids=["counts", "times", "co-likes"],
)
def test_thumbs_on_papers_are_found_by_the_papers(
    app: App, round_of_queries: Queries, read: Callable[[store.Connection], Any]
) -> None:
    with app.store.reading() as tx, noted_queries(app) as queries:
        assert read(tx)
    with app.store.reading() as tx:
        for statement, parameters in queries.items():
            first, *_ = explain(tx, statement, parameters)
            assert first.startswith("SEARCH feedback"), statement
            assert "=?" in first
