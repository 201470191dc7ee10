"""Digests that two recipes shared -> which of them readers liked more, and how sure that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.evaluate import measures
from digest.evaluate.measures import Estimate
from digest.evaluate.replay import Rated

#: p of the sign test below which a difference is called sure
SURE = 0.05
#: wins and losses below which nothing is said
DECIDED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Thumbs on shared digests: `wins` are the other recipe's, `losses` are those where the
    service's own was liked more.
    """

    own: str
    other: str
    readers: int
    #: shared digests with a thumb on them
    digests: int
    #: "readers" or "digests": what wins and loses
    unit: str
    wins: int
    losses: int
    ties: int
    #: two-sided, of the exact sign test over wins and losses
    p: float
    #: thumbs (up less down) for the other recipe's papers less those for the own one's, a digest
    lead: Estimate

    @property
    def decided(self) -> bool:
        """Whether there is enough to judge by, and it is sure."""
        return self.wins + self.losses >= DECIDED and self.p < SURE

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
        if self.wins + self.losses < DECIDED:
            return (
                f"Too little to compare {self.own} with {self.other}: {self.wins + self.losses} "
                f"{self.unit} with a winner; {DECIDED} are the least."
            )
        if self.decided:
            advice = (
                f' Set [digest] recipe = "{better}".'
                if better == self.other
                else f" Keep {self.own}."
            )
            return f"On shared digests readers liked the papers of {better} more: {counts}.{advice}"
        return f"On shared digests {self.own} and {self.other} cannot be told apart yet: {counts}."


def compare(rated: Iterable[Rated]) -> list[Comparison]:
    """A comparison for each pair of recipes that shared digests, the pair that shared
    last first."""
    pairs: dict[tuple[str, str], list[tuple[Rated, int]]] = defaultdict(list)
    for one in rated:
        own, other = one.past.provenance.recipe, one.past.provenance.recipe_b
        if other and any(item.team for item in one.past.items) and any(one.votes):
            lead = sum(
                vote * _side(item.team, own, other)
                for vote, item in zip(one.votes, one.past.items, strict=True)
            )
            pairs[own, other].append((one, lead))
    latest = sorted(
        pairs.items(),
        key=lambda pair: max(one.past.composed_at for one, _ in pair[1]),
        reverse=True,
    )
    return [_compare(own, other, some) for (own, other), some in latest]


def _side(team: str, own: str, other: str) -> int:
    return {own: -1, other: 1}.get(team, 0)


def _compare(own: str, other: str, some: Sequence[tuple[Rated, int]]) -> Comparison:
    by_reader: dict[int, list[int]] = defaultdict(list)
    for one, lead in some:
        by_reader[one.past.subscriber_id].append(lead)
    unit = "readers" if len(by_reader) >= measures.READERS else "digests"
    leads = (
        [sum(those) / len(those) for those in by_reader.values()]
        if unit == "readers"
        else [float(lead) for _, lead in some]
    )
    wins, losses = sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)
    return Comparison(
        own=own,
        other=other,
        readers=len(by_reader),
        digests=len(some),
        unit=unit,
        wins=wins,
        losses=losses,
        ties=len(leads) - wins - losses,
        p=measures.sign_test(wins, losses),
        lead=measures.mean(leads),
    )
