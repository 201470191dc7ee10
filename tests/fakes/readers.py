"""Simulated readers with hidden tastes, who rate what the service sends."""

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
    """A reader's subscription and hidden taste."""

    request: SubscriptionRequest
    #: the hidden taste
    likes: Callable[[Paper], bool]
    #: probability of a thumb up on a paper that they like
    up: float = 0.8
    #: probabilities of a thumb up and a thumb down on a paper that they do not like
    by_mistake: float = 0.04
    down: float = 0.3
    #: share of the attention that is left from one position to the next
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
    """Simulate the days: ingest at six, round at noon, votes at 18:00.

    Late papers come at 20:00.

    Returns:
        The app on the last evening.
    """
    people = [
        (reader, subscriptions.subscribe(app, reader.request, origin="command").subscriber)
        for reader in readers
    ]
    for day, dump in days:
        assert not pipeline.ingest(_at(app, day, 6), [dump], seen="name").failed
        pipeline.round(_at(app, day, 12))
        app = _at(app, day, 18)
        for reader, subscriber in people:
            _vote_on_digest(
                app,
                reader,
                subscriber,
                day,
                np.random.default_rng([seed, subscriber.id, day.toordinal()]),
            )
        if late and day in late:
            assert not pipeline.ingest(_at(app, day, 20), [late[day]], seen=day).failed
    return app


def _vote_on_digest(
    app: App, reader: FakeReader, subscriber: Subscriber, day: date, random: np.random.Generator
) -> None:
    try:
        digest, papers = services.sent_digest(app, subscriber, day)
    except NotFoundError:
        return  # a quiet day
    for item in digest.items:
        paper = papers[item.score.paper_id]
        vote = reader.vote(paper, item.position, random)
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
    """Return a taste for papers whose title or abstract holds one of the words."""

    def likes(paper: Paper) -> bool:
        text = f"{paper.title} {paper.abstract}".casefold()
        return any(word in text for word in words)

    return likes


def within(*categories: str) -> Callable[[Paper], bool]:
    """Return a taste for papers whose first category is one of these or below."""

    def likes(paper: Paper) -> bool:
        return bool(paper.categories) and any(
            f"{paper.categories[0]}.".startswith(f"{name}.") for name in categories
        )

    return likes
