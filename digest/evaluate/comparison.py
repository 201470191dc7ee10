"""Replayed digests -> how well each recipe ranked, and a learning curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digest.evaluate import measures
from digest.evaluate.measures import Estimate
from digest.evaluate.reranking import FROZEN, SENT, ReplayedDigest
from digest.ranking.recipes import RECIPES

#: name of the row of shuffled papers
CHANCE = "chance"
#: digests that a point of the learning curve needs at least
MIN_CURVE_DIGESTS = 5
#: thumbs that a reader had given before a digest, for the learning curve: (least, most, label)
THUMB_RANGES = (
    (0, 0, "0"),
    (1, 4, "1-4"),
    (5, 9, "5-9"),
    (10, 19, "10-19"),
    (20, 49, "20-49"),
    (50, 10**9, "50+"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How well one recipe ranked the papers that were in the mails."""

    name: str
    about: str
    ndcg: Estimate
    #: the own recipe's nDCG less this one's, digest by digest; None for the own recipe itself
    ahead: Estimate | None
    #: mean reciprocal rank of the first liked paper
    reciprocal: Estimate
    #: share of the pairs of a liked and a disliked paper of one digest in the right order
    auc: Estimate
    #: nDCG among all papers that competed, None where it means nothing
    among_all: Estimate | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A point of the learning curve: nDCG of digests after so many thumbs."""

    thumbs: str
    #: by recipe
    ndcg: Mapping[str, Estimate]


def choose_unit(replayed: Sequence[ReplayedDigest]) -> str:
    """Return what intervals treat as independent: "readers", or "digests" for few."""
    readers = {digest.subscriber_id for digest in replayed}
    return "readers" if len(readers) >= measures.READERS else "digests"


def compare_recipes(replayed: Sequence[ReplayedDigest], own_recipe: str) -> list[Row]:
    """Return a row for each recipe, for the mails themselves and for chance."""
    own_ndcg = _average_by_unit(replayed, [_ndcg(digest, own_recipe) for digest in replayed])
    rows = []
    for name in (own_recipe, *(name for name in RECIPES if name != own_recipe), FROZEN, SENT):
        ndcg = _average_by_unit(replayed, [_ndcg(digest, name) for digest in replayed])
        among_all = [
            measures.ndcg(_ranks_of(digest.votes, digest.ranks[name], 1)) for digest in replayed
        ]
        reciprocal = [measures.reciprocal(_liked_ranks(digest, name)) for digest in replayed]
        rows.append(
            Row(
                name=name,
                about=_describe(name, own_recipe),
                ndcg=measures.mean(ndcg),
                ahead=None if name == own_recipe else _mean_lead(own_ndcg, ndcg),
                reciprocal=measures.mean(_average_by_unit(replayed, reciprocal)),
                auc=measures.mean(_aucs(replayed, name)),
                among_all=None
                if name == SENT
                else measures.mean(_average_by_unit(replayed, among_all)),
            )
        )
    return [*rows, _chance_row(replayed, own_ndcg)]


def _describe(name: str, own_recipe: str) -> str:
    if name in RECIPES:
        return RECIPES[name].about
    if name == FROZEN:
        return f"{own_recipe}, but taught by each reader's first thumbs alone"
    return "the order in the mails, which readers see from the top"


def _chance_row(replayed: Sequence[ReplayedDigest], own_ndcg: Sequence[float]) -> Row:
    sizes = [(digest.votes.count(1), len(digest.votes)) for digest in replayed]
    ndcg = _average_by_unit(replayed, [measures.chance_ndcg(*size) for size in sizes])
    reciprocal = [measures.chance_reciprocal(*size) for size in sizes]
    among_all = [
        measures.chance_ndcg(digest.votes.count(1), digest.candidates) for digest in replayed
    ]
    return Row(
        name=CHANCE,
        about="shuffled, on average",
        ndcg=measures.mean(ndcg),
        ahead=_mean_lead(own_ndcg, ndcg),
        reciprocal=measures.mean(_average_by_unit(replayed, reciprocal)),
        auc=measures.mean([0.5 for _ in _aucs(replayed, SENT)]),
        among_all=measures.mean(_average_by_unit(replayed, among_all)),
    )


def _mean_lead(own: Sequence[float], other: Sequence[float]) -> Estimate:
    return measures.mean(
        [own_value - other_value for own_value, other_value in zip(own, other, strict=True)]
    )


def _average_by_unit(replayed: Sequence[ReplayedDigest], values: Sequence[float]) -> list[float]:
    """Return one value for each unit: each digest's, or each reader's mean."""
    if choose_unit(replayed) == "digests":
        return list(values)
    by_reader: dict[int, list[float]] = defaultdict(list)
    for digest, value in zip(replayed, values, strict=True):
        by_reader[digest.subscriber_id].append(value)
    return [sum(own_values) / len(own_values) for own_values in by_reader.values()]


def _ndcg(digest: ReplayedDigest, name: str) -> float:
    return measures.ndcg(_liked_ranks(digest, name))


def _liked_ranks(digest: ReplayedDigest, name: str) -> list[int]:
    """Return the ranks of the liked papers among the listed ones, from 1."""
    order = sorted(digest.ranks[name])
    among_listed = [order.index(rank) + 1 for rank in digest.ranks[name]]
    return _ranks_of(digest.votes, among_listed, 1)


def _ranks_of(votes: Sequence[int], ranks: Sequence[int], vote: int) -> list[int]:
    return [rank for own_vote, rank in zip(votes, ranks, strict=True) if own_vote == vote]


def _aucs(replayed: Sequence[ReplayedDigest], name: str) -> list[float]:
    """Return an AUC for each unit with a liked and a disliked paper in one digest."""
    counts: dict[object, list[tuple[int, int]]] = defaultdict(list)
    by_reader = choose_unit(replayed) == "readers"
    for number, digest in enumerate(replayed):
        ranks = digest.ranks[name]
        liked, disliked = _ranks_of(digest.votes, ranks, 1), _ranks_of(digest.votes, ranks, -1)
        concordant, pairs = measures.count_concordant(liked, disliked)
        if pairs:
            unit = digest.subscriber_id if by_reader else number
            counts[unit].append((concordant, pairs))
    return [
        sum(concordant for concordant, _ in of_unit) / sum(pairs for _, pairs in of_unit)
        for of_unit in counts.values()
    ]


def learning_curve(replayed: Sequence[ReplayedDigest], own_recipe: str) -> list[Step]:
    """Return how the own recipe, interests alone and chance did, by earlier thumbs."""
    steps = []
    for least, most, label in THUMB_RANGES:
        digests = [digest for digest in replayed if least <= digest.earlier_thumbs <= most]
        if len(digests) >= MIN_CURVE_DIGESTS:
            ndcg = {
                name: measures.mean([_ndcg(digest, name) for digest in digests])
                for name in dict.fromkeys((own_recipe, "keywords"))
            }
            ndcg[CHANCE] = measures.mean(
                [
                    measures.chance_ndcg(digest.votes.count(1), len(digest.votes))
                    for digest in digests
                ]
            )
            steps.append(Step(thumbs=label, ndcg=ndcg))
    return steps
