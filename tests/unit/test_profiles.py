"""A reader's settings and ratings as one linear model."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest, Paper
from digest.ranking import features, profiles, scores
from digest.ranking.rows import Phrase
from tests.examples import examples

TOPICS = {
    "grasp": "robot grasping with tactile sensing of fingers and slip of objects",
    "climate": "climate model of rainfall over oceans and glaciers with satellite records",
    "poetry": "metre and rhyme of medieval poetry in manuscripts of monasteries",
    "market": "auctions and prices in electricity market with strategic bidders",
}


def make_paper(number: int, topic: str, **more: object) -> Paper:
    words = TOPICS[topic].split()
    rotated = " ".join(words[number % len(words) :] + words[: number % len(words)])
    return Paper(
        id=number,
        title=f"Study {number} of {topic}",
        abstract=f"{rotated} case{number}",
        first_seen=date(2026, 5, 4),
        **more,
    )  # type: ignore[arg-type]


CORPUS = [make_paper(number, topic) for number, topic in enumerate([*TOPICS] * 10, start=1)]
COUNTS = features.vectorize([features.text_of(paper.title, paper.abstract) for paper in CORPUS])
FREQUENCIES = features.Frequencies().add(COUNTS)
ROWS = features.weigh(COUNTS, FREQUENCIES)
BACKGROUND = profiles.Background.from_papers(CORPUS, ROWS)
DAY = scores.make_day(CORPUS, ROWS)
EMPTY_BACKGROUND = profiles.Background.from_papers([], ROWS[:0])


def papers_of(topic: str) -> list[Paper]:
    return [paper for paper in CORPUS if paper.title.endswith(topic)]


def rate(papers: Sequence[Paper], ages: Sequence[float] = ()) -> profiles.Rated:
    return profiles.Rated.from_papers(papers, ROWS[[paper.id - 1 for paper in papers]], ages)


def phrases(*keywords: str) -> tuple[Phrase, ...]:
    return features.parse_keywords(keywords, FREQUENCIES)


def best_topic(profile: profiles.Profile) -> str:
    return CORPUS[int(np.argmax(scores.score(profile, DAY)))].title.split()[-1]


def mean_score(profile: profiles.Profile, topic: str) -> float:
    values = scores.score(profile, DAY)
    return float(np.mean([values[paper.id - 1] for paper in papers_of(topic)]))


def lead(profile: profiles.Profile, topic: str, other: str) -> float:
    return mean_score(profile, topic) - mean_score(profile, other)


def is_finite_and_bounded(profile: profiles.Profile) -> bool:
    """Return whether all scores are finite and the weights at most of length 1."""
    return bool(
        np.isfinite(scores.score(profile, DAY)).all()
        and np.linalg.norm(profile.word_weights) <= 1 + 1e-6
    )


# ----------------------------------------------------------------------------------------------
# from nothing to many thumbs


def test_without_input_only_trending_papers_lead() -> None:
    profile = profiles.train([], BACKGROUND)
    assert profile.step == "trending"
    assert len(profile.columns) == 0


def test_keywords_find_their_papers() -> None:
    profile = profiles.train(
        [Interest(keywords=("tactile sensing",))], BACKGROUND, phrases=phrases("tactile sensing")
    )
    assert profile.step == "keywords"
    assert best_topic(profile) == "grasp"


def test_example_papers_find_papers_like_them() -> None:
    profile = profiles.train(
        [Interest(papers=("paper:2",))], BACKGROUND, examples=rate(papers_of("climate")[:2])
    )
    assert profile.step == "examples"
    assert best_topic(profile) == "climate"


def test_a_free_text_is_an_example() -> None:
    text = features.weigh(features.vectorize(["rhyme and metre in medieval poetry"]), FREQUENCIES)
    profile = profiles.train(
        [Interest(text="x")], BACKGROUND, examples=profiles.Rated.from_papers([], text, texts=1)
    )
    assert best_topic(profile) == "poetry"


def test_thumbs_up_find_papers_like_them() -> None:
    profile = profiles.train([], BACKGROUND, liked=rate(papers_of("market")[:3]))
    assert (profile.step, profile.thumbs_up, profile.thumbs_down) == ("thumbs", 3, 0)
    assert best_topic(profile) == "market"


def test_thumbs_outweigh_keywords_that_say_otherwise() -> None:
    keywords = phrases("tactile sensing")
    profile = profiles.train(
        [Interest(keywords=("tactile sensing",))],
        BACKGROUND,
        phrases=keywords,
        liked=rate(papers_of("climate")[:4]),
    )
    assert best_topic(profile) == "climate"
    assert all(keyword.weight == 0 for keyword in profile.keywords)


def test_keywords_fade_step_by_step() -> None:
    shares = [profiles.keyword_fade(likes) for likes in (0, 0.5, 1, 2, 3, 10)]
    assert shares[0] == 1
    assert shares[-2:] == [0, 0]
    assert shares[:5] == sorted(set(shares), reverse=True)


def test_a_phrase_keeps_a_bonus_beside_many_thumbs_and_a_word_does_not() -> None:
    keywords = phrases("sensing", "tactile sensing")
    profile = profiles.train(
        [Interest(keywords=("sensing", "tactile sensing"))],
        BACKGROUND,
        phrases=keywords,
        liked=rate(papers_of("climate")[:9]),
    )
    assert [
        (keyword.phrase.text, keyword.weight, keyword.bonus) for keyword in profile.keywords
    ] == [("sensing", 0, 0), ("tactile sensing", 0, profiles.PHRASE_FLOOR)]


def _titled(*titles: str) -> profiles.Rated:
    rows = features.weigh(features.vectorize(titles), FREQUENCIES)
    papers = [
        Paper(id=number, title=title, first_seen=date(2026, 5, 4))
        for number, title in enumerate(titles, 900)
    ]
    return profiles.Rated.from_papers(papers, rows)


@pytest.mark.parametrize(
    ("disliked", "liked", "strength"),
    [
        ([], [], 1),
        (["Dice games"], [], 2 / 3),
        (["Dice games", "Loaded dice"], [], 1 / 3),
        (["Dice games", "Loaded dice", "A dice", "Dice again"], [], 0),
        (["Dice games", "Loaded dice"], ["Dice scores"], 2 / 3),
        (["Dice games"], ["Dice scores", "Dice loss"], 1),
        (["Games"], [], 1),
    ],
)
def test_thumbs_down_on_titles_with_a_keyword_weaken_it(
    disliked: list[str], liked: list[str], strength: float
) -> None:
    def weigh(*keywords: str) -> tuple[profiles.Keyword, ...]:
        return profiles.train(
            [],
            BACKGROUND,
            phrases=phrases(*keywords),
            liked=_titled(*liked),
            disliked=_titled(*disliked),
        ).keywords

    plain = profiles.train([], BACKGROUND, phrases=phrases("dice"), liked=_titled(*liked))
    (full,), (weak,) = plain.keywords, weigh("dice")
    assert weak.strength == pytest.approx(strength)
    assert weak.bonus == pytest.approx(strength * full.bonus)
    assert weak.weight == pytest.approx(strength * full.weight)
    assert [keyword.strength for keyword in weigh("+dice", "-dice", "glaciers")] == [1, 1, 1]


def test_an_example_paper_speaks_for_its_keyword() -> None:
    profile = profiles.train(
        [],
        BACKGROUND,
        phrases=phrases("dice"),
        examples=_titled("Dice loss"),
        disliked=_titled("Dice games"),
    )
    assert [keyword.strength for keyword in profile.keywords] == [1]


def test_one_thumb_and_a_keyword_both_count() -> None:
    profile = profiles.train(
        [Interest(keywords=("glaciers",))],
        BACKGROUND,
        phrases=phrases("glaciers"),
        liked=rate(papers_of("poetry")[:1]),
    )
    assert mean_score(profile, "climate") > mean_score(profile, "grasp")
    assert mean_score(profile, "poetry") > mean_score(profile, "grasp")


def test_only_dislikes_push_away_while_the_interests_lead() -> None:
    profile = profiles.train(
        [Interest(keywords=("electricity",))],
        BACKGROUND,
        phrases=phrases("electricity"),
        disliked=rate(papers_of("climate")[:3]),
    )
    assert profile.step == "thumbs"
    assert best_topic(profile) == "market"
    assert mean_score(profile, "climate") < mean_score(profile, "poetry")


def test_a_dislike_pushes_down_what_a_like_alone_would_lift() -> None:
    liked = rate([*papers_of("climate")[:2], *papers_of("market")[:2]])
    free = profiles.train([], BACKGROUND, liked=liked)
    pushed = profiles.train([], BACKGROUND, liked=liked, disliked=rate(papers_of("market")[2:5]))
    assert lead(pushed, "market", "climate") < lead(free, "market", "climate")


def test_an_old_thumb_counts_less_than_a_fresh_one() -> None:
    papers = [papers_of("climate")[0], papers_of("market")[0]]
    profile = profiles.train([], BACKGROUND, liked=rate(papers, [0, 300]))
    assert mean_score(profile, "climate") > mean_score(profile, "market")


def test_unwanted_words_categories_and_authors_always_count_against() -> None:
    interest = Interest(keywords=("-survey",), categories=("-cs.CV",), authors=("-Jane Doe",))
    profile = profiles.train(
        [interest], BACKGROUND, phrases=phrases("-survey"), liked=rate(papers_of("market"))
    )
    assert [keyword.bonus for keyword in profile.keywords] == [-profiles.UNWANTED_PENALTY]
    assert profile.categories == (("cs.CV", -profiles.UNWANTED_PENALTY),)
    assert profile.authors == (("Jane Doe", -profiles.UNWANTED_PENALTY),)


def test_a_followed_category_keeps_a_small_bonus_after_many_thumbs() -> None:
    few = profiles.train([Interest(categories=("cs.RO",))], BACKGROUND)
    many = profiles.train(
        [Interest(categories=("cs.RO",))], BACKGROUND, liked=rate(papers_of("grasp"))
    )
    assert few.categories[0][1] > many.categories[0][1] > profiles.CATEGORY_FLOOR


# ----------------------------------------------------------------------------------------------
# unusual input


def test_every_thumb_up_is_a_profile() -> None:
    assert is_finite_and_bounded(profiles.train([], BACKGROUND, liked=rate(CORPUS)))


def test_every_thumb_down_is_a_profile() -> None:
    assert is_finite_and_bounded(profiles.train([], BACKGROUND, disliked=rate(CORPUS)))


def test_a_paper_liked_a_hundred_times_counts_once() -> None:
    often = rate([CORPUS[0]] * 100, [float(age) for age in range(100)])
    assert len(often.paper_ids) == 1
    assert often.ages.tolist() == [0]
    once = profiles.train([], BACKGROUND, liked=rate([CORPUS[0]]))
    assert np.array_equal(
        profiles.train([], BACKGROUND, liked=often).word_weights, once.word_weights
    )


def test_contradictory_thumbs_are_a_profile() -> None:
    assert is_finite_and_bounded(
        profiles.train([], BACKGROUND, liked=rate(CORPUS), disliked=rate(CORPUS))
    )


def test_an_empty_background_is_enough() -> None:
    up, down = rate(papers_of("grasp")[:2]), rate(papers_of("market")[:2])
    for profile in (
        profiles.train([], EMPTY_BACKGROUND),
        profiles.train([], EMPTY_BACKGROUND, liked=up),
        profiles.train([], EMPTY_BACKGROUND, disliked=down),
        profiles.train([], EMPTY_BACKGROUND, liked=up, disliked=down),
    ):
        assert is_finite_and_bounded(profile)
    assert best_topic(profile) == "grasp"


def test_a_liked_paper_of_the_background_is_no_negative() -> None:
    liked = papers_of("grasp")[:1]
    only = profiles.Background.from_papers(liked, ROWS[[liked[0].id - 1]])
    assert best_topic(profiles.train([], only, liked=rate(liked))) == "grasp"


def test_liked_papers_without_a_word_leave_the_profile_at_nothing() -> None:
    empty = profiles.Rated.from_papers(
        [CORPUS[0], CORPUS[1]], features.weigh(features.vectorize(["", "?"]), FREQUENCIES)
    )
    profile = profiles.train([], BACKGROUND, liked=empty, disliked=empty)
    assert len(profile.columns) == 0
    assert is_finite_and_bounded(profile)


def test_a_background_without_words_is_enough() -> None:
    blank = profiles.Background.from_papers(
        CORPUS[:2], features.weigh(features.vectorize(["", ""]), FREQUENCIES)
    )
    assert is_finite_and_bounded(profiles.train([], blank, liked=rate(papers_of("grasp")[:2])))


def test_variances_are_in_units_of_their_block() -> None:
    """Words, word vectors and an encoder's columns each have a unit of their own."""
    random = np.random.default_rng(0)
    own, encoder = 2.0 + random.random(features.DIMENSIONS), np.array([0.1, 0.3])
    dense = random.normal(size=(400, features.DIMENSIONS + 2)) * np.concatenate((own, encoder))
    rows = sp.csr_matrix(sp.hstack((sp.csr_matrix((400, features.COLUMNS)), dense)))
    background = profiles.Background.from_papers([CORPUS[0]] * 400, rows, FREQUENCIES)
    words, dense_variances = np.split(background.variances, [features.COLUMNS])
    assert np.array_equal(words, features.relative_variances(FREQUENCIES))
    expected = [block**2 / (block**2).mean() for block in (own, encoder)]
    assert dense_variances == pytest.approx(np.concatenate(expected), rel=0.3)


