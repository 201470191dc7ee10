"""Co-likes end to end: a paper rises for readers who like what its readers like.

Below the least number of readers, other readers' thumbs change nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import Digest, Feedback, Score, Subscriber, SubscriberStatus, Vote
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, make_app

Dump = Callable[..., Path]
YESTERDAY = TODAY - timedelta(days=1)
#: ids of papers of yesterday, today and today
OLD, NEW, OTHER = 1, 25, 30
LEAST = 5


@pytest.fixture
def service(any_app: App, dump: Dump) -> App:
    pipeline.ingest(any_app, [dump(YESTERDAY), dump()], seen="name")
    return any_app


def subscribe_all(app: App, *names: str) -> list[Subscriber]:
    return [
        subscriptions.subscribe(
            app, SubscriptionRequest(email=f"{name}@example.org", size=30), origin="command"
        ).subscriber
        for name in names
    ]


def thumbs(app: App, readers: Iterable[Subscriber], *papers: int, vote: Vote = 1) -> None:
    with app.store.writing() as tx:
        for reader in readers:
            for paper in papers:
                store.feedback.save(
                    tx,
                    Feedback(
                        subscriber_id=reader.id,
                        paper_id=paper,
                        vote=vote,
                        at=NOON - timedelta(hours=3),
                    ),
                )


def preview_scores(app: App, reader: Subscriber) -> dict[int, Score]:
    outcome = services.preview(app, reader).outcome
    assert isinstance(outcome, Digest)
    return {item.score.paper_id: item.score for item in outcome.items}


def kinds(score: Score) -> set[str]:
    return {part.kind for part in score.parts}


def test_a_paper_rises_for_readers_who_like_what_its_readers_like(
    service: App,
) -> None:
    me, *other_readers = subscribe_all(service, "me", *(f"reader{n}" for n in range(LEAST)))
    (stranger,) = subscribe_all(service, "stranger")
    thumbs(service, [me], OLD)
    before = preview_scores(service, me)
    thumbs(service, other_readers, OLD, NEW)
    after = preview_scores(service, me)
    assert NEW in before
    assert "readers" not in kinds(before[NEW])
    (boost,) = [part for part in after[NEW].parts if part.kind == "readers"]
    (votes,) = [part for part in after[NEW].parts if part.kind == "upvotes"]
    assert votes.name == str(LEAST)
    assert after[NEW].value > before[NEW].value + boost.value
    assert boost.name == services.get_paper(service, OLD).title
    assert list(after).index(NEW) < list(before).index(NEW)
    sentence = next(
        row["reason"]
        for row in services.preview(service, me).json["papers"]
        if row["paper"] == services.get_paper(service, NEW).name
    )  # type: ignore[attr-defined]
    assert "iked by readers who liked" in sentence
    assert "reader0" not in sentence
    assert "readers" not in kinds(preview_scores(service, stranger)[NEW])


def test_fewer_readers_than_the_least_change_nothing(service: App) -> None:
    me, *other_readers = subscribe_all(service, "me", *(f"reader{n}" for n in range(LEAST + 2)))
    thumbs(service, [me], OLD)
    alone = preview_scores(service, me)
    thumbs(service, other_readers[: LEAST - 1], OLD, NEW)
    assert preview_scores(service, me) == alone
    # Enough readers like one of the two, too few like both.
    thumbs(service, other_readers[LEAST - 1 : LEAST], OLD)
    assert preview_scores(service, me) == alone
    thumbs(service, other_readers[LEAST - 1 : LEAST], NEW)
    assert preview_scores(service, me) != alone


def test_with_too_few_active_readers_co_likes_are_off(service: App) -> None:
    me, *other_readers = subscribe_all(service, "me", *(f"reader{n}" for n in range(LEAST)))
    thumbs(service, [me], OLD)
    alone = preview_scores(service, me)
    thumbs(service, other_readers, OLD, NEW)
    assert preview_scores(service, me) != alone
    for reader in other_readers[:2]:
        subscriptions.pause(service, reader.id, paused=True)
    assert preview_scores(service, me) == alone


def test_a_reader_who_left_no_longer_counts(service: App) -> None:
    me, *other_readers = subscribe_all(service, "me", *(f"reader{n}" for n in range(LEAST)))
    subscribe_all(service, "more")
    thumbs(service, [me], OLD)
    alone = preview_scores(service, me)
    thumbs(service, other_readers, OLD, NEW)
    subscriptions.unsubscribe(service, other_readers[0].id)
    assert subscriptions.get(service, other_readers[0].id).status is SubscriberStatus.LEFT
    assert preview_scores(service, me) == alone


def test_thumbs_down_and_own_thumbs_boost_nothing(service: App) -> None:
    (me,) = subscribe_all(service, "me")
    thumbs(service, [me], OLD, OTHER)
    alone = preview_scores(service, me)
    assert all(
        "readers" not in kinds(score) and "upvotes" not in kinds(score) for score in alone.values()
    )
    readers = subscribe_all(service, *(f"reader{n}" for n in range(LEAST)))
    thumbs(service, readers, OLD, NEW, vote=-1)
    assert preview_scores(service, me) == alone


def test_the_operator_sets_the_least_number_of_readers(tmp_path: Path, dump: Dump) -> None:
    app = make_app(tmp_path, digest__least_readers="2")
    pipeline.ingest(app, [dump(YESTERDAY), dump()], seen="name")
    me, *other_readers = subscribe_all(app, "me", "reader0", "reader1")
    thumbs(app, [me], OLD)
    thumbs(app, other_readers, OLD, NEW)
    assert "readers" in kinds(preview_scores(app, me)[NEW])
    app.close()


def test_one_reader_gets_the_same_by_all_likes_and_by_those_on_their_own_papers(
    service: App,
) -> None:
    readers = subscribe_all(service, *(f"reader{number}" for number in range(12)))
    chance = random.Random(1)
    for reader in readers:
        thumbs(service, [reader], *chance.sample(range(1, 33), 16))
        thumbs(service, [reader], *chance.sample(range(1, 33), 3), vote=-1)
    with service.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [reader.id for reader in readers])
    boosted = 0
    for reader in readers:
        own = votes[reader.id]
        liked = [vote.paper_id for vote in own if vote.vote == 1]
        (boosts,) = CoLikeContext(service, TODAY).boosts_of_readers([own])
        (by_own,) = CoLikeContext(service, TODAY, own=liked).boosts_of_readers([own])
        assert by_own == boosts
        boosted += len(boosts)
    assert boosted
