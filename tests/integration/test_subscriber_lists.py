"""`subscribers` pages, filters and counts, on every database."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import SubscriberStatus
from digest.store.subscriber_lists import SubscriberFilter
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, invent_papers, write_dump

LONG_AGO = NOON - timedelta(days=100)


@pytest.fixture
def readers(any_app: App) -> App:
    """Five readers of different kinds."""
    requests = [
        SubscriptionRequest(email="ann@uni.example", keywords=("Robotics",), language="de"),
        SubscriptionRequest(email="bob@uni.example", days=(1, 2, 3, 4, 5), timezone="Asia/Tokyo"),
        SubscriptionRequest(
            email="cy@lab.uni.example", authors=("Zoë Ångström",), created=LONG_AGO
        ),
        SubscriptionRequest(email="di@xuni.example", days=(1, 4), hour=9, created=LONG_AGO),
        SubscriptionRequest(email="ed@example.org", status=SubscriberStatus.PAUSED),
    ]
    results = list(subscriptions.subscribe_many(any_app, requests, origin="file"))
    assert len(results) == 5
    return any_app


def emails(
    app: App, *, word: str = "", after: str = "", limit: int | None = None, **wanted: object
) -> str:
    """Return the first letters of the readers that are listed."""
    listed = services.list_readers(
        app,
        SubscriberFilter(**wanted),  # type: ignore[arg-type]
        word=word,
        after=subscriptions.find(app, after) if after else None,
        limit=limit,
    )
    return "".join(reader.subscriber.email[0] for reader in listed)


@pytest.mark.parametrize(
    ("wanted", "listed"),
    [
        ({}, "abcde"),
        ({"statuses": (SubscriberStatus.PAUSED,)}, "e"),
        ({"statuses": (SubscriberStatus.PAUSED, SubscriberStatus.ACTIVE)}, "abcde"),
        ({"languages": ("de",)}, "a"),
        ({"languages": ("de", "")}, "abcde"),
        ({"domain": "uni.example"}, "ab"),
        ({"domain": "UNI.example"}, "ab"),
        ({"domain": "un_.example"}, ""),
        ({"joined_since": NOON - timedelta(days=1)}, "abe"),
        ({"silent_since": NOON - timedelta(days=1)}, "cd"),
        ({"word": "robot"}, "a"),
        ({"word": "ÅNGSTRÖM"}, "c"),
        ({"limit": 2}, "ab"),
        ({"after": "ann@uni.example", "limit": 2}, "bc"),
        ({"after": "ed@example.org"}, ""),
        ({"domain": "uni.example", "word": "robot", "limit": 5}, "a"),
    ],
)
def test_filters_and_pages(readers: App, wanted: dict[str, object], listed: str) -> None:
    assert emails(readers, **wanted) == listed  # type: ignore[arg-type]


def test_a_thumb_ends_the_silence(readers: App, tmp_path: Path) -> None:
    pipeline.ingest(readers, [write_dump(tmp_path, TODAY, invent_papers(TODAY, 1))])
    reader = subscriptions.find(readers, "cy@lab.uni.example")
    with readers.store.reading() as tx:
        paper = store.papers.find_max_id(tx)
    pipeline.record_feedback(readers, reader.id, paper, 1, via="command")
    assert emails(readers, silent_since=NOON - timedelta(days=1)) == "d"


def test_pages_join_to_the_whole_list(readers: App) -> None:
    with readers.store.reading() as tx:
        for size in (1, 2, 3, 5, 6):
            found = store.subscriber_lists.iterate(tx, SubscriberFilter(), page=size)
            assert "".join(reader.email[0] for reader in found) == "abcde"


@pytest.mark.parametrize("word", ["", "robot"])
def test_the_summary_counts_what_is_listed(readers: App, word: str) -> None:
    summary = services.summarise_readers(readers, SubscriberFilter(), word=word)
    if word:
        assert summary.json == {
            "subscribers": 1,
            "states": {"active": 1},
            "schedules": {"daily 7:00": 1},
            "languages": {"de": 1},
            "zones": {"UTC": 1},
        }
        return
    assert summary.json == {
        "subscribers": 5,
        "states": {"active": 4, "paused": 1},
        "schedules": {"daily 7:00": 3, "weekdays 7:00": 1, "Mon, Thu 9:00": 1},
        "languages": {"en": 4, "de": 1},
        "zones": {"UTC": 4, "Asia/Tokyo": 1},
    }


def test_the_summary_takes_filters(readers: App) -> None:
    wanted = SubscriberFilter(
        domain="uni.example", joined_since=datetime.min.replace(tzinfo=NOON.tzinfo)
    )
    assert services.summarise_readers(readers, wanted).total == 2
