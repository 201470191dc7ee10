"""What was known when a past digest was composed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from digest import store
from digest.app import App
from digest.evaluate.reranking import RatedDigest
from digest.model import Feedback, MessageState, Subscriber
from digest.pipeline.steps.candidates import DayPapers, competing, find_window
from digest.pipeline.steps.choose_digests import Candidates
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.corpus_view import (
    BatchContext,
    CorpusView,
    load_batch_context,
    open_view,
)
from digest.pipeline.steps.trained_readers import TrainedReader
from digest.pipeline.steps.training_data import BatchRatings
from digest.pipeline.steps.word_counts import count_frequencies, load_frequencies
from digest.ranking import features
from digest.store.history import FAILED, History
from digest.store.past import PastDigest

#: stored papers up to which words are recounted for every day; beyond, today's frequencies are used
MAX_RECOUNTED_PAPERS = 300_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PastState:
    """The readers of the digests that are replayed, and all that they did."""

    #: by subscriber id
    subscribers: Mapping[int, Subscriber]
    #: subscriber id, local date -> what had been listed before
    histories: Mapping[tuple[int, date], History]
    #: all thumbs of each reader, oldest first, by subscriber id
    votes: Mapping[int, Sequence[Feedback]]

    def votes_before(self, digest: PastDigest) -> list[Feedback]:
        """Return the thumbs that its reader had given when a digest was composed."""
        votes = self.votes.get(digest.subscriber_id, [])
        return [vote for vote in votes if vote.at < digest.composed_at]

    def history_before(self, digest: PastDigest) -> History:
        """Return what had been listed for its reader before a digest."""
        return self.histories[digest.subscriber_id, digest.local_date]


def past_histories(past: Sequence[PastDigest]) -> dict[tuple[int, date], History]:
    """Return what had been listed before each digest, by subscriber id and date.

    Args:
        past: all digests and quiet days, in the order in which they were composed.
    """
    current: dict[int, History] = {}
    histories: dict[tuple[int, date], History] = {}
    for digest in past:
        before = current.get(digest.subscriber_id, History())
        histories[digest.subscriber_id, digest.local_date] = before
        if digest.state not in FAILED:
            arrived = digest.state is MessageState.ACCEPTED and not digest.bounced
            current[digest.subscriber_id] = History(
                arrived=digest.cutoff if arrived else before.arrived,
                listed=before.listed | {item.paper_id for item in digest.items},
            )
    return histories


def can_recount_words(app: App) -> bool:
    """Return whether the corpus is small enough for its words to be recounted."""
    with app.store.reading() as tx:
        return store.papers.count_vectors(tx, features.VERSION) <= MAX_RECOUNTED_PAPERS


class WordFrequencies:
    """Word frequencies of the papers up to an id that only rises."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._counted_up_to = 0
        self._recounts = can_recount_words(app)
        self._frequencies = features.Frequencies()
        if not self._recounts:
            with app.store.reading() as tx:
                self._frequencies = load_frequencies(tx)

    def up_to(self, max_paper_id: int) -> features.Frequencies:
        """Return the frequencies of papers up to an id; today's in a large corpus."""
        if self._recounts and max_paper_id > self._counted_up_to:
            with self._app.store.reading() as tx:
                vectors = store.past.iterate_vectors(
                    tx, features.VERSION, self._counted_up_to, max_paper_id
                )
                self._frequencies = count_frequencies(tx, vectors, self._frequencies)
            self._counted_up_to = max_paper_id
        return self._frequencies


def load_batch_as_of(
    app: App,
    state: PastState,
    batch: Sequence[RatedDigest],
    *,
    local_date: date,
    max_paper_id: int,
    frequencies: features.Frequencies,
) -> tuple[BatchContext, list[Candidates]]:
    """Load what the digests of a batch were ranked from, when they were composed.

    Args:
        batch: digests of one date, from the same papers.
        max_paper_id: the newest paper that was stored.
        frequencies: word frequencies of the papers up to it.
    """
    now = min(rated.digest.composed_at for rated in batch)
    co_likes = CoLikeContext(app, local_date, before=now)
    with app.store.reading() as tx:
        view = open_view(
            tx,
            now=now,
            until=max(local_date, now.date()),
            frequencies=frequencies,
            max_paper_id=max_paper_id,
            least_readers=co_likes.least_readers,
            encoder=app.config.features.encoder,
        )
    return _load_candidates(app, state, batch, view, co_likes)


def _load_candidates(
    app: App,
    state: PastState,
    batch: Sequence[RatedDigest],
    view: CorpusView,
    co_likes: CoLikeContext,
) -> tuple[BatchContext, list[Candidates]]:
    local_date = batch[0].digest.local_date
    subscribers = {
        rated.digest.subscriber_id: state.subscribers[rated.digest.subscriber_id] for rated in batch
    }
    window_days = app.config.digest.window_days
    windows = {
        rated.digest.subscriber_id: find_window(
            subscribers[rated.digest.subscriber_id],
            state.history_before(rated.digest).arrived,
            local_date,
            window_days,
        )
        for rated in batch
    }
    votes = {rated.digest.subscriber_id: state.votes_before(rated.digest) for rated in batch}
    boosts = co_likes.boosts_of_readers([votes[rated.digest.subscriber_id] for rated in batch])
    with app.store.reading() as tx:
        first_seen = store.past.load_first_seen(
            tx,
            min(window.new_after for window in windows.values()),
            max(local_date, view.now.date()),
            view.max_paper_id or 0,
        )
        papers = DayPapers(first_seen)
        ratings = BatchRatings(
            tx, [*subscribers.values()], votes, view, app.config.digest.ignored_weight
        )
        candidates = []
        for rated, own_boosts in zip(batch, boosts, strict=True):
            subscriber = subscribers[rated.digest.subscriber_id]
            history = state.history_before(rated.digest)
            rated_ids = frozenset(ratings.rated_ids(subscriber))
            reader = TrainedReader(
                subscriber=subscriber,
                rated_ids=rated_ids,
                training_data=ratings.training_data(subscriber, own_boosts),
            )
            paper_ids = competing(
                history, papers, windows[subscriber.id], rated_ids | history.listed
            )
            listed_ids = {item.paper_id for item in rated.digest.items}
            candidates.append(Candidates(reader=reader, paper_ids=paper_ids | listed_ids))
        all_ids = sorted({paper_id for own in candidates for paper_id in own.paper_ids})
        context = load_batch_context(tx, all_ids, local_date, view)
    return context, candidates
