"""The named recipes: each ranks by what it says and explains what it ranked by."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import scipy.sparse as sp

from digest.errors import ConfigError
from digest.model import Interest, Paper
from digest.ranking import features, profiles, scores
from digest.ranking.recipes import DEFAULT_RECIPE, RECIPES, get_recipe

TOPICS = (
    "robot gripper grasping tactile",
    "galaxy redshift survey dust",
    "verse metre rhyme poetry",
)
PAPERS = [
    Paper(
        id=n + 1,
        title=f"Case {n} of {TOPICS[n % 3]}",
        abstract=f"About {TOPICS[n % 3]} once more",
        first_seen=date(2026, 6, 1 + n % 5),
    )
    for n in range(30)
]
COUNTS = features.vectorize([features.text_of(p.title, p.abstract) for p in PAPERS])
FREQUENCIES = features.Frequencies().add(COUNTS)
ROWS = features.weigh(COUNTS, FREQUENCIES)
BACKGROUND = profiles.Background.from_papers(PAPERS[15:], ROWS[15:])
DAY = scores.day(PAPERS[:15], ROWS[:15], PAPERS[15:], ROWS[15:])
ALL = frozenset(range(1, 16))


def rated(*places: int) -> profiles.Rated:
    return profiles.Rated.from_papers([PAPERS[place] for place in places], ROWS[list(places)])


def known(
    liked: tuple[int, ...] = (), disliked: tuple[int, ...] = (), keywords: tuple[str, ...] = ()
) -> profiles.TrainingData:
    interest = Interest(keywords=keywords)
    return profiles.TrainingData(
        interests=(interest,),
        phrases=features.parse_keywords(keywords, FREQUENCIES),
        liked=rated(*liked),
        disliked=rated(*disliked),
        examples=rated(),
    )


def topics(name: str, what: profiles.TrainingData) -> list[int]:
    """The topics of the papers, best first."""
    recipe = RECIPES[name]
    return [
        (score.paper_id - 1) % 3
        for score in recipe.explain(recipe.train(what, BACKGROUND), DAY, ALL)
    ]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(
    "what",
    [known(), known((16, 19), (15,)), known((), (15,)), known((16,), (), ("rhyme",))],
    ids=["nothing", "thumbs", "dislikes", "keyword"],
)
def test_every_recipe_explains_the_order_that_it_scores(
    name: str, what: profiles.TrainingData
) -> None:
    recipe = RECIPES[name]
    profile = recipe.train(what, BACKGROUND)
    values = recipe.score(profile, DAY)
    found = list(recipe.explain(profile, DAY, ALL))
    assert values.shape == (15,)
    assert np.isfinite(values).all()
    assert [score.paper_id for score in found] == (np.lexsort((DAY.ids[:15], -values)) + 1).tolist()
    for score in found:
        assert score.value == pytest.approx(values[score.paper_id - 1], abs=1e-6)
        assert sum(part.value for part in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-6
        )
        assert 0 <= score.percentile <= 100
        assert scores.reason(score)
    assert {score.paper_id for score in recipe.explain(profile, DAY, frozenset({3, 5}))} == {3, 5}


@pytest.mark.parametrize(
    ("name", "best"), [(DEFAULT_RECIPE, 1), ("words", 1), ("centroid", 1), ("keywords", 2)]
)
def test_thumbs_for_galaxies_and_a_keyword_of_verse(name: str, best: int) -> None:
    assert set(topics(name, known((16, 19, 22, 25), (), ("rhyme",)))[:5]) == {best}


def test_keywords_ignores_thumbs_and_words_ignores_keywords() -> None:
    assert topics("keywords", known((16, 19), (15,), ("rhyme",))) == topics(
        "keywords", known((), (), ("rhyme",))
    )
    assert topics("words", known((16, 19), (15,), ("rhyme",))) == topics(
        "words", known((16, 19), (15,))
    )


def test_recent_is_newest_first_whatever_the_reader_wants() -> None:
    recipe = RECIPES["recent"]
    found = [
        s.paper_id
        for s in recipe.explain(recipe.train(known((16, 19), (), ("rhyme",)), BACKGROUND), DAY, ALL)
    ]
    assert found == sorted(
        found, key=lambda ident: (-PAPERS[ident - 1].first_seen.toordinal(), ident)
    )


def test_a_centroid_lies_between_what_was_liked_and_away_from_what_was_not() -> None:
    recipe = RECIPES["centroid"]
    plain, pushed = (
        recipe.train(what, BACKGROUND) for what in (known((15, 16)), known((15, 16), (18,)))
    )
    for profile in (plain, pushed):
        assert float(profile.word_weights @ profile.word_weights) == pytest.approx(1)
    values = recipe.score(plain, DAY), recipe.score(pushed, DAY)
    robots, galaxies = np.arange(0, 15, 3), np.arange(1, 15, 3)
    assert values[0][robots].mean() > 0.1
    assert values[1][robots].mean() < values[0][robots].mean()
    assert values[1][galaxies].mean() > values[0][galaxies].mean()


def test_a_centroid_of_nothing_or_of_papers_without_words_is_no_number_gone_wrong() -> None:
    empty = profiles.Rated.from_papers(
        [PAPERS[0]], sp.csr_matrix((1, features.COLUMNS), dtype=np.float32)
    )
    bare = known()
    wordless = profiles.TrainingData(
        interests=bare.interests, phrases=(), liked=empty, disliked=rated(3), examples=rated()
    )
    for what in (bare, wordless):
        assert np.isfinite(
            RECIPES["centroid"].score(RECIPES["centroid"].train(what, BACKGROUND), DAY)
        ).all()


def test_a_recipe_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match=r"evaluate\.recipe_b = 'magic'.*learned.*recent"):
        get_recipe("magic", "evaluate.recipe_b")
