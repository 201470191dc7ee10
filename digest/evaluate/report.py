"""What was replayed and counted -> a report: a sentence of verdict, the figures behind it, and what
they cannot say.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

import msgspec

from digest.evaluate import measures
from digest.evaluate.measures import Drawn, Estimate
from digest.evaluate.replay import FROZEN, SENT, Rated, Replayed
from digest.evaluate.teams import Comparison
from digest.ranking.recipes import RECIPES

#: thumbs up and replayed digests below which nothing is said: a handful can look like anything
THUMBS_UP, DIGESTS = 20, 5
#: papers drawn for exploration below which their rate is not worked out, and even draws that they
#: must be worth
DRAWN, EFFECTIVE = 30, 15
#: papers of about the same match that make a group
GROUP = 20
#: positions in the mail that are shown one by one
POSITIONS = 10
CHANCE = "chance"
#: thumbs that a reader had given before a digest, for the curve of learning: (least, most, label)
STEPS = (
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
    reciprocal: Estimate
    #: share of the pairs of a liked and a disliked paper of one digest that are in the right order
    auc: Estimate
    #: nDCG among all papers that competed, None where it means nothing
    among_all: Estimate | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How many of some papers got a thumb up."""

    label: str
    rate: Estimate
    #: what was foretold for them, 0-1, None where nothing was
    foretold: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """nDCG of some recipes over the digests before which the reader had given so many thumbs."""

    thumbs: str
    ndcg: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exploration:
    """Papers that were drawn: how often one drawn evenly from all that competed would be liked."""

    rate: Estimate
    #: how many even draws they are worth
    effective: float
    enough: bool


@dataclass(kw_only=True, slots=True)
class Report:
    """Is it any good?"""

    own: str
    #: readers with thumbs in all, and those looked at
    raters: int
    readers: int
    #: on the digests looked at
    thumbs_up: int
    thumbs_down: int
    #: digests that reached these readers, and those of them that were replayed
    digests: int
    replayed: int
    since: date | None
    until: date | None
    #: "readers" or "digests": what the intervals of the rows treat as independent
    unit: str = "digests"
    enough: bool = False
    verdict: str = ""
    rows: list[Row] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    positions: list[Rate] = field(default_factory=list)
    slots: list[Rate] = field(default_factory=list)
    matches: list[Rate] = field(default_factory=list)
    exploration: Exploration | None = None
    comparisons: list[Comparison] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)

    @property
    def json(self) -> dict[str, Any]:
        """Plain values; what is not known is null."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        for number, one in enumerate(self.comparisons):
            plain["comparisons"][number] |= {"decided": one.decided, "verdict": one.verdict}
        plain["made"] = {
            "resamples": measures.RESAMPLES,
            "seed": measures.SEED,
            "ndcg_at": measures.TOP,
            "confidence": 0.95,
        }
        finite: dict[str, Any] = _finite(plain)
        return finite


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ----------------------------------------------------------------------------------------------
# recipes


def unit_of(replayed: Sequence[Replayed]) -> str:
    return (
        "readers" if len({one.subscriber_id for one in replayed}) >= measures.READERS else "digests"
    )


def compare_recipes(replayed: Sequence[Replayed], own: str) -> list[Row]:
    """A row for each recipe: the service's own, the others, the mails themselves, and chance."""
    reference = _units(replayed, [_ndcg(one, own) for one in replayed])
    found = []
    for name in (own, *(name for name in RECIPES if name != own), FROZEN, SENT):
        ndcg = _units(replayed, [_ndcg(one, name) for one in replayed])
        all_of_them = _units(
            replayed, [measures.ndcg(_where(one.votes, one.ranks[name], 1)) for one in replayed]
        )
        found.append(
            Row(
                name=name,
                about=_about(name, own),
                ndcg=measures.mean(ndcg),
                ahead=None if name == own else _ahead(reference, ndcg),
                reciprocal=measures.mean(
                    _units(replayed, [measures.reciprocal(_liked(one, name)) for one in replayed])
                ),
                auc=measures.mean(_aucs(replayed, name)),
                among_all=None if name == SENT else measures.mean(all_of_them),
            )
        )
    return [*found, _chance(replayed, reference)]


def _about(name: str, own: str) -> str:
    if name in RECIPES:
        return RECIPES[name].about
    if name == FROZEN:
        return f"{own}, but taught by each reader's first thumbs alone"
    return "the order in the mails, which readers see from the top"


