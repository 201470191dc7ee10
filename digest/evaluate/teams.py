"""Interleaved digests of two recipes -> which one readers liked more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.evaluate import measures
from digest.evaluate.measures import Estimate
from digest.evaluate.reranking import RatedDigest

#: p of the sign test below which a difference is significant
SIGNIFICANT = 0.05
#: wins and losses that a verdict needs at least
MIN_DECIDED = 6


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
            advice = (
                f' Set [digest] recipe = "{better}".'
                if better == self.other
                else f" Keep {self.own}."
            )
            return f"On shared digests readers liked the papers of {better} more: {counts}.{advice}"
        return f"On shared digests {self.own} and {self.other} cannot be told apart yet: {counts}."


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
    )