def test_papers_that_are_all_alike_have_no_variance() -> None:
    rows = ROWS[[0, 0, 0]]
    background = profiles.Background.from_papers([CORPUS[0]] * 3, rows)
    assert np.isfinite(background.variances).all()
    assert not background.variances[features.COLUMNS :].any()


def test_ages_that_are_no_numbers_count_as_fresh() -> None:
    assert rate(CORPUS[:3], [float("nan"), -5.0, 2.0]).ages.tolist() == [0, 0, 2]


def test_papers_and_rows_must_agree() -> None:
    with pytest.raises(ValueError, match="2 papers and 0 texts with 1 rows"):
        profiles.Rated.from_papers(CORPUS[:2], ROWS[:1])
    with pytest.raises(ValueError, match="2 papers with 1 rows"):
        profiles.Background.from_papers(CORPUS[:2], ROWS[:1])


@settings(max_examples=examples(40))
@given(
    st.lists(st.sampled_from(CORPUS), max_size=8),
    st.lists(st.sampled_from(CORPUS), max_size=8),
    st.lists(st.sampled_from(CORPUS), max_size=4),
    st.lists(st.sampled_from(["grasp*", "-climate", "tactile sensing", "", "zzz"]), max_size=3),
    st.booleans(),
)
def test_any_mixture_of_thumbs_and_words_is_a_profile(
    up: list[Paper], down: list[Paper], examples: list[Paper], keywords: list[str], alone: bool
) -> None:
    profile = profiles.train(
        [Interest(keywords=tuple(keywords))],
        EMPTY_BACKGROUND if alone else BACKGROUND,
        phrases=phrases(*keywords),
        liked=rate(up),
        disliked=rate(down),
        examples=rate(examples),
    )
    assert is_finite_and_bounded(profile)


