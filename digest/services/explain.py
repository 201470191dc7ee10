"""Explain what the service has learned of a reader.

The profiles that rank for the reader are the source.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from digest import store
from digest.app import App
from digest.locales import gettext
from digest.model import Feedback, Paper, Score, Subscriber, Vote, name_wishes
from digest.pipeline.steps.corpus_view import (
    CorpusView,
    load_all_counts,
    load_rows,
    make_rows,
    open_view,
)
from digest.pipeline.steps.rated_shelf import RatedShelf
from digest.pipeline.steps.training_data import BatchRatings
from digest.pipeline.steps.word_counts import load_frequencies
from digest.ranking import features, profiles, recipes, scores
from digest.services.vector_index import VectorIndexCache

#: words shown on each side
MAX_WORDS = 12
#: papers whose words are looked at, the newest ones
MAX_PAPERS = 200
#: parts of a score that are looked at: all but the faintest
_MAX_PARTS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class WordEffect:
    """A word, and what it adds on average to the scores of rated papers."""

    word: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RatedPaper:
    """A paper that the service learned from.

    It was rated (1, -1) or given as an example (0).
    """

    paper: Paper
    vote: Vote
    #: when it was rated; None for an example
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeywordStrength:
    """A keyword that the reader wants, and what their thumbs leave of it, 0-1."""

    keyword: str
    strength: float
    #: whether it is a single word, which counts less beside ratings
    is_word: bool

    @property
    def sentence(self) -> str:
        """Say what thumbs down did to it; "" where they did nothing."""
        if self.strength >= 1:
            return ""
        if self.strength > 0:
            return gettext(
                "Your thumbs down weakened the keyword %(keyword)s.", keyword=self.keyword
            )
        return gettext(
            "Your thumbs down took all weight from the keyword %(keyword)s: papers are no longer "
            "listed for it.",
            keyword=self.keyword,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class InterestExplanation:
    """What was learned of one interest, or of all where the reader has only one."""

    #: "" where there is one
    interest: str
    #: its part of the digest, 0-1
    share: float
    #: what its ranking rests on: "trending", "keywords", "examples", "thumbs"
    step: str
    thumbs_up: int
    thumbs_down: int
    #: what else the reader has given: "keywords", "categories", "authors", "example papers", "own
    #: words"; what only mutes is left out
    given: tuple[str, ...]
    #: whether keywords, categories or authors are muted
    mutes: bool
    #: how much the words of keywords still count beside the thumbs, 0-1
    keywords_count: float
    #: the keywords that the reader wants, in order
    keywords: tuple[KeywordStrength, ...]
    words_for: tuple[WordEffect, ...]
    words_against: tuple[WordEffect, ...]
    #: best liked by the profile first
    papers: tuple[RatedPaper, ...]

    @property
    def json(self) -> dict[str, object]:
        return {
            "name": self.interest,
            "share": round(self.share, 4),
            "step": self.step,
            "thumbs_up": self.thumbs_up,
            "thumbs_down": self.thumbs_down,
            "given": list(self.given),
            "mutes": self.mutes,
            "keywords_count": round(self.keywords_count, 4),
            "keywords": [
                {"keyword": keyword.keyword, "strength": round(keyword.strength, 4)}
                for keyword in self.keywords
            ],
            "words_for": _words_json(self.words_for),
            "words_against": _words_json(self.words_against),
            "papers": [
                {
                    "paper": rated.paper.name,
                    "title": rated.paper.title,
                    "vote": rated.vote,
                    "at": rated.at and rated.at.isoformat(),
                }
                for rated in self.papers
            ],
        }


def _words_json(words: Sequence[WordEffect]) -> list[dict[str, object]]:
    return [{"word": effect.word, "value": round(effect.value, 6)} for effect in words]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileExplanation:
    """What was learned of a reader.

    It is computed from the profiles that rank; nothing is stored.
    """

    subscriber: Subscriber
    recipe: str
    interests: tuple[InterestExplanation, ...]
    thumbs_up: int
    thumbs_down: int

    @property
    def json(self) -> dict[str, object]:
        return {
            "email": self.subscriber.email,
            "recipe": self.recipe,
            "thumbs_up": self.thumbs_up,
            "thumbs_down": self.thumbs_down,
            "interests": [interest.json for interest in self.interests],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Corpus:
    """What the explanations of all readers have in common."""

    version: Hashable
    view: CorpusView
    background: profiles.Background


class CorpusCache:
    """Keeps what does not depend on the reader until papers come or the day ends.

    Threads may share one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._corpus: _Corpus | None = None
        #: for the search by meaning
        self.vectors = VectorIndexCache()

    def load(self, app: App, tx: store.Connection) -> _Corpus:
        """Load it, at most once for each version of the corpus and day."""
        version = (store.corpus.compute_version(tx), app.now().date())
        with self._lock:
            if self._corpus is None or self._corpus.version != version:
                self._corpus = _load_corpus(app, tx, version)
            return self._corpus


def _load_corpus(app: App, tx: store.Connection, version: Hashable) -> _Corpus:
    now = app.now()
    view = open_view(
        tx,
        now=now,
        until=now.date(),
        frequencies=load_frequencies(tx),
        encoder=app.config.features.encoder,
    )
    papers = store.papers.load(tx, view.recent)
    recent = [papers[ident] for ident in view.recent if ident in papers]
    background = profiles.Background.from_papers(
        recent, load_rows(tx, recent, view), view.space.frequencies
    )
    return _Corpus(version=version, view=view, background=background)


