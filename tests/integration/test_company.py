"""What readers' thumbs say to other readers, end to end: a paper liked this morning rises for those
who like the same; below the floor nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import Digest, Feedback, Score, Subscriber, SubscriberStatus, Vote
from digest.subscriptions import Wish
from tests.conftest import NOON, TODAY, make_app

Dump = Callable[..., Path]
YESTERDAY = TODAY - timedelta(days=1)
#: of yesterday's and of today's papers: each day's first is about robots, the fifth about tumours,
#: the ninth about courts
OLD, NEW, OTHER = 1, 25, 30
LEAST = 5


@pytest.fixture
def service(any_app: App, dump: Dump) -> App:
    pipeline.ingest(any_app, [dump(YESTERDAY), dump()], seen="name")
    return any_app


def joined(app: App, *names: str) -> list[Subscriber]:
    return [
        subscriptions.subscribe(
            app, Wish(email=f"{name}@example.org", size=30), origin="command"
        ).subscriber
        for name in names
    ]


def thumbs(app: App, readers: Iterable[Subscriber], *papers: int, vote: Vote = 1) -> None:
    with app.store.writing() as tx:
        for reader in readers:
            for paper in papers:
                store.feedback.put(
                    tx,
                    Feedback(
                        subscriber_id=reader.id,
                        paper_id=paper,
                        vote=vote,
                        at=NOON - timedelta(hours=3),
                    ),
                )


def told(app: App, reader: Subscriber) -> dict[int, Score]:
    outcome = services.preview(app, reader).outcome
    assert isinstance(outcome, Digest)
    return {item.score.paper_id: item.score for item in outcome.items}


def kinds(score: Score) -> set[str]:
    return {part.kind for part in score.parts}


def test_a_paper_liked_this_morning_rises_for_those_who_like_what_its_readers_like(
    service: App,
) -> None:
    me, *others = joined(service, "me", *(f"reader{n}" for n in range(LEAST)))
    (stranger,) = joined(service, "stranger")
    thumbs(service, [me], OLD)
    before = told(service, me)
    thumbs(service, others, OLD, NEW)
    after = told(service, me)
    assert NEW in before
    assert "readers" not in kinds(before[NEW])
    (lift,) = [part for part in after[NEW].parts if part.kind == "readers"]
    (votes,) = [part for part in after[NEW].parts if part.kind == "upvotes"]
    assert votes.name == str(LEAST)
    assert after[NEW].value > before[NEW].value + lift.value
    assert lift.name == pipeline.paper(service, OLD).title
    assert list(after).index(NEW) < list(before).index(NEW)
    sentence = next(
        row["reason"]
        for row in services.preview(service, me).json["papers"]
        if row["paper"] == pipeline.paper(service, NEW).name
    )  # type: ignore[attr-defined]
    assert "iked by readers who liked" in sentence
    assert "reader0" not in sentence
    assert "readers" not in kinds(told(service, stranger)[NEW])  # who likes nothing that they like


def test_one_reader_less_than_the_floor_is_as_if_nobody_had_said_anything(service: App) -> None:
    me, *others = joined(service, "me", *(f"reader{n}" for n in range(LEAST + 2)))
    thumbs(service, [me], OLD)
    silent = told(service, me)
    thumbs(service, others[: LEAST - 1], OLD, NEW)
    assert told(service, me) == silent
    thumbs(service, others[LEAST - 1 : LEAST], OLD)  # now enough like the one, and too few both
    assert told(service, me) == silent
    thumbs(service, others[LEAST - 1 : LEAST], NEW)
    assert told(service, me) != silent


def test_an_install_with_fewer_readers_than_the_floor_never_tells_of_others(service: App) -> None:
    me, *others = joined(service, "me", *(f"reader{n}" for n in range(LEAST)))
    thumbs(service, [me], OLD)
    silent = told(service, me)
    thumbs(service, others, OLD, NEW)
    heard = told(service, me)
    assert heard != silent
    for reader in others[:2]:
        subscriptions.pause(service, reader.id, paused=True)
    assert told(service, me) == silent


def test_who_has_left_no_longer_counts(service: App) -> None:
    me, *others = joined(service, "me", *(f"reader{n}" for n in range(LEAST)))
    joined(service, "more")
    thumbs(service, [me], OLD)
    silent = told(service, me)
    thumbs(service, others, OLD, NEW)
    subscriptions.unsubscribe(service, others[0].id)
    assert subscriptions.by_id(service, others[0].id).standing is SubscriberStatus.LEFT
    assert told(service, me) == silent


def test_thumbs_down_and_single_readers_lift_nothing(service: App) -> None:
    (me,) = joined(service, "me")
    thumbs(service, [me], OLD, OTHER)
    alone = told(service, me)
    assert all(
        "readers" not in kinds(score) and "upvotes" not in kinds(score) for score in alone.values()
    )
    others = joined(service, *(f"reader{n}" for n in range(LEAST)))
    thumbs(service, others, OLD, NEW, vote=-1)
    assert told(service, me) == alone


def test_the_floor_is_the_operator_s(tmp_path: Path, dump: Dump) -> None:
    app = make_app(tmp_path, digest__least_readers="2")
    pipeline.ingest(app, [dump(YESTERDAY), dump()], seen="name")
    me, *others = joined(app, "me", "reader0", "reader1")
    thumbs(app, [me], OLD)
    thumbs(app, others, OLD, NEW)
    assert "readers" in kinds(told(app, me)[NEW])
    app.close()