def test_the_same_thumbs_always_give_the_same_profile_also_in_another_process() -> None:
    liked, disliked = rate(papers_of("grasp")[:3]), rate(papers_of("market")[:2])
    first = profiles.train([], BACKGROUND, liked=liked, disliked=disliked)
    copies = pickle.loads(pickle.dumps((BACKGROUND, liked, disliked)))
    second = profiles.train([], copies[0], liked=copies[1], disliked=copies[2])
    assert np.array_equal(first.word_weights, pickle.loads(pickle.dumps(second)).word_weights)


# ----------------------------------------------------------------------------------------------
# listed and left without a thumb


def test_ignored_papers_count_against_similar_ones_far_less_than_a_thumb_down() -> None:
    liked, climate = rate(papers_of("grasp")[:2]), rate(papers_of("climate")[:3])
    nothing = profiles.train([], BACKGROUND, liked=liked)
    ignored = profiles.train([], BACKGROUND, liked=liked, ignored=climate, ignored_weight=0.1)
    disliked = profiles.train([], BACKGROUND, liked=liked, disliked=climate)
    untouched, little, much = (
        lead(profile, "grasp", "climate") for profile in (nothing, ignored, disliked)
    )
    assert untouched < little < much
    assert little - untouched < 0.5 * (much - untouched)
    barely = profiles.train([], BACKGROUND, liked=liked, ignored=climate, ignored_weight=1e-6)
    assert lead(barely, "grasp", "climate") == pytest.approx(untouched, abs=1e-3)
    assert (ignored.thumbs_up, ignored.thumbs_down) == (2, 0)  # they are no thumbs


def test_without_a_weight_or_a_like_nothing_is_learned_from_ignored_papers() -> None:
    liked, ignored = rate(papers_of("grasp")[:2]), rate(papers_of("climate")[:3])
    plain, weightless = (
        profiles.train([], BACKGROUND, liked=liked),
        profiles.train([], BACKGROUND, liked=liked, ignored=ignored),
    )
    assert np.array_equal(plain.columns, weightless.columns)
    assert np.array_equal(plain.word_weights, weightless.word_weights)
    silent = profiles.train([], BACKGROUND, ignored=ignored, ignored_weight=0.5)
    assert (silent.step, len(silent.columns)) == ("trending", 0)
