"""Readers with hidden tastes, who read what the service sends them and give thumbs: a history to
evaluate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Link, Paper, Purpose, Subscriber, Vote
from digest.subscriptions import SubscriptionRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class FakeReader:
    """What a reader says of themselves, and what they really like."""

    request: SubscriptionRequest
    #: the hidden taste
    likes: Callable[[Paper], bool]
    #: how often a thumb goes up on a paper that they like and on one that they do not; how often
    #: the latter gets a thumb down
    up: float = 0.8
    by_mistake: float = 0.04
    down: float = 0.3
    #: how much of the attention is left from one place to the next
    patience: float = 1.0

    def vote(self, paper: Paper, position: int, random: np.random.Generator) -> Vote:
        looked, drawn = random.random(2)
        if looked > self.patience ** (position - 1):
            return 0
        if self.likes(paper):
            return 1 if drawn < self.up else 0
        return 1 if drawn < self.by_mistake else -1 if drawn < self.by_mistake + self.down else 0


def live(
    app: App,
    readers: Sequence[FakeReader],
    days: Iterable[tuple[date, Path]],
    *,
    late: Mapping[date, Path] | None = None,
    seed: int = 1,
) -> App:
    """Play the days: papers in at six, the round at noon, thumbs at six in the evening, and late
    papers of the same day at eight.

    Returns the app on the last evening.
    """
    people = [
        (one, subscriptions.subscribe(app, one.request, origin="command").subscriber)
        for one in readers
    ]
    for day, dump in days:
        assert not pipeline.ingest(_at(app, day, 6), [dump], seen="name").failed
        pipeline.round(_at(app, day, 12))
        app = _at(app, day, 18)
        for one, subscriber in people:
            _read(
                app,
                one,
                subscriber,
                day,
                np.random.default_rng([seed, subscriber.id, day.toordinal()]),
            )
        if late and day in late:
            assert not pipeline.ingest(_at(app, day, 20), [late[day]], seen=day).failed
    return app


def _read(
    app: App, one: FakeReader, subscriber: Subscriber, day: date, random: np.random.Generator
) -> None:
    try:
        digest, papers = services.sent_digest(app, subscriber, day)
    except NotFoundError:
        return  # a quiet day
    for item in digest.items:
        paper = papers[item.score.paper_id]
        vote = one.vote(paper, item.position, random)
        if vote:
            link = Link(
                purpose=Purpose.UP if vote > 0 else Purpose.DOWN,
                subscriber_id=subscriber.id,
                paper_id=paper.id,
            )
            pipeline.record_feedback(app, link.subscriber_id, link.paper_id, vote, via="mail")


def _at(app: App, day: date, hour: int) -> App:
    return app.at(datetime.combine(day, time(hour), UTC))


def holds(*words: str) -> Callable[[Paper], bool]:
    """A taste for papers whose title or abstract holds one of the words."""

    def likes(paper: Paper) -> bool:
        text = f"{paper.title} {paper.abstract}".casefold()
        return any(word in text for word in words)

    return likes


def within(*categories: str) -> Callable[[Paper], bool]:
    """A taste for papers whose first category is one of these, or below one of them."""

    def likes(paper: Paper) -> bool:
        return bool(paper.categories) and any(
            f"{paper.categories[0]}.".startswith(f"{name}.") for name in categories
        )

    return likes
