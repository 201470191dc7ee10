"""The best papers of many readers at once are those of `rank`, reader by reader."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest
from digest.ranking import recipes, scores
from digest.ranking.calibration import Calibration
from digest.ranking.recipes import best_papers
from tests.examples import examples
from tests.unit.test_per_interest import BACKGROUND, DAY, training_data
from tests.unit.topics import WORDS

OWN = recipes.RECIPES[recipes.DEFAULT_RECIPE]
PLACES = st.lists(st.integers(30, 59), max_size=6, unique=True)
INTERESTS = st.lists(
    st.builds(
        Interest,
        name=st.sampled_from(["one", "two", "three"]),
        keywords=st.lists(
            st.sampled_from(
                [*(word for words in WORDS.values() for word in words), "-rhyme", "+galaxy"]
            ),
            max_size=3,
        ).map(tuple),
        categories=st.sampled_from([(), ("cs.RO",), ("-cs.CL",)]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda interest: interest.name,
)
READERS = st.builds(
    lambda interests, liked, disliked: training_data(*interests, liked=liked, disliked=disliked),
    INTERESTS,
    PLACES,
    PLACES,
)
REQUESTS = st.lists(
    st.tuples(
        READERS,
        st.frozensets(st.integers(1, 32), max_size=30),
        st.sampled_from([0.0, 0.2, 0.35, 0.6, 1.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
#: spreads the chances of these few words, and does not
CALIBRATIONS = st.sampled_from(
    [Calibration(), Calibration(weights=(-2.0, 2.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.2))]
)


@given(requests=REQUESTS, calibration=CALIBRATIONS, best=st.sampled_from([1, 3, 8, 96]))
@settings(max_examples=examples(60), deadline=None)
@pytest.mark.parametrize("name", [recipes.DEFAULT_RECIPE, "words", "recent"])
def test_many_readers_are_ranked_as_each_alone(
    name: str, requests: list[tuple[object, ...]], calibration: Calibration, best: int
) -> None:
    recipe = recipes.RECIPES[name]
    trained = recipes.train_all(recipe, [data for data, *_ in requests], BACKGROUND)  # type: ignore[misc]
    asked = [
        recipes.Request(own, ids, line, mixed)  # type: ignore[arg-type]
        for own, (_, ids, line, mixed) in zip(trained, requests, strict=True)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_papers, "_BEST", best)
        rankings = recipes.rank_all(recipe, asked, DAY, calibration)
        together = [list(ranking) for ranking in rankings]
    for request, ranking, ranked in zip(asked, rankings, together, strict=True):
        plain = list(
            recipes.rank(
                recipe,
                request.trained,
                DAY,
                request.candidate_ids,
                calibration=calibration,
                line=request.line,
                mixed=request.mixed,
            )
        )
        assert ranked == plain
        chosen = ranking.choose(ranked[:2])
        assert chosen.rows.tolist() == [DAY.row_of(score.paper_id) for score in ranked[:2]]
        (scored,) = recipes.score_all(recipe, [request.trained], DAY)
        for row, ranker, score in zip(chosen.rows, chosen.rankers, chosen.ranked, strict=True):
            assert scored[ranker].values[row] == score.value


def test_chances_are_estimated_well() -> None:
    data = [
        training_data(Interest(keywords=("gripper",)), liked=[30, 31, 35], disliked=[33]),
        training_data(Interest(keywords=("rhyme", "verse"))),
    ]
    trained = [one for own in recipes.train_all(OWN, data, BACKGROUND) for one in own]
    scored, typed = recipes.ranking.score_apart(OWN, trained, DAY)
    table = scores.make_evidence_table(
        [one.profile for one in trained], scored, [one.typed for one in trained], typed, DAY
    )
    constant, *weights = Calibration().weights
    rows = np.tile(np.arange(DAY.competing), (2, 1))
    evidence = table.take(np.array([[0], [1]]) + 0 * rows, rows)
    exact = constant + evidence @ np.array(weights)
    error = np.abs(table.estimate(Calibration().weights) - exact).max()
    assert 0 < error < scores.ESTIMATE_ERROR / 10
    plain = recipes.ranking.gather_evidence(trained, scored, typed, DAY)
    for own, one in zip(evidence, plain, strict=True):
        assert np.array_equal(own, one.evidence)
