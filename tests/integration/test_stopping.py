"""Stopped commands end between small steps, and the next run continues."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from digest import pipeline, services, store
from digest.app import App
from digest.errors import StoppedError
from digest.model import Subscriber
from tests.conftest import TODAY

Cast = Callable[[App], dict[str, Subscriber]]


def stop_after(times: int) -> Callable[[], bool]:
    """Return a function that asks for a stop after so many calls."""
    calls = iter(range(1, 10_000))
    return lambda: next(calls) > times


def test_a_stopped_compose_is_continued_by_the_next(
    any_app: App, cast: Cast, dump: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["digest.pipeline.compose"], "_STORED_TOGETHER", 1)
    pipeline.ingest(any_app, [dump()], seen="name")
    cast(any_app)
    first = pipeline.compose(any_app, day=TODAY, stop=stop_after(1))
    assert (len(first.planned), first.stopped) == (1, True)
    rest = pipeline.compose(any_app, day=TODAY)
    assert (len(rest.planned), rest.stopped) == (2, False)


def test_a_stopped_ingest_is_continued_by_the_next(any_app: App, dump: Callable[..., Path]) -> None:
    path = dump()
    first = pipeline.ingest(any_app, [path], batch=5, stop=stop_after(1))
    assert (first.count("new"), first.stopped) == (10, True)
    rest = pipeline.ingest(any_app, [path], batch=5)
    assert (rest.count("new"), rest.count("duplicate"), rest.stopped) == (6, 10, False)
    with any_app.store.reading() as tx:
        assert store.papers.count_totals(tx)["papers"] == 16
        assert store.dumps.list_latest(tx, 1)[0]["finished_at"] is not None


def test_a_training_that_is_stopped_changes_nothing(app: App, dump: Callable[..., Path]) -> None:
    pipeline.ingest(app, [dump(per_topic=20)], seen="name")
    before = services.vectors_info(app).version
    for calls in (0, 3):
        with pytest.raises(StoppedError):
            pipeline.train_word_vectors(app, stop=stop_after(calls))
    assert services.vectors_info(app).version == before


def test_a_stopped_round_composes_for_nobody_and_sends_nothing(
    any_app: App, cast: Cast, dump: Callable[..., Path]
) -> None:
    pipeline.ingest(any_app, [dump()], seen="name")
    readers = cast(any_app)
    report = pipeline.round(any_app, day=TODAY, stop=lambda: True)
    assert (len(report.composed.planned), report.composed.stopped) == (0, True)
    assert not report.sent.states
    assert len(pipeline.round(any_app, day=TODAY).composed.planned) == len(readers)