def explain_profile(
    app: App, subscriber: Subscriber, corpora: CorpusCache | None = None
) -> ProfileExplanation:
    """Explain what the next digest would be ranked by. Store nothing.

    Args:
        corpora: where the explanations of other readers may have left what all have in common.
    """
    with app.store.reading() as tx:
        corpus = (corpora or CorpusCache()).load(app, tx)
        # A shelf of its own: threads explain several readers at a time.
        view = replace(corpus.view, now=app.now(), shelf=RatedShelf())
        votes = store.feedback.load_votes(tx, [subscriber.id])
        ratings = BatchRatings(tx, [subscriber], votes, view)
        papers = {paper.id: paper for paper in ratings.papers.values() if not paper.withdrawn}
        rated = [papers[ident] for ident in sorted(papers)]
        word_counts = load_all_counts(tx, rated)
        rows = make_rows(tx, rated, word_counts, view)
    # Nothing that is shown is measured against recent papers, so the day has none.
    contributions = view.space.contributions(word_counts)
    day = scores.make_day(rated, rows, contributions=contributions)
    recipe = recipes.RECIPES[app.config.digest.recipe]
    trained = recipes.train(recipe, ratings.training_data(subscriber), corpus.background)
    votes_by_paper = {vote.paper_id: vote for vote in votes.get(subscriber.id, [])}
    counts = recipes.count_ratings(trained)
    shares = sum(profile.share for profile in trained)
    return ProfileExplanation(
        subscriber=subscriber,
        recipe=recipe.name,
        interests=tuple(
            _explain_interest(profile, profile.share / shares, day, ratings.papers, votes_by_paper)
            for profile in trained
        ),
        thumbs_up=counts["thumbs_up"],
        thumbs_down=counts["thumbs_down"],
    )


def profile_version(app: App, subscriber: Subscriber) -> Hashable:
    """Return a cache key for `explain_profile`: settings, thumbs, corpus and hour.

    Costs a few short queries, where `explain_profile` trains.
    """
    hour = app.now().replace(minute=0, second=0, microsecond=0)
    with app.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [subscriber.id]).get(subscriber.id, [])
        return (subscriber, tuple(votes), store.corpus.compute_version(tx), hour)


def _explain_interest(
    trained: recipes.TrainedProfile,
    share: float,
    day: scores.Day,
    papers: Mapping[int, Paper],
    votes: Mapping[int, Feedback],
) -> InterestExplanation:
    data = trained.data
    paper_ids = {
        ident
        for rated in (data.liked, data.disliked, data.examples)
        for ident in rated.paper_ids.tolist()
        if ident
    }
    newest = sorted(
        paper_ids,
        key=lambda ident: (ident in votes and votes[ident].at.timestamp(), ident),
        reverse=True,
    )[:MAX_PAPERS]
    explained = list(
        scores.explain(
            trained.profile,
            day,
            words_of=features.words_of,
            candidate_ids=newest,
            max_parts=_MAX_PARTS,
            words_alone=True,
        )
    )
    words = _word_effects(explained)
    rank = {score.paper_id: number for number, score in enumerate(explained)}
    best_first = sorted(paper_ids, key=lambda ident: (rank.get(ident, len(rank)), ident))
    ratings = len(data.liked.paper_ids) + profiles.EXAMPLE_WEIGHT * len(data.examples.paper_ids)
    return InterestExplanation(
        interest=trained.name,
        share=share,
        step=trained.profile.step,
        thumbs_up=len(data.liked.paper_ids),
        thumbs_down=len(data.disliked.paper_ids),
        given=_name_given(data),
        mutes=any(
            word.lstrip().startswith("-")
            for interest in data.interests
            for word in (*interest.keywords, *interest.categories, *interest.authors)
        ),
        keywords_count=profiles.keyword_fade(ratings),
        keywords=tuple(
            KeywordStrength(
                keyword=keyword.phrase.text,
                strength=keyword.strength,
                is_word=not profiles.has_several_words(keyword.phrase.text),
            )
            for keyword in trained.profile.keywords
            if not keyword.phrase.muted
        ),
        words_for=tuple(effect for effect in words if effect.value > 0)[:MAX_WORDS],
        words_against=tuple(effect for effect in reversed(words) if effect.value < 0)[:MAX_WORDS],
        papers=tuple(
            RatedPaper(
                paper=papers[ident],
                vote=votes[ident].vote if ident in votes else 0,
                at=votes[ident].at if ident in votes else None,
            )
            for ident in best_first
        ),
    )


def _name_given(data: profiles.TrainingData) -> tuple[str, ...]:
    """Name what a reader has given beside thumbs; example papers only where some are known."""
    is_text = data.examples.paper_ids == 0
    return (
        *name_wishes(data.interests),
        *(["example papers"] if not is_text.all() else []),
        *(["own words"] if is_text.any() else []),
    )


def _word_effects(explained: Sequence[Score]) -> list[WordEffect]:
    """Strongest first; a word that moves papers both ways counts with the difference."""
    sums: dict[str, float] = defaultdict(float)
    for score in explained:
        for part in score.parts:
            if part.kind == "word":
                sums[part.name.lower()] += part.value / len(explained)
    return sorted(
        (WordEffect(word=word, value=value) for word, value in sums.items()),
        key=lambda effect: (-effect.value, effect.word),
    )
