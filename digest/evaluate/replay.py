"""The past once more: each earlier digest's papers ranked by every recipe from what was known when
it was composed.

Papers that came later and thumbs given later are left out, of the reader and of all others; the
words' frequencies are counted up to then. What cannot be undone is in `REMAINS`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np

from digest import store
from digest.app import App
from digest.model import Feedback, MessageState, Subscriber
from digest.pipeline.steps.candidates import competing, window_start
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
from digest.ranking import features, recipes
from digest.ranking.recipes import RECIPES
from digest.ranking.shares import allocate_places
from digest.store.history import FAILED, History
from digest.store.past import PastDigest

#: the model that is learned once and never again, and the thumbs that it waits for
FROZEN, FIRST = "frozen", 5
#: the order of the mail itself
SENT = "sent"
#: papers up to which their words are counted anew for every day; beyond, today's frequencies serve
COUNTED = 300_000

REMAINS = (
    "interests, titles, abstracts, the sources' upvotes and withdrawals are as they are today, not "
    "as they were then",
    "a thumb that was changed or taken back counts as it stands now",
    "word vectors are today's, and so is an encoder: they know no thumb, but may have been trained "
    "on papers that came later",
)
#: where the corpus is too large to be counted anew
FREQUENCIES_REMAIN = "the words' frequencies are today's"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rated:
    """A digest that reached its reader, with the thumbs on it."""

    past: PastDigest
    #: 1, -1 or 0 for each item
    votes: tuple[int, ...]

    @property
    def ups(self) -> int:
        return self.votes.count(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """How every recipe would have ranked the papers of one digest."""

    subscriber_id: int
    local_date: date
    #: thumbs that the reader had given before
    known: int
    #: papers that competed
    candidates: int
    #: 1, -1 or 0 for each paper listed
    votes: tuple[int, ...]
    #: recipe -> the rank, from 1, of each paper listed among all that competed; SENT = its place in
    #: the mail
    ranks: Mapping[str, tuple[int, ...]]


def rated(past: Iterable[PastDigest], votes: Mapping[int, Sequence[Feedback]]) -> list[Rated]:
    """The digests that were accepted, with the thumbs that came after them."""
    given = {(v.subscriber_id, v.paper_id): v for some in votes.values() for v in some}
    found = []
    for one in past:
        if one.state is MessageState.ACCEPTED:
            thumbs = [given.get((one.subscriber_id, item.paper_id)) for item in one.items]
            found.append(
                Rated(
                    past=one,
                    votes=tuple(
                        v.vote if v is not None and v.at >= one.composed_at else 0 for v in thumbs
                    ),
                )
            )
    return found


def replay(
    app: App,
    wanted: Sequence[Rated],
    past: Sequence[PastDigest],
    votes: Mapping[int, Sequence[Feedback]],
    progress: Callable[[int, int], None] | None = None,
) -> list[Replayed]:
    """Rank the papers of every wanted digest by every recipe.

    Args:
        wanted: the digests, in the order in which they were composed.
        past: all digests and quiet days of these readers in that order, since what was listed
        before did not compete again.
        votes: all their thumbs, oldest first.
        progress: called with the number of digests done and of all.
    """
    with app.store.reading() as tx:
        people = store.subscribers.load(tx, {one.past.subscriber_id for one in wanted})
    before = _histories(past)
    words = _Words(app)
    frozen: dict[int, Learnt] = {}
    found: list[Replayed] = []
    for (local_date, max_paper_id), some in _together(wanted):
        now = min(one.past.composed_at for one in some)
        frequencies = words.up_to(max_paper_id)
        company = CoLikeContext(app, local_date, before=now)
        with app.store.reading() as tx:
            until, encoder = max(local_date, now.date()), app.config.features.encoder
            then = open_view(
                tx,
                now=now,
                until=until,
                frequencies=frequencies,
                max_paper_id=max_paper_id,
                least_readers=company.least_readers,
                encoder=encoder,
            )
        shared, readers = _as_then(app, then, local_date, some, people, before, votes, company)
        work = [
            _Task(rated=one, reader=reader, frozen=frozen.get(one.past.subscriber_id))
            for one, reader in zip(some, readers, strict=True)
        ]
        for task, (replayed, kept) in zip(
            work,
            app.workers.map(partial(_rank, app.config.digest.recipe), shared, work),
            strict=True,
        ):
            if kept is not None:
                frozen[task.reader.reader.subscriber.id] = kept
            if replayed is not None:
                found.append(replayed)
        if progress:
            progress(len(found), len(wanted))
    return found


def _together(wanted: Sequence[Rated]) -> Iterator[tuple[tuple[date, int], list[Rated]]]:
    """Digests of one date from the same papers: what is made once for a batch of readers is made
    once here too.
    """
    groups: dict[tuple[date, int], list[Rated]] = defaultdict(list)
    for one in wanted:
        groups[one.past.local_date, one.past.max_paper_id].append(one)
    yield from groups.items()


def _histories(past: Sequence[PastDigest]) -> dict[tuple[int, date], History]:
    """What was listed for a reader before the digest of a date, and up to which paper."""
    now: dict[int, History] = {}
    found: dict[tuple[int, date], History] = {}
    for one in past:
        before = now.get(one.subscriber_id, History())
        found[one.subscriber_id, one.local_date] = before
        if one.state not in FAILED:
            arrived = one.state is MessageState.ACCEPTED and not one.bounced
            now[one.subscriber_id] = History(
                arrived=one.cutoff if arrived else before.arrived,
                listed=before.listed | {item.paper_id for item in one.items},
            )
    return found


class _Words:
    """Word frequencies of the papers stored up to an id that only rises."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.counted = 0
        with app.store.reading() as tx:
            self.whole = store.papers.count_vectors(tx, features.VERSION) <= COUNTED
            self.now = features.Frequencies() if self.whole else load_frequencies(tx)

    def up_to(self, max_paper_id: int) -> features.Frequencies:
        if self.whole and max_paper_id > self.counted:
            with self.app.store.reading() as tx:
                self.now = count_frequencies(
                    tx,
                    store.past.iterate_vectors(tx, features.VERSION, self.counted, max_paper_id),
                    self.now,
                )
            self.counted = max_paper_id
        return self.now


