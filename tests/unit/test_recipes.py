"""The named recipes: each explains the order that it gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from digest.errors import ConfigError
from digest.ranking import features, recipes, scores
from digest.ranking.profiles import Rated, TrainingData
from digest.ranking.recipes import DEFAULT_RECIPE, RECIPES, get_recipe
from tests.unit.three_topics import (
    ALL,
    BACKGROUND,
    DAY,
    GALAXIES,
    PAPERS,
    VERSE,
    rate,
    topics_by_rank,
    training_data,
)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(
    "data",
    [
        training_data(),
        training_data((16, 19), (15,)),
        training_data((), (15,)),
        training_data((16,), (), ("rhyme",)),
    ],
    ids=["nothing", "thumbs", "dislikes", "keyword"],
)
def test_every_recipe_explains_the_order_that_it_scores(name: str, data: TrainingData) -> None:
    recipe = RECIPES[name]
    profile = recipe.train(data, BACKGROUND)
    values = recipe.score(profile, DAY)
    explained = list(recipe.explain(profile, DAY, ALL))
    assert values.shape == (15,)
    assert np.isfinite(values).all()
    order = np.lexsort((DAY.ids[:15], -values))
    assert [score.paper_id for score in explained] == (order + 1).tolist()
    for score in explained:
        assert score.value == pytest.approx(values[score.paper_id - 1], abs=1e-6)
        assert sum(part.value for part in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-6
        )
        assert 0 <= score.percentile <= 100
        assert scores.write_reason(score)
    assert {score.paper_id for score in recipe.explain(profile, DAY, frozenset({3, 5}))} == {3, 5}


@pytest.mark.parametrize(
    ("name", "topic"),
    [(DEFAULT_RECIPE, GALAXIES), ("words", GALAXIES), ("centroid", GALAXIES), ("keywords", VERSE)],
)
def test_thumbs_for_galaxies_outweigh_a_keyword_of_verse_where_thumbs_count(
    name: str, topic: int
) -> None:
    data = training_data((16, 19, 22, 25), (), ("rhyme",))
    assert set(topics_by_rank(name, data)[:5]) == {topic}


def test_one_baseline_ignores_thumbs_and_another_ignores_keywords() -> None:
    both = training_data((16, 19), (15,), ("rhyme",))
    assert topics_by_rank("keywords", both) == topics_by_rank(
        "keywords", training_data((), (), ("rhyme",))
    )
    assert topics_by_rank("words", both) == topics_by_rank("words", training_data((16, 19), (15,)))


def test_thumbs_move_no_evidence_of_what_the_reader_wrote() -> None:
    recipe = RECIPES[DEFAULT_RECIPE]
    written = replace(training_data((), (), ("rhyme",)), examples=rate(18))
    thumbs = training_data((16, 19), (15,), ("rhyme",))
    rated = replace(thumbs, examples=written.examples)
    (before,), (after,) = (
        recipes.score_all(recipe, [recipes.train(recipe, data, BACKGROUND)], DAY)[0]
        for data in (written, rated)
    )
    typed, score = scores.EVIDENCE.index("typed"), scores.EVIDENCE.index("score")
    assert (before.evidence[:, typed] == before.evidence[:, score]).all()
    assert after.evidence[:, typed] == pytest.approx(before.evidence[:, typed])
    assert after.evidence[:, score] != pytest.approx(before.evidence[:, score], abs=0.1)


def test_recent_is_newest_first_whatever_the_reader_likes() -> None:
    recipe = RECIPES["recent"]
    profile = recipe.train(training_data((16, 19), (), ("rhyme",)), BACKGROUND)
    ranked_ids = [score.paper_id for score in recipe.explain(profile, DAY, ALL)]
    assert ranked_ids == sorted(
        ranked_ids,
        key=lambda paper_id: (-PAPERS[paper_id - 1].first_seen.toordinal(), paper_id),
    )


def test_a_centroid_lies_between_the_liked_papers_and_away_from_the_disliked_ones() -> None:
    recipe = RECIPES["centroid"]
    plain, pushed = (
        recipe.train(data, BACKGROUND)
        for data in (training_data((15, 16)), training_data((15, 16), (18,)))
    )
    for profile in (plain, pushed):
        assert float(profile.word_weights @ profile.word_weights) == pytest.approx(1)
    values = recipe.score(plain, DAY), recipe.score(pushed, DAY)
    robots, galaxies = np.arange(0, 15, 3), np.arange(1, 15, 3)
    assert values[0][robots].mean() > 0.1
    assert values[1][robots].mean() < values[0][robots].mean()
    assert values[1][galaxies].mean() > values[0][galaxies].mean()


def test_a_centroid_of_nothing_or_of_papers_without_words_has_finite_scores() -> None:
    recipe = RECIPES["centroid"]
    without_words = sp.csr_matrix((1, features.COLUMNS), dtype=np.float32)
    wordless = TrainingData(liked=Rated.from_papers([PAPERS[0]], without_words), disliked=rate(3))
    for data in (training_data(), wordless):
        assert np.isfinite(recipe.score(recipe.train(data, BACKGROUND), DAY)).all()


def test_an_unknown_recipe_is_refused_with_the_names_of_those_that_exist() -> None:
    with pytest.raises(ConfigError, match=r"evaluate\.recipe_b = 'magic'.*learned.*svm.*recent"):
        get_recipe("magic", "evaluate.recipe_b")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_found_by_its_name(name: str) -> None:
    assert get_recipe(name, "digest.recipe").name == name
