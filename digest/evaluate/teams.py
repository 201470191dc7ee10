"""Interleaved digests of two recipes -> which one readers liked more."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.evaluate import measures
from digest.evaluate.measures import Estimate
from digest.evaluate.reranking import RatedDigest
from digest.ranking.recipes import RECIPES

#: p of the sign test below which a difference is significant
SIGNIFICANT = 0.05
#: wins and losses that a verdict needs at least
MIN_DECIDED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamCounts:
    """What one side of a comparison listed, and the thumbs that it got for it."""

    name: str
    #: papers
    listed: int
    thumbs_up: int
    thumbs_down: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Thumbs on interleaved digests of the service's own and another recipe."""

    own: str
    other: str
    readers: int
    #: shared digests with a thumb on them
    digests: int
    #: "readers" or "digests": what wins and loses
    unit: str
    #: where the other recipe was liked more, and where the own one was
    wins: int
    losses: int
    ties: int
    #: two-sided p of the exact sign test over wins and losses
    p: float
    #: thumbs (up less down) on the other recipe's papers less those on the own one's, per digest
    lead: Estimate
    #: what each listed in these digests, the own recipe first
    listed: tuple[TeamCounts, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether there is enough to judge by, and the difference is significant."""
        return self.wins + self.losses >= MIN_DECIDED and self.p < SIGNIFICANT

    @property
    def verdict(self) -> str:
        better, worse = (
            (self.other, self.own) if self.wins > self.losses else (self.own, self.other)
        )
        most, least = max(self.wins, self.losses), min(self.wins, self.losses)
        counts = (
            f"{better} won {most} {self.unit}, {worse} {least}, {self.ties} tied (sign test p = "
            f"{self.p:.2g})"
        )
        if self.wins + self.losses < MIN_DECIDED:
            return (
                f"Too little to compare {self.own} with {self.other}: {self.wins + self.losses} "
                f"{self.unit} with a winner; {MIN_DECIDED} are the least."
            )
        if self.decided:
            advice = f" Keep {self.own}."
            if better == self.other:
                # a recommender of others is no recipe that could be set
                is_recipe = better in RECIPES
                advice = f' Set [digest] recipe = "{better}".' if is_recipe else ""
            return f"On shared digests readers liked the papers of {better} more: {counts}.{advice}"
        return f"On shared digests {self.own} and {self.other} cannot be told apart yet: {counts}."

    @property
    def counts(self) -> str:
        """What each side listed and got, and by how much the other one leads."""
        sides = [
            f"{side.name}: {side.listed} papers listed, {side.thumbs_up} thumbs up, "
            f"{side.thumbs_down} down"
            for side in self.listed
        ]
        lead = f"{self.other} leads by {self.lead.value:+.2f} thumbs per digest"
        if not math.isnan(self.lead.low):
            lead += f" [{self.lead.low:+.2f}, {self.lead.high:+.2f}]"
        return "; ".join((*sides, lead))


def compare(rated_digests: Iterable[RatedDigest]) -> list[Comparison]:
    """Compare each pair of recipes that shared digests, the latest pair first."""
    pairs: dict[tuple[str, str], list[tuple[RatedDigest, int]]] = defaultdict(list)
    for rated in rated_digests:
        own, other = rated.digest.provenance.recipe, rated.digest.provenance.recipe_b
        if other and any(item.team for item in rated.digest.items) and any(rated.votes):
            lead = sum(
                vote * _team_sign(item.team, own, other)
                for vote, item in zip(rated.votes, rated.digest.items, strict=True)
            )
            pairs[own, other].append((rated, lead))
    latest = sorted(
        pairs.items(),
        key=lambda pair: max(rated.digest.composed_at for rated, _ in pair[1]),
        reverse=True,
    )
    return [_compare_pair(own, other, leads) for (own, other), leads in latest]


def _team_sign(team: str, own: str, other: str) -> int:
    return {own: -1, other: 1}.get(team, 0)


def _compare_pair(
    own: str, other: str, rated_leads: Sequence[tuple[RatedDigest, int]]
) -> Comparison:
    by_reader: dict[int, list[int]] = defaultdict(list)
    for rated, lead in rated_leads:
        by_reader[rated.digest.subscriber_id].append(lead)
    unit = "readers" if len(by_reader) >= measures.READERS else "digests"
    leads = (
        [sum(own_leads) / len(own_leads) for own_leads in by_reader.values()]
        if unit == "readers"
        else [float(lead) for _, lead in rated_leads]
    )
    wins, losses = sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)
    return Comparison(
        own=own,
        other=other,
        readers=len(by_reader),
        digests=len(rated_leads),
        unit=unit,
        wins=wins,
        losses=losses,
        ties=len(leads) - wins - losses,
        p=measures.sign_test(wins, losses),
        lead=measures.mean(leads),
        listed=tuple(_count_team(name, rated_leads) for name in (own, other)),
    )


def _count_team(name: str, rated_leads: Sequence[tuple[RatedDigest, int]]) -> TeamCounts:
    votes = [
        vote
        for rated, _ in rated_leads
        for vote, item in zip(rated.votes, rated.digest.items, strict=True)
        if item.team == name
    ]
    return TeamCounts(
        name=name, listed=len(votes), thumbs_up=votes.count(1), thumbs_down=votes.count(-1)
    )