def _chance(replayed: Sequence[Replayed], reference: Sequence[float]) -> Row:
    sizes = [(one.votes.count(1), len(one.votes)) for one in replayed]
    ndcg = _units(replayed, [measures.chance_ndcg(*size) for size in sizes])
    half = [0.5 for _ in _aucs(replayed, SENT)]
    return Row(
        name=CHANCE,
        about="shuffled, on average",
        ndcg=measures.mean(ndcg),
        ahead=_ahead(reference, ndcg),
        reciprocal=measures.mean(
            _units(replayed, [measures.chance_reciprocal(*size) for size in sizes])
        ),
        auc=measures.mean(half),
        among_all=measures.mean(
            _units(
                replayed,
                [measures.chance_ndcg(one.votes.count(1), one.candidates) for one in replayed],
            )
        ),
    )


def _ahead(reference: Sequence[float], other: Sequence[float]) -> Estimate:
    return measures.mean([ours - theirs for ours, theirs in zip(reference, other, strict=True)])


def _units(replayed: Sequence[Replayed], values: Sequence[float]) -> list[float]:
    """One value for each independent unit: the digests', or the mean of each reader's."""
    if unit_of(replayed) == "digests":
        return list(values)
    readers: dict[int, list[float]] = defaultdict(list)
    for one, value in zip(replayed, values, strict=True):
        readers[one.subscriber_id].append(value)
    return [sum(some) / len(some) for some in readers.values()]


def _ndcg(one: Replayed, name: str) -> float:
    return measures.ndcg(_liked(one, name))


def _liked(one: Replayed, name: str) -> list[int]:
    return _where(one.votes, _listed(one, name), 1)


def _listed(one: Replayed, name: str) -> list[int]:
    """The ranks, from 1, among the papers listed alone."""
    order = sorted(one.ranks[name])
    return [order.index(rank) + 1 for rank in one.ranks[name]]


def _where(votes: Sequence[int], ranks: Sequence[int], vote: int) -> list[int]:
    return [rank for given, rank in zip(votes, ranks, strict=True) if given == vote]


def _aucs(replayed: Sequence[Replayed], name: str) -> list[float]:
    """One for each unit with a liked and a disliked paper in one digest."""
    counts: dict[object, list[tuple[int, int]]] = defaultdict(list)
    by_reader = unit_of(replayed) == "readers"
    for number, one in enumerate(replayed):
        ranks = one.ranks[name]
        good, pairs = measures.concordant(_where(one.votes, ranks, 1), _where(one.votes, ranks, -1))
        if pairs:
            counts[one.subscriber_id if by_reader else number].append((good, pairs))
    return [
        sum(good for good, _ in some) / sum(pairs for _, pairs in some) for some in counts.values()
    ]


def learning(replayed: Sequence[Replayed], own: str) -> list[Step]:
    """How well the own recipe, interests alone and chance did, by the thumbs that the reader had
    given before.
    """
    found = []
    for least, most, label in STEPS:
        some = [one for one in replayed if least <= one.known <= most]
        if len(some) >= DIGESTS:
            names = dict.fromkeys((own, "keywords"))
            ndcg = {name: measures.mean([_ndcg(one, name) for one in some]) for name in names}
            ndcg[CHANCE] = measures.mean(
                [measures.chance_ndcg(one.votes.count(1), len(one.votes)) for one in some]
            )
            found.append(Step(thumbs=label, ndcg=ndcg))
    return found


# ----------------------------------------------------------------------------------------------
# rates


def by_position(rated: Iterable[Rated]) -> list[Rate]:
    groups: dict[int, list[int]] = defaultdict(list)
    for one in rated:
        for item, vote in zip(one.past.items, one.votes, strict=True):
            groups[min(item.position, POSITIONS + 1)].append(vote)
    return [
        _rate(str(place) if place <= POSITIONS else f"{POSITIONS + 1}+", groups[place])
        for place in sorted(groups)
    ]


def by_slot(rated: Iterable[Rated]) -> list[Rate]:
    groups: dict[str, list[int]] = {"normal": [], "pinned": [], "exploration": []}
    for one in rated:
        for item, vote in zip(one.past.items, one.votes, strict=True):
            groups[item.slot].append(vote)
    return [_rate(slot, votes) for slot, votes in groups.items() if votes]


