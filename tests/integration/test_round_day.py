"""The papers of a date are read once a round, and again when an ingest changed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from digest import pipeline
from digest.app import App
from digest.model import Subscriber
from digest.pipeline.steps import round_day
from tests.conftest import TODAY, invent_papers, make_app


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The ids of the papers, for each time that a day is read."""
    reads: list[list[int]] = []
    load = round_day.load_batch_context

    def note(tx: Any, paper_ids: list[int], *rest: Any) -> Any:
        reads.append(list(paper_ids))
        return load(tx, paper_ids, *rest)

    monkeypatch.setattr(round_day, "load_batch_context", note)
    return reads


@pytest.fixture
def one_by_one(tmp_path: Path) -> Iterator[App]:
    """An app whose rounds take each reader for a batch."""
    app = make_app(tmp_path, workers__batch="1")
    yield app
    app.close()


def listed(app: App) -> dict[str, list[int]]:
    report = pipeline.compose(app, dry_run=True)
    return {
        reader.email: [item.score.paper_id for item in digest.items]
        for reader, digest in report.digests
    }


def test_a_day_is_read_once_for_all_batches(
    one_by_one: App,
    tmp_path: Path,
    cast: Callable[[App], dict[str, Subscriber]],
    dump: Callable[..., Path],
    reads: list[list[int]],
) -> None:
    cast(one_by_one)
    pipeline.ingest(one_by_one, [dump()], seen=TODAY)
    alone = listed(one_by_one)
    assert len(alone) == 3
    assert len(reads) == 1
    together = make_app(tmp_path)
    assert listed(together) == alone
    together.close()


def test_papers_that_come_during_a_round_compete_for_the_readers_after(
    one_by_one: App,
    cast: Callable[[App], dict[str, Subscriber]],
    dump: Callable[..., Path],
    reads: list[list[int]],
) -> None:
    cast(one_by_one)
    pipeline.ingest(one_by_one, [dump()], seen=TODAY)
    asked: list[bool] = []

    def ingest_more() -> bool:
        asked.append(True)
        if len(asked) == 1:
            rows = invent_papers(TODAY, start=4)
            pipeline.ingest(one_by_one, [dump(rows=rows)], seen=TODAY)
        return False

    pipeline.compose(one_by_one, stop=ingest_more)
    assert [len(ids) for ids in reads] == [16, 32]


def test_a_change_of_a_paper_during_a_round_is_seen(
    one_by_one: App,
    cast: Callable[[App], dict[str, Subscriber]],
    dump: Callable[..., Path],
    reads: list[list[int]],
) -> None:
    cast(one_by_one)
    rows = invent_papers(TODAY)
    pipeline.ingest(one_by_one, [dump(rows=rows)], seen=TODAY)
    asked: list[bool] = []

    def ingest_again() -> bool:
        asked.append(True)
        if len(asked) == 1:
            changed = [{**row, "title": f"{row['title']}, revised"} for row in rows]
            pipeline.ingest(one_by_one, [dump(rows=changed)], seen=TODAY)
        return False

    pipeline.compose(one_by_one, stop=ingest_again)
    assert len(reads) == 2
    assert reads[0] == reads[1]
