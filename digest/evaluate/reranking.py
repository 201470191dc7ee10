"""One past digest ranked again by every recipe; pure, so workers can run it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from digest.pipeline.steps.choose_digests import Candidates, rules_for
from digest.pipeline.steps.corpus_view import BatchContext
from digest.pipeline.steps.draw_line import draw_line
from digest.ranking import recipes, selection
from digest.ranking.calibration import PRIOR, Calibration
from digest.ranking.recipes import RECIPES
from digest.ranking.shares import allocate_places
from digest.store.past import PastDigest

#: the service's own recipe, but trained once with a reader's first thumbs, and how many these are
FROZEN, FROZEN_THUMBS = "frozen", 5
#: the order of the mail itself
SENT = "sent"

#: a profile of each of a reader's interests, or one
TrainedProfiles = tuple[recipes.TrainedProfile, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RatedDigest:
    """A digest that reached its reader, with the thumbs on it."""

    digest: PastDigest
    #: 1, -1 or 0 for each item
    votes: tuple[int, ...]

    @property
    def thumbs_up(self) -> int:
        return self.votes.count(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayedDigest:
    """How every recipe would have ranked the papers of one digest."""

    subscriber_id: int
    local_date: date
    #: thumbs that the reader had given before
    earlier_thumbs: int
    #: papers that competed
    candidates: int
    #: 1, -1 or 0 for each listed paper
    votes: tuple[int, ...]
    #: recipe -> rank of each listed paper among all that competed, from 1; SENT -> its position
    #: in the mail
    ranks: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class RerankTask:
    """What one digest is ranked again from."""

    rated: RatedDigest
    candidates: Candidates
    #: the profiles of `FROZEN`, once there are some
    frozen: TrainedProfiles | None


def rerank(
    own_recipe: str, shared: tuple[BatchContext], task: RerankTask
) -> tuple[ReplayedDigest | None, TrainedProfiles | None]:
    """Rank the papers of one digest by every recipe.

    Returns:
        The digest, None where none of its papers is stored any more; and the profiles that are
        frozen from here on, where there are some.
    """
    (context,) = shared
    data = task.candidates.reader.training_data
    weights = task.rated.digest.provenance.weights
    calibration = Calibration(weights=weights) if weights else PRIOR
    stored = [
        (item, vote)
        for item, vote in zip(task.rated.digest.items, task.rated.votes, strict=True)
        if item.paper_id in context.papers
    ]
    trained = {
        name: recipes.train(recipe, data, context.background) for name, recipe in RECIPES.items()
    }
    thumbs = len(data.liked.paper_ids) + len(data.disliked.paper_ids)
    frozen = task.frozen
    if frozen is None and thumbs >= FROZEN_THUMBS:
        frozen = recipes.drop_training_data(trained[own_recipe])

    def rank_listed(recipe: str, profiles: TrainedProfiles) -> tuple[int, ...]:
        order = _order_candidates(RECIPES[recipe], profiles, context, task.candidates, calibration)
        rank_of = {paper_id: rank for rank, paper_id in enumerate(order, start=1)}
        return tuple(rank_of[item.paper_id] for item, _ in stored)

    if not stored:
        return None, frozen
    ranks = {name: rank_listed(name, profiles) for name, profiles in trained.items()}
    ranks[FROZEN] = rank_listed(own_recipe, frozen or trained[own_recipe])
    ranks[SENT] = tuple(item.position for item, _ in stored)
    replayed = ReplayedDigest(
        subscriber_id=task.candidates.reader.subscriber.id,
        local_date=context.local_date,
        earlier_thumbs=thumbs,
        candidates=len(task.candidates.paper_ids & context.papers.keys()),
        votes=tuple(vote for _, vote in stored),
        ranks=ranks,
    )
    return replayed, frozen


def _order_candidates(
    recipe: recipes.Recipe,
    trained: TrainedProfiles,
    context: BatchContext,
    candidates: Candidates,
    calibration: Calibration,
) -> list[int]:
    """Return the ids of competing papers in the order of a digest.

    Of several interests, the papers in the places that each has by its share come first.
    """
    subscriber = candidates.reader.subscriber
    rules = rules_for(selection.Rules(), context, candidates)
    rules, _, mixed = draw_line(
        subscriber.strictness, trained, rules, candidates.paper_ids, context.day
    )
    ranked = list(
        recipes.rank(
            recipe,
            trained,
            context.day,
            candidates.paper_ids,
            calibration=calibration,
            line=rules.line,
            mixed=mixed,
        )
    )
    if len(trained) == 1:
        return [score.paper_id for score in ranked]
    size = candidates.reader.subscriber.size
    shares = {profile.name: profile.share for profile in trained}
    available = Counter(score.interest for score in ranked)
    places_left = Counter(allocate_places(size, shares, available))
    placed: set[int] = set()
    for score in ranked:
        if places_left[score.interest] > 0:
            places_left[score.interest] -= 1
            placed.add(score.paper_id)
    others = [score.paper_id for score in ranked if score.paper_id not in placed]
    room = max(size - len(placed), 0)
    listed = placed.union(others[:room])
    return [score.paper_id for score in ranked if score.paper_id in listed] + others[room:]
