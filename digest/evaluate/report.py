"""The report of an evaluation, and its verdict in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from digest.evaluate import measures
from digest.evaluate.comparison import CHANCE, Row, Step
from digest.evaluate.rates import MIN_EFFECTIVE, MIN_EXPLORED, Exploration, Rate
from digest.evaluate.reranking import SENT
from digest.evaluate.teams import Comparison
from digest.locales import count_noun
from digest.ranking.recipes import RECIPES

#: thumbs up and replayed digests below which there is no verdict: a handful can look like anything
MIN_THUMBS_UP, MIN_DIGESTS = 20, 5
#: field -> its key in the JSON report, where they differ
_JSON_KEYS = {"predicted": "foretold", "estimate": "rate"}


@dataclass(kw_only=True, slots=True)
class Report:
    """How well the recipes rank, on an operator's own history."""

    #: the service's own recipe
    own: str
    #: readers with thumbs in all, and those that were evaluated
    raters: int
    readers: int
    #: on the digests that were evaluated
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
        """The report as plain values; what is not known is null."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        for number, comparison in enumerate(self.comparisons):
            plain["comparisons"][number] |= {
                "decided": comparison.decided,
                "verdict": comparison.verdict,
            }
        plain["made"] = {
            "resamples": measures.RESAMPLES,
            "seed": measures.SEED,
            "ndcg_at": measures.TOP,
            "confidence": 0.95,
        }
        json: dict[str, Any] = _to_json(plain)
        return json


def _to_json(value: Any) -> Any:
    """Rename keys for JSON, and replace numbers that are not finite by None."""
    if isinstance(value, dict):
        return {_JSON_KEYS.get(key, key): _to_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_to_json(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_verdict(report: Report) -> str:
    """Return one sentence, or two where something is better than the own recipe."""
    thumbs = count_noun(report.thumbs_up + report.thumbs_down, "thumb")
    readers, replayed = (
        count_noun(report.readers, "reader"),
        count_noun(report.replayed, "digest"),
    )
    if not report.enough:
        return (
            f"Too little to judge by: {count_noun(report.thumbs_up, 'thumb')} up in {replayed}. "
            f"With about {MIN_THUMBS_UP} in at least {MIN_DIGESTS} digests there is something to "
            f"say."
        )
    own = report.rows[0]
    leads = {
        row.name: row.ahead for row in report.rows if row.ahead is not None and row.name != SENT
    }
    lead_on_chance = leads.pop(CHANCE)
    figures = (
        f"nDCG@{measures.TOP} {own.ndcg.value:.2f}, shuffled papers "
        f"{own.ndcg.value - lead_on_chance.value:.2f}"
    )
    start = f"On {thumbs} of {readers} over {replayed}"
    if lead_on_chance.high < 0:
        return (
            f"{start}, {own.name} ranks worse than chance ({figures}): what readers like is at the "
            f"bottom of their mails."
        )
    if not lead_on_chance.low > 0:
        return f"{start}, {own.name} cannot be told from chance ({figures})."
    better = [name for name, lead in leads.items() if lead.high < 0]
    beaten = [name for name, lead in leads.items() if lead.low > 0]
    level = [name for name in leads if name not in better and name not in beaten]
    verdict = f"{start}, {own.name} puts what readers like above what they pass over ({figures})"
    if beaten:
        verdict += f"; it beats {_join(beaten)}"
    if level:
        verdict += f"{';' if beaten else '; it'} cannot be told from {_join(level)}"
    if not better:
        return verdict + "."
    best = min(better, key=lambda name: leads[name].value)
    advice = (
        f'try [evaluate] recipe_b = "{best}".'
        if best in RECIPES
        else "learning anew did not help here."
    )
    return f"{verdict}. But {_join(better)} did better: {advice}"


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def describe_exploration(exploration: Exploration | None) -> str:
    """Describe what the exploration slot says; "" where it was never used."""
    if exploration is None:
        return ""
    rate = exploration.rate
    drawn = count_noun(rate.units, "paper")
    if not exploration.enough:
        return (
            f"Exploration: {drawn} drawn so far, worth {exploration.effective:.0f} even draws; "
            f"{MIN_EXPLORED} worth {MIN_EFFECTIVE} are the least."
        )
    return (
        f"A paper drawn evenly from all that competed would get a thumb up {100 * rate.value:.0f} "
        f"% of the time ({100 * rate.low:.0f} to {100 * rate.high:.0f} %), by "
        f"{drawn} drawn for exploration, weighed by the probability of each."
    )
