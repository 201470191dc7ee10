"""Rated digests -> how many papers got a thumb up, by position, slot and match."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from digest.evaluate import measures
from digest.evaluate.measures import Drawn, Estimate
from digest.evaluate.reranking import RatedDigest

#: explored papers that a rate is estimated from at least, and even draws that they must be worth
MIN_EXPLORED, MIN_EFFECTIVE = 30, 15
#: papers of about the same match that make a group
MATCH_GROUP = 20
#: positions in the mail that are shown one by one
POSITIONS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How many of some papers got a thumb up."""

    label: str
    estimate: Estimate
    #: the predicted rate, 0-1; None where nothing was predicted
    predicted: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exploration:
    """How often a paper drawn evenly from all that competed would be liked."""

    rate: Estimate
    #: effective sample size, in even draws
    effective: float
    enough: bool


def rate_by_position(rated_digests: Iterable[RatedDigest]) -> list[Rate]:
    votes: dict[int, list[int]] = defaultdict(list)
    for rated in rated_digests:
        for item, vote in zip(rated.digest.items, rated.votes, strict=True):
            votes[min(item.position, POSITIONS + 1)].append(vote)
    return [
        estimate_thumbs_up(
            str(position) if position <= POSITIONS else f"{POSITIONS + 1}+", votes[position]
        )
        for position in sorted(votes)
    ]


def rate_by_slot(rated_digests: Iterable[RatedDigest]) -> list[Rate]:
    votes: dict[str, list[int]] = {"normal": [], "pinned": [], "exploration": []}
    for rated in rated_digests:
        for item, vote in zip(rated.digest.items, rated.votes, strict=True):
            votes[item.slot].append(vote)
    return [
        estimate_thumbs_up(slot, slot_votes) for slot, slot_votes in votes.items() if slot_votes
    ]


def rate_by_match(rated_digests: Iterable[RatedDigest], own_recipe: str) -> list[Rate]:
    """Return the rate of thumbs up by the match that was shown.

    There are up to ten groups of about equal size; equal matches stay together. A match is the
    chance of a thumb up among rated papers, so papers without a thumb are left out, and so are
    those that version 0.1 listed with a word in place of a number.
    """
    rated_matches = sorted(
        (item.match, vote)
        for rated in rated_digests
        if rated.digest.provenance.recipe == own_recipe
        for item, vote in zip(rated.digest.items, rated.votes, strict=True)
        if vote
        and item.match is not None
        and item.slot == "normal"
        and item.team in ("", own_recipe)
    )
    least = max(MATCH_GROUP, math.ceil(len(rated_matches) / 10))
    groups: list[list[tuple[int, int]]] = []
    for _, equal_matches in groupby(rated_matches, key=lambda pair: pair[0]):
        if not groups or len(groups[-1]) >= least:
            groups.append([])
        groups[-1] += equal_matches
    if len(groups) > 1 and len(groups[-1]) < MATCH_GROUP:
        groups[-2:] = [groups[-2] + groups[-1]]
    return [
        estimate_thumbs_up(
            str(group[0][0]) if group[0][0] == group[-1][0] else f"{group[0][0]}-{group[-1][0]}",
            [vote for _, vote in group],
            sum(match for match, _ in group) / len(group) / 100,
        )
        for group in groups
    ]


def estimate_thumbs_up(label: str, votes: Sequence[int], predicted: float | None = None) -> Rate:
    """Estimate the share of papers with a thumb up; at least one paper."""
    estimate = measures.estimate_rate(votes.count(1), len(votes))
    return Rate(label=label, estimate=estimate, predicted=predicted)


def rate_exploration(rated_digests: Iterable[RatedDigest]) -> Exploration | None:
    """Estimate how often any competing paper is liked; None without exploration."""
    drawn = [
        Drawn(
            liked=vote == 1,
            probability=item.probability,
            candidates=max(rated.digest.provenance.candidates, 1),
        )
        for rated in rated_digests
        for item, vote in zip(rated.digest.items, rated.votes, strict=True)
        if item.slot == "exploration"
    ]
    if not drawn:
        return None
    rate, effective = measures.reweigh(drawn)
    enough = len(drawn) >= MIN_EXPLORED and effective >= MIN_EFFECTIVE
    return Exploration(rate=rate, effective=effective, enough=enough)