def recounted(app: App) -> bool:
    """Whether the corpus is small enough for its words to be counted anew."""
    with app.store.reading() as tx:
        return store.papers.count_vectors(tx, features.VERSION) <= COUNTED


def _as_then(
    app: App,
    seen: CorpusView,
    local_date: date,
    some: Sequence[Rated],
    people: Mapping[int, Subscriber],
    before: Mapping[tuple[int, date], History],
    votes: Mapping[int, Sequence[Feedback]],
    company: CoLikeContext,
) -> tuple[BatchContext, list[Candidates]]:
    """What the batch was ranked from."""
    window_days = app.config.digest.window_days
    after = {
        one.past.subscriber_id: window_start(
            people[one.past.subscriber_id],
            before[one.past.subscriber_id, local_date].arrived,
            local_date,
            window_days,
        )
        for one in some
    }
    until = max(local_date, seen.now.date())
    given = {
        one.past.subscriber_id: [
            v for v in votes.get(one.past.subscriber_id, []) if v.at < one.past.composed_at
        ]
        for one in some
    }
    boosts = company.boosts_of_readers([given[one.past.subscriber_id] for one in some])
    with app.store.reading() as tx:
        days = store.past.load_first_seen(tx, min(after.values()), until, seen.max_paper_id or 0)
        ratings = BatchRatings(
            tx,
            [people[one.past.subscriber_id] for one in some],
            given,
            seen,
            app.config.digest.ignored_weight,
        )
        readers = []
        for one, own_boosts in zip(some, boosts, strict=True):
            subscriber = people[one.past.subscriber_id]
            history = before[subscriber.id, local_date]
            rated_ids = frozenset(ratings.rated_ids(subscriber))
            reader = TrainedReader(
                subscriber=subscriber,
                rated_ids=rated_ids,
                training_data=ratings.training_data(subscriber, own_boosts),
            )
            among = competing(history, days, after[subscriber.id], rated_ids | history.listed) | {
                item.paper_id for item in one.past.items
            }
            readers.append(Candidates(reader=reader, paper_ids=among))
        shared = load_batch_context(
            tx,
            sorted({ident for reader in readers for ident in reader.paper_ids}),
            local_date,
            seen,
        )
    return shared, readers


