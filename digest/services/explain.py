"""learned: what the service has learned of a reader, as the profile says that ranks for them; and
how to make it forget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from digest import presses, store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Button, Feedback, Paper, Press, Score, Subscriber, Vote
from digest.pipeline.steps.paper_names import look_up_all
from digest.pipeline.steps.training_data import (
    BatchContext,
    TrainingReader,
    load_batch_context,
    view,
)
from digest.pipeline.steps.word_counts import load_frequencies
from digest.ranking import features, profiles, recipes, scores

#: words told on each side, and papers whose words are looked at, the newest ones
WORDS, LOOKED_AT = 12, 200
#: parts of a score that are looked at: all but the faintest
_PARTS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word, and what it adds on average to the scores of the papers that the reader rated."""

    name: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A paper that the service learned from: rated (1, -1), or given as an example (0)."""

    paper: Paper
    vote: Vote
    #: when it was rated; None for an example
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Taste:
    """What was learned of one interest, or of all there is where the reader has one."""

    #: "" where there is one
    interest: str
    #: its part of the digest, 0-1
    share: float
    #: step of the ladder that its ranking stands on: "trending", "keywords", "examples", "thumbs"
    step: str
    thumbs_up: int
    thumbs_down: int
    #: what the words of keywords still count beside the thumbs, 0-1
    keywords_count: float
    words_for: tuple[Word, ...]
    words_against: tuple[Word, ...]
    #: those that the profile likes most first
    papers: tuple[Evidence, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileExplanation:
    """All that was learned of a reader; computed from the profiles that rank for them, nothing is
    remembered beside.
    """

    subscriber: Subscriber
    recipe: str
    tastes: tuple[Taste, ...]
    thumbs_up: int
    thumbs_down: int

    @property
    def json(self) -> dict[str, object]:
        return {
            "email": self.subscriber.email,
            "recipe": self.recipe,
            "thumbs_up": self.thumbs_up,
            "thumbs_down": self.thumbs_down,
            "interests": [
                {
                    "name": one.interest,
                    "share": round(one.share, 4),
                    "step": one.step,
                    "thumbs_up": one.thumbs_up,
                    "thumbs_down": one.thumbs_down,
                    "keywords_count": round(one.keywords_count, 4),
                    "words_for": [
                        {"word": word.name, "value": round(word.value, 6)} for word in one.words_for
                    ],
                    "words_against": [
                        {"word": word.name, "value": round(word.value, 6)}
                        for word in one.words_against
                    ],
                    "papers": [
                        {
                            "paper": each.paper.name,
                            "title": each.paper.title,
                            "vote": each.vote,
                            "at": each.at and each.at.isoformat(),
                        }
                        for each in one.papers
                    ],
                }
                for one in self.tastes
            ],
        }


def explain_profile(app: App, subscriber: Subscriber) -> ProfileExplanation:
    """What the next digest would be ranked by. Stores nothing."""
    now = app.now()
    with app.store.reading() as tx:
        looked = view(
            tx,
            now=now,
            until=now.date(),
            frequencies=load_frequencies(tx),
            encoder=app.config.features.encoder,
        )
        votes = store.feedback.load_votes(tx, [subscriber.id])
        gathered = TrainingReader(tx, [subscriber], votes, looked)
        rated = gathered.seen(subscriber)
        shared = load_batch_context(tx, sorted(rated), now.date(), looked)
    known = gathered.reader(subscriber, frozenset(rated), frozenset()).training_data
    recipe = recipes.RECIPES[app.config.digest.recipe]
    each = recipes.train(recipe, known, shared.background)
    given = {vote.paper_id: vote for vote in votes.get(subscriber.id, [])}
    counted = recipes.count_ratings(each)
    whole = sum(one.share for one in each)
    return ProfileExplanation(
        subscriber=subscriber,
        recipe=recipe.name,
        tastes=tuple(
            _taste(one, one.share / whole, shared, gathered.papers, given) for one in each
        ),
        thumbs_up=counted["thumbs_up"],
        thumbs_down=counted["thumbs_down"],
    )


def profile_version(app: App, subscriber: Subscriber) -> Hashable:
    """Return a cache key for `explain_profile`: settings, thumbs, corpus and hour.

    Costs a few short queries, where `explain_profile` trains.
    """
    hour = app.now().replace(minute=0, second=0, microsecond=0)
    with app.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [subscriber.id]).get(subscriber.id, [])
        return (subscriber, tuple(votes), store.corpus.compute_version(tx), hour)


def _taste(
    one: recipes.TrainedProfile,
    share: float,
    shared: BatchContext,
    papers: dict[int, Paper],
    given: dict[int, Feedback],
) -> Taste:
    known = one.data
    ids = [
        ident
        for some in (known.liked, known.disliked, known.examples)
        for ident in some.paper_ids.tolist()
        if ident
    ]
    newest = sorted(
        set(ids),
        key=lambda ident: (ident in given and given[ident].at.timestamp(), ident),
        reverse=True,
    )[:LOOKED_AT]
    told = list(
        scores.explain(
            one.profile, shared.day, words_of=features.words_of, among=newest, shown=_PARTS
        )
    )
    words = _words(told)
    order = {score.paper_id: place for place, score in enumerate(told)}
    return Taste(
        interest=one.name,
        share=share,
        step=one.profile.step,
        thumbs_up=len(known.liked.paper_ids),
        thumbs_down=len(known.disliked.paper_ids),
        keywords_count=profiles.keyword_fade(
            len(known.liked.paper_ids) + profiles.EXAMPLE_WEIGHT * len(known.examples.paper_ids)
        ),
        words_for=tuple(word for word in words if word.value > 0)[:WORDS],
        words_against=tuple(word for word in reversed(words) if word.value < 0)[:WORDS],
        papers=tuple(
            Evidence(
                paper=papers[ident],
                vote=given[ident].vote if ident in given else 0,
                at=given[ident].at if ident in given else None,
            )
            for ident in sorted(set(ids), key=lambda ident: (order.get(ident, len(order)), ident))
        ),
    )


def _words(told: Sequence[Score]) -> list[Word]:
    """Strongest first; a word that moves papers both ways counts with the difference."""
    sums: dict[str, float] = defaultdict(float)
    for score in told:
        for part in score.parts:
            if part.kind == "word":
                sums[part.name.lower()] += part.value / len(told)
    return sorted(
        (Word(name=name, value=value) for name, value in sums.items()),
        key=lambda word: (-word.value, word.name),
    )


# ----------------------------------------------------------------------------------------------
# forgetting


def forget(app: App, subscriber_id: int, paper_id: int, *, via: str) -> bool:
    """Withdraw the reader's thumb on a paper, and take it from the examples of all their interests;
    False where there was neither.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """
    with app.store.writing() as tx:
        subscriber = store.subscribers.find(tx, subscriber_id)
        found = store.papers.load(tx, [paper_id]).get(paper_id)
        if subscriber is None or found is None:
            raise NotFoundError("the reader or the paper is no longer stored")
        given = Feedback(
            subscriber_id=subscriber_id, paper_id=found.id, vote=0, at=app.now(), via=via
        )
        stands = any(
            vote.paper_id == found.id
            for vote in store.feedback.load_votes(tx, [subscriber_id]).get(subscriber_id, [])
        )
        if stands:
            store.feedback.save(tx, given)
        names = _names_of(tx, subscriber, found.id)
        if names:
            without = [
                replace(one, papers=tuple(name for name in one.papers if name not in names))
                for one in subscriber.interests
            ]
            kept = tuple(one for one in without if not one.empty)
            store.subscribers.overwrite(tx, replace(subscriber, interests=kept), now=app.now())
    return stands or bool(names)


def _names_of(tx: store.Connection, subscriber: Subscriber, paper_id: int) -> set[str]:
    """By which names the reader gave the paper as an example."""
    names: Iterable[str] = {name for interest in subscriber.interests for name in interest.papers}
    return {name for name, idents in look_up_all(tx, list(names)).items() if paper_id in idents[:1]}


def start_over(app: App, subscriber_id: int, *, via: str, form: str = "") -> int:
    """Withdraw all thumbs of a reader; returns how many stood.

    They stay in the store as withdrawn, and teach nothing any more.

    Args:
        via: the door it came through.
        form: the mark of a page, which forgets once: posted again it leaves later thumbs alone.

    Raises:
        NotFoundError: the reader is not stored.
    """
    with app.store.writing() as tx:
        if store.subscribers.find(tx, subscriber_id) is None:
            raise NotFoundError(f"no subscriber {subscriber_id}; the row was deleted")
        if form:
            press = Press(button=Button.RESTART, at=app.now(), form=form)
            if (
                store.presses.record(
                    tx, subscriber_id, press, forget_before=app.now() - presses.KEPT_FOR
                )
                is None
            ):
                return 0
        return store.feedback.withdraw_all(tx, subscriber_id, at=app.now(), via=via)
