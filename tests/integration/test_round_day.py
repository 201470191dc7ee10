"""The papers of a date are read once a round, and again when an ingest changed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from digest import pipeline, subscriptions
from digest.app import App
from digest.model import Subscriber
from digest.pipeline.steps import round_day
from digest.subscriptions import SubscriptionRequest
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
def one_by_one(
    tmp_path: Path, cast: Callable[[App], dict[str, Subscriber]], dump: Callable[..., Path]
) -> Iterator[App]:
    """An app with three readers and sixteen papers, whose rounds take each reader for a batch."""
    app = make_app(tmp_path, workers__batch="1")
    cast(app)
    pipeline.ingest(app, [dump()], seen=TODAY)
    yield app
    app.close()


def listed(app: App) -> dict[str, list[int]]:
    report = pipeline.compose(app, dry_run=True)
    return {
        reader.email: [item.score.paper_id for item in digest.items]
        for reader, digest in report.digests
    }


def compose_while_papers_come(app: App, path: Path) -> None:
    """Compose, and read a dump after the first reader's digest is stored."""
    asked: list[bool] = []

    def ingest() -> bool:
        asked.append(True)
        if len(asked) == 2:
            pipeline.ingest(app, [path], seen=TODAY)
        return False

    pipeline.compose(app, stop=ingest)


def test_a_day_is_read_once_for_all_batches(
    one_by_one: App, tmp_path: Path, reads: list[list[int]]
) -> None:
    alone = listed(one_by_one)
    assert len(alone) == 3
    assert len(reads) == 1
    together = make_app(tmp_path)
    assert listed(together) == alone
    together.close()


def test_readers_of_several_dates_share_the_days(one_by_one: App, reads: list[list[int]]) -> None:
    for number, zone in enumerate(["Pacific/Kiritimati", "Pacific/Pago_Pago"] * 3):
        request = SubscriptionRequest(
            email=f"r{number}@example.org", keywords=("robot",), timezone=zone
        )
        subscriptions.subscribe(one_by_one, request, origin="command")
    late = one_by_one.at(one_by_one.now().replace(hour=10, minute=30))
    dates = {digest.local_date for _, digest in pipeline.compose(late, dry_run=True).digests}
    assert len(dates) == len(reads) == 3


def test_papers_that_come_during_a_round_compete_for_the_readers_after(
    one_by_one: App, dump: Callable[..., Path], reads: list[list[int]]
) -> None:
    compose_while_papers_come(one_by_one, dump(rows=invent_papers(TODAY, start=4)))
    assert [len(ids) for ids in reads] == [16, 32]


def test_a_change_of_a_paper_during_a_round_is_seen(
    one_by_one: App, dump: Callable[..., Path], reads: list[list[int]]
) -> None:
    changed = [{**row, "title": f"{row['title']}, revised"} for row in invent_papers(TODAY)]
    compose_while_papers_come(one_by_one, dump(rows=changed))
    assert len(reads) == 2
    assert reads[0] == reads[1]