# ---------------------------------------------------------------------------------------------- one
# digest


#: a profile of each of a reader's interests, or one
Learnt = tuple[recipes.TrainedProfile, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    rated: Rated
    reader: Candidates
    frozen: Learnt | None


def _rank(own: str, shared: BatchContext, task: _Task) -> tuple[Replayed | None, Learnt | None]:
    """Pure, so that it may run anywhere; and the profiles that are frozen from here on, where there
    are some.
    """
    known = task.reader.reader.training_data
    items = [
        number
        for number, item in enumerate(task.rated.past.items)
        if item.paper_id in shared.papers
    ]
    listed = [task.rated.past.items[number].paper_id for number in items]
    learned = {
        name: recipes.train(recipe, known, shared.background) for name, recipe in RECIPES.items()
    }
    thumbs = len(known.liked.paper_ids) + len(known.disliked.paper_ids)
    kept = task.frozen or (recipes.drop_training_data(learned[own]) if thumbs >= FIRST else None)

    def ranks(recipe: str, those: Learnt) -> tuple[int, ...]:
        place = {
            ident: rank
            for rank, ident in enumerate(
                _order(RECIPES[recipe], those, shared, task.reader), start=1
            )
        }
        return tuple(place[ident] for ident in listed)

    if not listed:
        return None, kept
    found = {name: ranks(name, those) for name, those in learned.items()}
    found[FROZEN] = ranks(own, kept or learned[own])
    found[SENT] = tuple(task.rated.past.items[number].position for number in items)
    replayed = Replayed(
        subscriber_id=task.reader.reader.subscriber.id,
        local_date=shared.local_date,
        known=thumbs,
        candidates=len(task.reader.paper_ids & shared.papers.keys()),
        votes=tuple(task.rated.votes[number] for number in items),
        ranks=found,
    )
    return replayed, kept


def _order(
    recipe: recipes.Recipe, learned: Learnt, shared: BatchContext, reader: Candidates
) -> list[int]:
    """The competing papers as a digest would list them: of several interests, first those in the
    places that each has by its share.
    """
    if (
        len(learned) == 1
    ):  # the same order as that of `recipes.rank`, without a score for every paper
        ids = shared.day.ids[: shared.day.competing]
        among = np.flatnonzero(
            np.isin(ids, np.fromiter(reader.paper_ids, dtype=np.int64, count=len(reader.paper_ids)))
        )
        values = recipe.score(learned[0].profile, shared.day)[among]
        return list(map(int, ids[among][np.lexsort((ids[among], -values))]))
    ranked = list(recipes.rank(recipe, learned, shared.day, reader.paper_ids))
    size = reader.reader.subscriber.size
    shares = {one.name: one.share for one in learned}
    left = Counter(allocate_places(size, shares, Counter(score.interest for score in ranked)))
    placed: set[int] = set()
    for score in ranked:
        if left[score.interest] > 0:
            left[score.interest] -= 1
            placed.add(score.paper_id)
    others = [score.paper_id for score in ranked if score.paper_id not in placed]
    room = max(size - len(placed), 0)
    listed = placed.union(others[:room])
    return [score.paper_id for score in ranked if score.paper_id in listed] + others[room:]
