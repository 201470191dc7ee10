"""From replayed digests to the report: units, rows, groups and the verdict.

The histories are made by hand.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.cli.evaluate import evaluate
from digest.evaluate import comparison, history, measures, rates, report
from digest.evaluate.comparison import CHANCE, Row
from digest.evaluate.measures import Estimate
from digest.evaluate.pages import draw_pictures, format_estimate
from digest.evaluate.rates import Exploration
from digest.evaluate.report import Report
from digest.evaluate.reranking import FROZEN, SENT, RatedDigest, ReplayedDigest
from digest.model import MessageState, Provenance, Slot
from digest.ranking.recipes import RECIPES
from digest.store.past import PastDigest, PastItem

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def make_replayed(
    reader: int, votes: Sequence[int], day: int = 0, earlier_thumbs: int = 0, **ranks: Sequence[int]
) -> ReplayedDigest:
    """Make a replayed digest; recipes that are not given rank as sent."""
    sent = tuple(range(1, len(votes) + 1))
    return ReplayedDigest(
        subscriber_id=reader,
        local_date=DAY + timedelta(days=day),
        earlier_thumbs=earlier_thumbs,
        candidates=100,
        votes=tuple(votes),
        ranks={name: tuple(ranks.get(name, sent)) for name in (*RECIPES, FROZEN, SENT)},
    )


def make_rated(
    votes: Sequence[int],
    matches: Sequence[int | None] = (),
    slots: Sequence[Slot] = (),
    probability: float = 1.0,
    **provenance: str,
) -> RatedDigest:
    items = tuple(
        PastItem(
            position=n + 1,
            paper_id=n + 1,
            match=matches[n] if matches else 50,
            slot=slots[n] if slots else "normal",
            probability=probability if slots and slots[n] == "exploration" else 1.0,
            team="",
        )
        for n in range(len(votes))
    )
    past = PastDigest(
        subscriber_id=1,
        local_date=DAY,
        composed_at=NOON,
        max_paper_id=9,
        provenance=Provenance(model="thumbs", features="f", candidates=50, at=NOON, **provenance),
        state=MessageState.ACCEPTED,
        items=items,
    )
    return RatedDigest(digest=past, votes=tuple(votes))


# ----------------------------------------------------------------------------------------------
# rows


def test_a_recipe_is_measured_on_listed_papers_by_their_order_among_all_candidates() -> None:
    digests = [
        make_replayed(1, (1, 0, -1), day, words=(70, 5, 80), recent=(90, 80, 7)) for day in range(6)
    ]
    rows = {row.name: row for row in comparison.compare_recipes(digests, "learned")}
    assert rows["learned"].ndcg.value == 1
    assert rows["words"].ndcg.value == pytest.approx(
        1 / math.log2(3)
    )  # the liked paper is second of three
    assert rows["recent"].ndcg.value == pytest.approx(1 / 2)
    assert [
        rows[name].reciprocal.value for name in ("learned", "words", "recent")
    ] == pytest.approx([1, 1 / 2, 1 / 3])
    assert [rows[name].auc.value for name in ("learned", "words", "recent", CHANCE)] == [
        1,
        1,
        0,
        0.5,
    ]
    among_all = [rows[name].among_all for name in ("learned", "words", CHANCE)]
    assert [estimate_ and estimate_.value for estimate_ in among_all] == pytest.approx(
        [1, 0, measures.chance_ndcg(1, 100)]
    )
    assert rows[SENT].among_all is None
    ahead = rows["words"].ahead
    assert ahead is not None
    assert ahead.value == pytest.approx(1 - 1 / math.log2(3))
    assert ahead.sure


def test_from_eight_readers_on_each_reader_counts_once_however_much_they_read() -> None:
    keen = [make_replayed(1, (0, 1), day) for day in range(50)]
    occasional = [make_replayed(reader, (1, 0)) for reader in range(2, 9)]
    rows = comparison.compare_recipes([*keen, *occasional], "learned")
    assert comparison.choose_unit([*keen, *occasional]) == "readers"
    assert rows[0].ndcg.units == 8
    assert rows[0].ndcg.value == pytest.approx((7 + 1 / math.log2(3)) / 8)
    few = [*keen, *occasional[:-1]]
    assert comparison.choose_unit(few) == "digests"
    assert comparison.compare_recipes(few, "learned")[0].ndcg.units == 56


def test_without_a_thumb_down_there_is_no_auc() -> None:
    row = comparison.compare_recipes(
        [make_replayed(1, (1, 0), day) for day in range(5)], "learned"
    )[0]
    assert row.auc.units == 0
    assert format_estimate(row.auc) == "-"


def test_the_learning_curve_leaves_out_ranges_with_few_digests() -> None:
    digests = [
        make_replayed(1, (1, 0), day, earlier_thumbs=thumbs)
        for day, thumbs in enumerate([0] * 5 + [3] * 4 + [12] * 5 + [70] * 6)
    ]
    steps = comparison.learning_curve(digests, "learned")
    assert [step.thumbs for step in steps] == ["0", "10-19", "50+"]
    assert set(steps[0].ndcg) == {"learned", "keywords", CHANCE}
    assert set(comparison.learning_curve(digests, "keywords")[0].ndcg) == {"keywords", CHANCE}


def test_the_better_of_two_recipes_is_found_and_equal_ones_seldom_differ() -> None:
    """Readers like a quarter of ten papers; a recipe sees which through noise."""

    def history(seed: int, skill: float) -> list[ReplayedDigest]:
        random = np.random.default_rng(seed)
        digests = []
        for reader in range(12):
            for day in range(6):
                votes = (random.random(10) < 0.25).astype(int)
                votes[random.integers(10)] = 1
                orders = [
                    np.argsort(np.argsort(-(of * votes + random.normal(size=10)))) + 1
                    for of in (1.0, skill)
                ]
                digests.append(
                    make_replayed(
                        reader,
                        votes.tolist(),
                        day,
                        learned=orders[0].tolist(),
                        words=orders[1].tolist(),
                    )
                )
        return digests

    def measure_lead(seed: int, skill: float) -> Estimate:
        row = next(
            row
            for row in comparison.compare_recipes(history(seed, skill), "learned")
            if row.name == "words"
        )
        assert row.ahead is not None
        return row.ahead

    assert sum(measure_lead(seed, 0.0).low > 0 for seed in range(6)) == 6
    assert sum(measure_lead(seed, 1.0).sure for seed in range(12)) <= 2


# ----------------------------------------------------------------------------------------------
# rates


def test_rates_by_position_join_the_places_below_the_tenth() -> None:
    groups = rates.rate_by_position([make_rated([1] + [0] * 12), make_rated([1, 1])])
    assert [group.label for group in groups] == [*map(str, range(1, 11)), "11+"]
    assert [(group.estimate.value, group.estimate.units) for group in groups[:3]] == [
        (1, 2),
        (0.5, 2),
        (0, 1),
    ]
    assert groups[-1].estimate.units == 3


def test_rates_by_slot_name_the_slots_that_were_used() -> None:
    groups = rates.rate_by_slot(
        [
            make_rated([1, 0, 0], slots=("pinned", "normal", "exploration")),
            make_rated([0, -1], slots=("normal", "normal")),
        ]
    )
    assert [(group.label, group.estimate.value, group.estimate.units) for group in groups] == [
        ("normal", 0, 3),
        ("pinned", 1, 1),
        ("exploration", 0, 1),
    ]
    assert [group.label for group in rates.rate_by_slot([make_rated([1])])] == ["normal"]


@given(matches=st.lists(st.integers(0, 100), min_size=1, max_size=400))
def test_groups_of_a_match_hold_every_paper_once_and_no_match_twice(matches: list[int]) -> None:
    groups = rates.rate_by_match(
        [make_rated([1, -1] * (len(matches) // 2) + [1] * (len(matches) % 2), matches)], "learned"
    )
    assert sum(group.estimate.units for group in groups) == len(matches)
    assert len(groups) <= 10
    ends = [[int(end) for end in group.label.split("-")] for group in groups]
    for group, span in zip(groups, ends, strict=True):
        assert group.predicted is not None
        assert span[0] / 100 - 1e-9 <= group.predicted <= span[-1] / 100 + 1e-9
        assert group.estimate.units == sum(span[0] <= match <= span[-1] for match in matches)
        assert group.estimate.units >= min(rates.MATCH_GROUP, len(matches))
    assert all(left[-1] < right[0] for left, right in pairwise(ends))


def test_only_matches_of_the_own_recipe_are_compared() -> None:
    other = make_rated([1, 1], recipe="words")
    pinned = make_rated([1, 1], slots=("pinned", "exploration"))
    in_words = make_rated([1, 1], [None, None])
    assert rates.rate_by_match([other, pinned, in_words], "learned") == []


def test_a_match_is_compared_with_the_share_of_liked_papers() -> None:
    # nine in ten rated papers, however many have no thumb
    (group,) = rates.rate_by_match(
        [make_rated([1] * 18 + [-1] * 2 + [0] * 80, [90] * 100)], "learned"
    )
    assert (group.predicted, group.estimate.value, group.estimate.units) == (
        pytest.approx(0.9),
        pytest.approx(0.9),
        20,
    )


def test_exploration_is_worked_out_from_enough_draws_alone() -> None:
    assert rates.rate_exploration([make_rated([1, 0])]) is None
    rated_digests = [
        make_rated([n % 5 == 0], slots=("exploration",), probability=0.02) for n in range(40)
    ]
    exploration = rates.rate_exploration(rated_digests)
    assert exploration is not None
    assert exploration.enough
    assert (exploration.rate.value, exploration.effective) == (
        pytest.approx(0.2),
        pytest.approx(40),
    )
    assert "20 % of the time" in report.describe_exploration(exploration)
    few = rates.rate_exploration(rated_digests[:5])
    assert few is not None
    assert not few.enough
    assert "5 papers drawn so far" in report.describe_exploration(few)
    # nearly all weight on one paper: many draws, but an effective number of one
    uneven = [*rated_digests, make_rated([1], slots=("exploration",), probability=1e-6)]
    heavy = rates.rate_exploration(uneven)
    assert heavy is not None
    assert heavy.effective < 2
    assert not heavy.enough
    assert report.describe_exploration(None) == ""


# ---------------------------------------------------------------------------------------------- the
# sentence


def estimate(value: float, half: float = 0.01) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half, units=20)


def write_verdict(**ahead: Estimate) -> str:
    """Write the verdict on a report in which the own recipe is ahead by these leads.

    The lead over chance is 0.2 unless `ahead` names it.
    """
    leads = {"chance": estimate(0.2)} | ahead
    row = {"about": "", "reciprocal": estimate(0.5), "auc": estimate(0.5), "among_all": None}
    filled = Report(
        own="learned",
        raters=3,
        readers=3,
        thumbs_up=300,
        thumbs_down=112,
        digests=60,
        replayed=50,
        since=DAY,
        until=DAY,
        enough=True,
    )
    filled.rows = [
        Row(name="learned", ndcg=estimate(0.7), ahead=None, **row),  # type: ignore[arg-type]
        *(Row(name=name, ndcg=estimate(0.5), ahead=lead, **row) for name, lead in leads.items()),  # type: ignore[arg-type]
    ]
    return report.write_verdict(filled)


def test_a_verdict_names_recipes_that_are_worse_and_level() -> None:
    text = write_verdict(
        words=estimate(0.1), recent=estimate(0.2), frozen=estimate(0.005), sent=estimate(-0.5)
    )
    assert text == (
        "On 412 thumbs of 3 readers over 50 digests, learned puts what readers like above what "
        "they pass over "
        "(nDCG@10 0.70, shuffled papers 0.50); it beats words and recent; cannot be told from "
        "frozen."
    )


def test_a_verdict_names_recipes_that_are_better() -> None:
    text = write_verdict(words=estimate(-0.1), centroid=estimate(-0.2), recent=estimate(0.1))
    assert text.endswith('But words and centroid did better: try [evaluate] recipe_b = "centroid".')
    assert "learning anew did not help here" in write_verdict(frozen=estimate(-0.1))


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (estimate(0.005), "cannot be told from chance"),
        (estimate(-0.1), "worse than chance"),
        (Estimate(value=0.3, low=math.nan, high=math.nan, units=1), "cannot be told from chance"),
    ],
)
def test_a_verdict_claims_no_difference_that_chance_explains(
    ahead: Estimate, sentence: str
) -> None:
    text = write_verdict(chance=ahead, words=estimate(0.1))
    assert sentence in text
    assert "beats" not in text


def test_pictures_are_drawn_of_estimates_with_and_without_intervals() -> None:
    filled = Report(
        own="learned",
        raters=1,
        readers=1,
        thumbs_up=30,
        thumbs_down=0,
        digests=6,
        replayed=6,
        since=DAY,
        until=DAY,
        enough=True,
    )
    digests = [make_replayed(1, (1, 0, 1), day, earlier_thumbs=12 * (day > 5)) for day in range(12)]
    filled.rows, filled.steps = (
        comparison.compare_recipes(digests, "learned"),
        comparison.learning_curve(digests, "learned"),
    )
    filled.positions = rates.rate_by_position([make_rated([1, 0])])
    filled.slots = rates.rate_by_slot([make_rated([1, 0], slots=("pinned", "normal"))])
    filled.matches = rates.rate_by_match([make_rated([1, -1] * 30, list(range(60)))], "learned")
    filled.exploration = Exploration(rate=estimate(0.2), effective=20, enough=True)
    assert [plot.title.split(" (")[0] for plot in draw_pictures(filled)] == [
        "How well each recipe ranks",
        "Does it learn?",
        "Thumbs up by position in the mail",
        "Thumbs up by slot",
        "Is the printed match true?",
    ]


def test_the_command_draws_as_many_readers_and_digests_as_the_module_says() -> None:
    """The command repeats the numbers, since `--help` must not load what evaluates."""
    parameters = inspect.signature(evaluate).parameters
    defaults = (parameters["readers"].default, parameters["digests"].default)
    assert defaults == (history.READERS, history.DIGESTS)
