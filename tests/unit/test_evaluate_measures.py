"""The measures of ranking quality.

They equal their definitions, their chance levels equal those of shuffling, and their intervals
hold known true values.
"""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from digest.evaluate import measures

ranking = st.lists(st.integers(1, 40), min_size=1, max_size=12, unique=True)


@given(ranks=ranking)
def test_ndcg_is_1_only_for_the_best_order_and_falls_when_a_liked_paper_sinks(
    ranks: list[int],
) -> None:
    gain = measures.ndcg(ranks)
    assert 0 <= gain <= 1 + 1e-12
    best = list(range(1, len(ranks) + 1))
    assert measures.ndcg(best) == pytest.approx(1)
    top = {rank for rank in ranks if rank <= measures.TOP}
    assert (gain > 1 - 1e-9) == (top == set(best[: measures.TOP]))
    sunk = [*ranks[:-1], ranks[-1] + 41]
    assert measures.ndcg(sunk) <= gain


def test_ndcg_by_hand() -> None:
    # liked at 1 and 3 of five: (1 + 1/2) / (1 + 1/log2(3))
    assert measures.ndcg([3, 1]) == pytest.approx(1.5 / (1 + 1 / math.log2(3)))
    assert measures.ndcg([11]) == 0


@given(size=st.integers(2, 60), data=st.data())
def test_ndcg_and_auc_equal_those_of_scikit_learn(size: int, data: st.DataObject) -> None:
    places = data.draw(st.permutations(range(1, size + 1)))
    liked = data.draw(st.integers(1, size - 1))
    ups, downs = places[:liked], places[liked:]
    worth, order = np.isin(np.arange(1, size + 1), ups), -np.arange(size, dtype=np.float64)
    assert measures.ndcg(ups) == pytest.approx(ndcg_score([worth], [order], k=measures.TOP))
    good, pairs = measures.count_concordant(ups, downs)
    assert good / pairs == pytest.approx(roc_auc_score(worth, order))


@pytest.mark.parametrize(("liked", "size"), [(1, 1), (1, 4), (2, 5), (3, 6), (6, 6), (5, 7)])
def test_the_chance_level_is_the_mean_over_all_orders(liked: int, size: int) -> None:
    orders = [tuple(place + 1 for place in order[:liked]) for order in permutations(range(size))]
    assert measures.chance_ndcg(liked, size) == pytest.approx(
        np.mean([measures.ndcg(order) for order in orders])
    )
    assert measures.chance_reciprocal(liked, size) == pytest.approx(
        np.mean([measures.reciprocal(order) for order in orders])
    )


def test_the_chance_level_beyond_the_top_places_equals_that_of_shuffling() -> None:
    random = np.random.default_rng(1)
    draws = [(random.permutation(60)[:14] + 1).tolist() for _ in range(4000)]
    assert measures.chance_ndcg(14, 60) == pytest.approx(
        np.mean([measures.ndcg(ranks) for ranks in draws]), abs=0.01
    )
    assert measures.chance_reciprocal(14, 60) == pytest.approx(
        np.mean([measures.reciprocal(ranks) for ranks in draws]), abs=0.015
    )


@given(liked=ranking, disliked=ranking)
def test_concordant_pairs_are_counted_as_in_auc(liked: list[int], disliked: list[int]) -> None:
    good, pairs = measures.count_concordant(liked, disliked)
    back, _ = measures.count_concordant(disliked, liked)
    ties = sum(up == down for up in liked for down in disliked)
    assert good + back + ties == pairs == len(liked) * len(disliked)


# ----------------------------------------------------------------------------------------------
# intervals


@given(values=st.lists(st.floats(-5, 5), min_size=2, max_size=30))
def test_a_mean_lies_in_its_interval_and_the_same_values_give_the_same_one(
    values: list[float],
) -> None:
    estimate = measures.mean(values)
    assert estimate == measures.mean(values)
    assert estimate.low - 1e-9 <= estimate.value <= estimate.high + 1e-9
    assert min(values) - 1e-9 <= estimate.low
    assert estimate.high <= max(values) + 1e-9


def test_too_few_units_have_no_interval_and_are_never_significant() -> None:
    for values in ([], [0.7]):
        estimate = measures.mean(values)
        assert math.isnan(estimate.low)
        assert math.isnan(estimate.high)
        assert not estimate.sure


