"""Past digests replayed: every recipe ranks from what was known then.

Papers that came later and thumbs given later are left out, those of other readers too, and word
frequencies are counted up to the day. `LIMITATIONS` lists what cannot be undone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

from digest import store
from digest.app import App
from digest.evaluate.reconstruction import (
    PastState,
    WordFrequencies,
    load_batch_as_of,
    past_histories,
)
from digest.evaluate.reranking import (
    RatedDigest,
    ReplayedDigest,
    RerankTask,
    TrainedProfiles,
    rerank,
)
from digest.model import Feedback, MessageState
from digest.store.past import PastDigest

LIMITATIONS = (
    "interests, titles, abstracts, the sources' upvotes and withdrawals are as they are today, not "
    "as they were then",
    "a thumb that was changed or taken back counts as it stands now",
    "word vectors are today's, and so is an encoder: they know no thumb, but may have been trained "
    "on papers that came later",
)
#: for a corpus that is too large to be recounted
FREQUENCIES_LIMITATION = "the words' frequencies are today's"


def match_thumbs(
    past: Iterable[PastDigest], votes: Mapping[int, Sequence[Feedback]]
) -> list[RatedDigest]:
    """Return the digests that were accepted, with the thumbs that came after them.

    Args:
        past: digests and quiet days.
        votes: the thumbs of each reader, by subscriber id.
    """
    feedback = {
        (vote.subscriber_id, vote.paper_id): vote
        for reader_votes in votes.values()
        for vote in reader_votes
    }

    def vote_after(digest: PastDigest, paper_id: int) -> int:
        vote = feedback.get((digest.subscriber_id, paper_id))
        return vote.vote if vote is not None and vote.at >= digest.composed_at else 0

    return [
        RatedDigest(
            digest=digest,
            votes=tuple(vote_after(digest, item.paper_id) for item in digest.items),
        )
        for digest in past
        if digest.state is MessageState.ACCEPTED
    ]


def replay(
    app: App,
    rated_digests: Sequence[RatedDigest],
    past: Sequence[PastDigest],
    votes: Mapping[int, Sequence[Feedback]],
    progress: Callable[[int, int], None] | None = None,
) -> list[ReplayedDigest]:
    """Rank the papers of digests by every recipe.

    Args:
        rated_digests: the digests to replay, in the order in which they were composed.
        past: all digests and quiet days of these readers in that order; what was listed before
            did not compete again.
        votes: all thumbs of each reader, oldest first, by subscriber id.
        progress: called with the number of digests done and of all.
    """
    with app.store.reading() as tx:
        subscribers = store.subscribers.load(
            tx, {rated.digest.subscriber_id for rated in rated_digests}
        )
    state = PastState(subscribers=subscribers, histories=past_histories(past), votes=votes)
    frequencies = WordFrequencies(app)
    frozen: dict[int, TrainedProfiles] = {}
    replayed: list[ReplayedDigest] = []
    for (local_date, max_paper_id), batch in _group_by_corpus(rated_digests):
        context, candidates = load_batch_as_of(
            app,
            state,
            batch,
            local_date=local_date,
            max_paper_id=max_paper_id,
            frequencies=frequencies.up_to(max_paper_id),
        )
        tasks = [
            RerankTask(
                rated=rated,
                candidates=own_candidates,
                frozen=frozen.get(rated.digest.subscriber_id),
            )
            for rated, own_candidates in zip(batch, candidates, strict=True)
        ]
        rerank_all = partial(rerank, app.config.digest.recipe)
        results = app.threads.map(rerank_all, (((context,), task) for task in tasks))
        for task, (replayed_digest, newly_frozen) in zip(tasks, results, strict=True):
            if newly_frozen is not None:
                frozen[task.rated.digest.subscriber_id] = newly_frozen
            if replayed_digest is not None:
                replayed.append(replayed_digest)
        if progress:
            progress(len(replayed), len(rated_digests))
    return replayed


def _group_by_corpus(
    rated_digests: Sequence[RatedDigest],
) -> Iterator[tuple[tuple[date, int], list[RatedDigest]]]:
    """Group digests of one date with the same papers."""
    groups: dict[tuple[date, int], list[RatedDigest]] = defaultdict(list)
    for rated in rated_digests:
        groups[rated.digest.local_date, rated.digest.max_paper_id].append(rated)
    yield from groups.items()