def by_match(rated: Iterable[Rated], own: str) -> list[Rate]:
    """Thumbs by the match of papers that the own recipe chose by their score: up to ten groups of
    about equal size, equal matches together.

    Papers that were listed with a word in place of a match are left out, and so are those that got
    no thumb: a match is the chance of a thumb up among rated papers.
    """
    known = sorted(
        (item.match, vote)
        for one in rated
        if one.past.provenance.recipe == own
        for item, vote in zip(one.past.items, one.votes, strict=True)
        if vote and item.match is not None and item.slot == "normal" and item.team in ("", own)
    )
    least = max(GROUP, math.ceil(len(known) / 10))
    groups: list[list[tuple[int, int]]] = []
    for _, some in groupby(known, key=lambda pair: pair[0]):
        if not groups or len(groups[-1]) >= least:
            groups.append([])
        groups[-1] += some
    if len(groups) > 1 and len(groups[-1]) < GROUP:
        groups[-2:] = [groups[-2] + groups[-1]]
    return [
        _rate(
            str(group[0][0]) if group[0][0] == group[-1][0] else f"{group[0][0]}-{group[-1][0]}",
            [vote for _, vote in group],
            sum(match for match, _ in group) / len(group) / 100,
        )
        for group in groups
    ]


def _rate(label: str, votes: Sequence[int], foretold: float | None = None) -> Rate:
    return Rate(label=label, rate=measures.wilson(votes.count(1), len(votes)), foretold=foretold)


def explored(rated: Iterable[Rated]) -> Exploration | None:
    """What the papers of the exploration slot say of all that competed; None where
    there were none."""
    drawn = [
        Drawn(
            liked=vote == 1,
            probability=item.probability,
            candidates=max(one.past.provenance.candidates, 1),
        )
        for one in rated
        for item, vote in zip(one.past.items, one.votes, strict=True)
        if item.slot == "exploration"
    ]
    if not drawn:
        return None
    rate, effective = measures.reweighed(drawn)
    return Exploration(
        rate=rate, effective=effective, enough=len(drawn) >= DRAWN and effective >= EFFECTIVE
    )


# ---------------------------------------------------------------------------------------------- the
# verdict


def verdict(report: Report) -> str:
    """One sentence, or two where something is better than what the service does."""
    thumbs = f"{report.thumbs_up + report.thumbs_down} thumbs"
    whose = f"{report.readers} {'reader' if report.readers == 1 else 'readers'}"
    if not report.enough:
        return (
            f"Too little to judge by: {report.thumbs_up} thumbs up in {report.replayed} digests. "
            f"With about {THUMBS_UP} in at least {DIGESTS} digests there is something to say."
        )
    own = report.rows[0]
    against = {
        row.name: row.ahead for row in report.rows if row.ahead is not None and row.name != SENT
    }
    chance = against.pop(CHANCE)
    level = (
        f"nDCG@{measures.TOP} {own.ndcg.value:.2f}, shuffled papers "
        f"{own.ndcg.value - chance.value:.2f}"
    )
    head = f"On {thumbs} of {whose} over {report.replayed} digests"
    if chance.high < 0:
        return (
            f"{head}, {own.name} ranks worse than chance ({level}): what readers like is at the "
            f"bottom of their mails."
        )
    if not chance.low > 0:
        return f"{head}, {own.name} cannot be told from chance ({level})."
    better = [name for name, ahead in against.items() if ahead.high < 0]
    beaten = [name for name, ahead in against.items() if ahead.low > 0]
    level_with = [name for name in against if name not in better and name not in beaten]
    told = f"{head}, {own.name} puts what readers like above what they pass over ({level})"
    told += f"; it beats {_list(beaten)}" if beaten else ""
    told += (
        f"{';' if beaten else '; it'} cannot be told from {_list(level_with)}" if level_with else ""
    )
    if better:
        name = min(better, key=lambda one: against[one].value)
        told += f". But {_list(better)} did better: "
        told += (
            f'try [evaluate] recipe_b = "{name}".'
            if name in RECIPES
            else "learning anew did not help here."
        )
        return told
    return told + "."


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def exploration_told(found: Exploration | None) -> str:
    """What the exploration slot says, in a sentence; "" where it never was used."""
    if found is None:
        return ""
    if not found.enough:
        return (
            f"Exploration: {found.rate.units} papers drawn so far, worth {found.effective:.0f} "
            f"even draws; {DRAWN} worth {EFFECTIVE} are the least."
        )
    rate = found.rate
    return (
        f"A paper drawn evenly from all that competed would get a thumb up {100 * rate.value:.0f} "
        f"% of the time ({100 * rate.low:.0f} to "
        f"{100 * rate.high:.0f} %), by {rate.units} papers drawn for exploration, weighed by the "
        f"probability of each."
    )