@pytest.mark.parametrize("units", [8, 25])
def test_the_interval_of_a_mean_covers_the_truth_about_95_percent_of_the_time(units: int) -> None:
    random = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        estimate = measures.mean(random.beta(2, 3, size=units).tolist())
        covered += estimate.low <= 0.4 <= estimate.high
    assert 182 <= covered <= 199  # 95 % of 200 is 190


@given(tries=st.integers(1, 500), data=st.data())
def test_the_interval_of_wilson_includes_the_rate_and_narrows(
    tries: int, data: st.DataObject
) -> None:
    hits = data.draw(st.integers(0, tries))
    estimate = measures.estimate_rate(hits, tries)
    assert 0 <= estimate.low <= estimate.value == hits / tries <= estimate.high <= 1
    assert estimate.high - estimate.low > 0
    more = measures.estimate_rate(4 * hits, 4 * tries)
    assert more.high - more.low < estimate.high - estimate.low
    mirror = measures.estimate_rate(tries - hits, tries)
    assert mirror.low == pytest.approx(1 - estimate.high)


def test_wilson_against_published_figures() -> None:
    estimate = measures.estimate_rate(8, 10)  # Wilson without continuity correction
    assert estimate.low == pytest.approx(0.4902, abs=1e-4)
    assert estimate.high == pytest.approx(0.9433, abs=1e-4)
    assert math.isnan(measures.estimate_rate(0, 0).value)


@given(wins=st.integers(0, 200), losses=st.integers(0, 200))
def test_the_sign_test_is_symmetric_and_at_most_one(wins: int, losses: int) -> None:
    assert 0 < measures.sign_test(wins, losses) == measures.sign_test(losses, wins) <= 1


def test_the_sign_test_by_hand_and_its_share_of_false_alarms() -> None:
    assert measures.sign_test(0, 0) == 1
    assert measures.sign_test(5, 5) == 1
    assert measures.sign_test(6, 0) == pytest.approx(2 / 64)
    assert measures.sign_test(9, 1) == pytest.approx(2 * 11 / 1024)
    alarms = sum(
        math.comb(20, wins) / 2**20
        for wins in range(21)
        if measures.sign_test(wins, 20 - wins) < 0.05
    )
    assert 0.02 < alarms <= 0.05


# ----------------------------------------------------------------------------------------------
# uneven draws


def test_uneven_draws_are_reweighed_to_an_even_one() -> None:
    """The plain rate flatters: papers with a high score are drawn and liked more.

    Of 200 papers.
    """
    random = np.random.default_rng(3)
    scores = random.normal(size=200)
    likely = 1 / (1 + np.exp(-2 * scores))
    truth = float(likely.mean())
    draw = np.exp(scores) / np.exp(scores).sum()
    covered = 0
    plain = []
    for _ in range(60):
        chosen = random.choice(200, size=300, p=draw)
        liked = random.random(300) < likely[chosen]
        drawn = [
            measures.Drawn(liked=bool(up), probability=float(draw[place]), candidates=200)
            for place, up in zip(chosen, liked, strict=True)
        ]
        estimate, effective = measures.reweigh(drawn)
        assert 0 < effective < 300
        covered += estimate.low <= truth <= estimate.high
        plain.append(liked.mean())
    assert min(plain) > truth + 0.05
    assert covered >= 50


def test_an_even_draw_is_a_plain_rate() -> None:
    drawn = [
        measures.Drawn(liked=number < 12, probability=0.02, candidates=50) for number in range(60)
    ]
    estimate, effective = measures.reweigh(drawn)
    assert estimate.value == pytest.approx(0.2)
    assert effective == pytest.approx(60)
    assert estimate.low < 0.2 < estimate.high


@pytest.mark.parametrize("liked", [True, False])
def test_all_or_none_liked_still_has_an_interval(liked: bool) -> None:
    estimate, _ = measures.reweigh(
        [measures.Drawn(liked=liked, probability=0.1, candidates=10) for _ in range(30)]
    )
    assert estimate.value == float(liked)
    assert estimate.high - estimate.low > 0.05
    assert measures.reweigh([])[0].units == 0
