"""A score is a sum of named parts."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest, Paper
from digest.ranking import features, profiles, scores
from tests.examples import examples
from tests.unit.scored import (
    BACKGROUND,
    INTERESTS,
    PAPER_LISTS,
    PAPERS,
    RECENT,
    TODAY,
    count_frequencies,
    explain,
    make_day,
    make_paper,
    make_rows,
    part_of,
    train_profile,
)

# ----------------------------------------------------------------------------------------------
# parts add up


@settings(max_examples=examples(80))
@given(
    PAPER_LISTS,
    INTERESTS,
    st.lists(st.sampled_from(PAPERS), max_size=4),
    st.lists(st.sampled_from(RECENT), max_size=3),
)
def test_the_parts_of_a_score_add_up_to_it(
    papers: list[Paper], interest: Interest, liked: list[Paper], disliked: list[Paper]
) -> None:
    reader_profile, day = train_profile(interest, liked, disliked), make_day(papers, RECENT)
    values = dict(zip(day.ids.tolist(), scores.score(reader_profile, day).tolist(), strict=False))
    for score in explain(reader_profile, day, max_parts=10_000):
        assert score.value == values[score.paper_id]
        assert sum(part.value for part in score.parts) == pytest.approx(score.value, abs=1e-6)
        assert score.rest == pytest.approx(0, abs=1e-6)
    for score in explain(reader_profile, day):
        assert len(score.parts) <= scores.MAX_PARTS
        assert sum(part.value for part in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-12
        )
        assert [abs(part.value) for part in score.parts] == sorted(
            (abs(part.value) for part in score.parts), reverse=True
        )
        assert 0 <= score.percentile <= 100
        assert scores.write_reason(score)


def test_the_named_words_are_words_of_the_paper() -> None:
    shown = {
        score.paper_id: {part.name for part in score.parts if part.kind == "word"}
        for score in explain(train_profile(liked=PAPERS[:2]), make_day(PAPERS), words_alone=True)
    }
    assert sum(map(bool, shown.values())) > len(PAPERS) / 2
    for paper_id, names in shown.items():
        assert names <= set(
            features.words_of(PAPERS[paper_id - 1].title, PAPERS[paper_id - 1].abstract).values()
        )


def test_scores_are_ordered_best_first_and_ties_by_paper_id() -> None:
    same = [make_paper(number, "robot grasping") for number in (9, 3, 5)]
    assert [score.paper_id for score in explain(train_profile(), make_day(same))] == [3, 5, 9]
    values = [score.value for score in explain(train_profile(liked=PAPERS[:2]), make_day(PAPERS))]
    assert values == sorted(values, reverse=True)


def test_a_score_does_not_depend_on_the_other_papers() -> None:
    reader_profile = train_profile(Interest(keywords=("robot",)), liked=PAPERS[3:5])
    alone = explain(reader_profile, make_day(PAPERS[:1]))[0].value
    assert [
        score.value for score in explain(reader_profile, make_day(PAPERS)) if score.paper_id == 1
    ] == [alone]


def test_only_the_papers_that_compete_for_the_reader_are_scored() -> None:
    assert {
        score.paper_id
        for score in explain(train_profile(), make_day(PAPERS), candidate_ids={3, 5, 999})
    } == {3, 5}
    assert explain(train_profile(), make_day(PAPERS), candidate_ids=()) == []


def test_a_paper_is_explained_only_when_asked_for() -> None:
    named: list[str] = []

    def words_of(title: str, abstract: str) -> dict[int, str]:
        named.append(title)
        return {}

    list(
        itertools.islice(
            scores.explain(train_profile(liked=PAPERS[:1]), make_day(PAPERS), words_of=words_of), 2
        )
    )
    assert len(named) == 2


# ----------------------------------------------------------------------------------------------
# names


def test_a_phrase_matches_as_a_whole_and_its_words_count_alone() -> None:
    reader_profile = train_profile(Interest(keywords=("tactile sensing",)))
    whole, half, none = explain(
        reader_profile,
        make_day(
            [
                make_paper(1, "tactile sensing"),
                make_paper(2, "sensing rainfall"),
                make_paper(3, "poetry"),
            ]
        ),
    )
    assert (whole.paper_id, half.paper_id, none.paper_id) == (1, 2, 3)
    assert part_of(whole, "keyword").name == "tactile sensing"
    assert [part.name for part in half.parts if part.kind != "recency"] == ["sensing"]
    assert part_of(half, "topic").value > 0


@pytest.mark.parametrize(
    ("keyword", "title", "abstract", "occurs"),
    [
        ("low-resource languages", "Low resource languages", "", True),
        ("low-resource languages", "A survey", "Of Low-Resource  Languages we know little.", True),
        ("low-resource language", "Low-resource languages", "", True),
        (
            "low-resource languages",
            "Low-resource speech",
            "For resource languages of all kinds.",
            False,
        ),
        ("robot grasping", "On a robot", "Grasping is hard.", False),
        ("+low-resource languages", "Resource languages at low-resource cost", "", False),
        ("-low-resource languages", "Resource languages at low-resource cost", "", False),
    ],
)
def test_a_phrase_is_held_only_where_it_occurs(
    keyword: str, title: str, abstract: str, occurs: bool
) -> None:
    phrase_paper = make_paper(1, title, abstract)
    for day in (make_day([phrase_paper, make_paper(2)]), make_day([make_paper(2)], [phrase_paper])):
        reader_profile = train_profile(Interest(keywords=(keyword,)))
        ((_, rows),) = scores.parts.keyword_rows(reader_profile, day)
        assert rows.tolist() == ([day.ids.tolist().index(1)] if occurs else [])
    ids = frozenset({1} if occurs else ())
    day = make_day([phrase_paper, make_paper(2)])
    assert scores.find_pinned(reader_profile, day) | scores.find_muted(reader_profile, day) == (
        ids if keyword[0] in "+-" else frozenset()
    )
    phrase_score = next(
        score
        for score in scores.explain(reader_profile, day, words_of=features.words_of)
        if score.paper_id == 1
    )
    assert any(part.kind == "keyword" for part in phrase_score.parts) is occurs
    assert sum(part.value for part in phrase_score.parts) + phrase_score.rest == pytest.approx(
        phrase_score.value, abs=1e-6
    )


def test_two_words_with_the_same_column_are_distinguished() -> None:
    columns: dict[int, str] = {}
    for number in itertools.count():
        word = f"word{number}"
        column = int(features.vectorize([word]).indices[0])
        if column in columns:
            break
        columns[column] = word
    day = make_day([make_paper(1, columns[column]), make_paper(2, word)])
    ((_, rows),) = scores.parts.keyword_rows(train_profile(Interest(keywords=(word,))), day)
    assert day.ids[rows].tolist() == [2]


def test_a_keyword_that_is_common_or_rare_in_the_corpus_still_matches() -> None:
    many = [make_paper(number, "learning robots") for number in range(1, features.MIN_PAPERS)] + [
        make_paper(999, "zebrafish")
    ]
    weights = count_frequencies(many)
    counts = features.vectorize(["learning robots", "zebrafish", "poetry"])
    day = scores.make_day(
        [make_paper(1, "learning robots"), make_paper(2, "zebrafish"), make_paper(3, "poetry")],
        features.weigh(counts, weights),
    )
    for keyword, number in (("learning", 1), ("zebrafish", 2)):
        reader_profile = profiles.train(
            [Interest(keywords=(keyword,))],
            BACKGROUND,
            phrases=features.parse_keywords([keyword], weights),
        )
        assert explain(reader_profile, day)[0].paper_id == number


@pytest.mark.parametrize(
    ("followed", "printed", "same"),
    [
        ("Jane Doe", "Jane Doe", True),
        ("Jane Doe", "Doe, Jane", True),
        ("jane doe", "Jane Q. Doe", True),
        ("J. Doe", "Jane Doe", True),
        ("José Doe", "Jose Doe", True),
        ("Doe", "Jane Doe", True),
        ("Jane Doe", "J. Doe", False),
        ("Jane Doe", "Janet Doe", False),
        ("Jane Doe", "Jane Roe", False),
        ("", "Jane Doe", False),
    ],
)
def test_an_author_matches_by_name_or_initial(followed: str, printed: str, same: bool) -> None:
    (score,) = explain(
        train_profile(Interest(authors=(followed,))), make_day([make_paper(1, authors=(printed,))])
    )
    assert any(part.kind == "author" for part in score.parts) is same


@pytest.mark.parametrize(
    ("followed", "categories", "same"),
    [
        ("cs.RO", ("cs.RO",), True),
        ("cs", ("cs.RO",), True),
        ("cs.*", ("cs.LG",), True),
        ("CS.ro", ("cs.RO",), True),
        ("cs.R", ("cs.RO",), False),
        ("cs.RO", ("cs",), False),
        ("cs.RO", (), False),
    ],
)
def test_a_category_includes_its_subcategories(
    followed: str, categories: tuple[str, ...], same: bool
) -> None:
    (score,) = explain(
        train_profile(Interest(categories=(followed,))),
        make_day([make_paper(1, categories=categories)]),
    )
    assert any(part.kind == "category" for part in score.parts) is same


def test_a_first_category_counts_more_than_a_second() -> None:
    first, second = (
        make_paper(2, categories=("cs.RO", "cs.LG")),
        make_paper(1, categories=("cs.LG", "cs.RO")),
    )
    assert [
        score.paper_id
        for score in explain(
            train_profile(Interest(categories=("cs.RO",))), make_day([first, second])
        )
    ] == [2, 1]


@pytest.mark.parametrize(
    "interest",
    [
        Interest(keywords=("-robot",)),
        Interest(categories=("-cs.RO",)),
        Interest(authors=("-Jane Doe",)),
    ],
)
def test_muted_papers_come_last_whatever_was_liked(interest: Interest) -> None:
    bad = make_paper(
        1,
        "robot grasping tactile sensing climate",
        categories=("cs.LG", "cs.RO"),
        authors=("Jane Doe",),
        upvotes=900,
    )
    (*_, last) = explain(
        train_profile(interest, liked=[PAPERS[0]]), make_day([bad, make_paper(2, "poetry")])
    )
    assert last.paper_id == 1


# ----------------------------------------------------------------------------------------------
# trending


def test_without_interests_upvotes_and_picks_lead() -> None:
    papers = [
        make_paper(1),
        make_paper(2, upvotes=80),
        make_paper(3, upvotes=80, picked=TODAY, rank=1),
        make_paper(4, first_seen=TODAY - timedelta(days=6)),
    ]
    assert [score.paper_id for score in explain(train_profile(), make_day(papers))] == [3, 2, 1, 4]


def test_a_higher_and_fresher_pick_counts_more() -> None:
    papers = [
        make_paper(1, picked=TODAY, rank=9),
        make_paper(2, picked=TODAY - timedelta(days=7), rank=1),
        make_paper(3, picked=TODAY, rank=1),
    ]
    assert [score.paper_id for score in explain(train_profile(), make_day(papers))] == [3, 1, 2]


def test_a_close_match_beats_a_popular_paper() -> None:
    close, popular = (
        make_paper(1, PAPERS[0].title),
        make_paper(2, "auction price", upvotes=300, picked=TODAY, rank=1),
    )
    assert explain(train_profile(liked=[PAPERS[0]]), make_day([close, popular]))[0].paper_id == 1


def test_negative_upvotes_and_ranks_do_no_harm() -> None:
    (score,) = explain(
        train_profile(),
        make_day([make_paper(1, upvotes=-5, picked=TODAY + timedelta(days=3), rank=-2)]),
    )
    assert np.isfinite(score.value)


# ----------------------------------------------------------------------------------------------
# percentiles and the nearest liked paper


def test_the_percentile_is_the_share_of_recent_papers_that_score_lower() -> None:
    reader_profile = train_profile(Interest(keywords=("tactile sensing",)))
    best, *_, worst = explain(
        reader_profile,
        make_day([make_paper(1, "tactile sensing robot"), make_paper(2, "poetry")], RECENT),
    )
    lower = sum(value < best.value for value in scores.score(reader_profile, make_day(RECENT)))
    assert best.percentile == 100 * lower // len(RECENT)
    assert best.percentile > worst.percentile


def test_a_recent_paper_counts_as_on_its_first_day() -> None:
    old = [replace(paper, first_seen=TODAY - timedelta(days=20)) for paper in RECENT]
    (score,) = explain(train_profile(), make_day([make_paper(1)], old))
    assert score.percentile == 0


def test_without_recent_papers_scores_are_measured_against_the_day() -> None:
    assert [
        score.percentile
        for score in explain(train_profile(), make_day([make_paper(1, upvotes=3), make_paper(2)]))
    ] == [50, 0]


def test_the_nearest_liked_paper_is_named_with_its_cosine() -> None:
    liked = [make_paper(51, "tactile sensing robot"), make_paper(52, "poetry rhyme glacier")]
    (score,) = explain(
        train_profile(liked=liked), make_day([make_paper(1, "tactile sensing robot")])
    )
    assert score.nearest == ("tactile sensing robot", pytest.approx(1, abs=1e-5))


def test_a_liked_paper_is_near_neither_an_unrelated_paper_nor_itself() -> None:
    liked = [make_paper(51, "tactile sensing robot")]
    stranger, itself = explain(
        train_profile(liked=liked), make_day([make_paper(1, "auction price"), liked[0]])
    )
    assert stranger.nearest is None
    assert itself.nearest is None


# ----------------------------------------------------------------------------------------------
# upvotes, thumbs and co-likes


def upvotes_part(
    paper: Paper, candidate_ids: Sequence[Paper] = (), thumbs: dict[int, list[float]] | None = None
) -> float:
    papers = [paper, *candidate_ids]
    day = scores.make_day(papers, make_rows(papers), thumbs=thumbs)
    return next(
        (
            part.value
            for score in explain(train_profile(), day, candidate_ids=[paper.id])
            for part in score.parts
            if part.kind == "upvotes"
        ),
        0.0,
    )


def test_upvotes_fade_with_the_age_of_a_paper_or_its_pick() -> None:
    new = make_paper(99)
    fresh = upvotes_part(make_paper(1, upvotes=100), [new])
    old = upvotes_part(make_paper(1, upvotes=100, first_seen=TODAY - timedelta(days=6)), [new])
    back = upvotes_part(
        make_paper(1, upvotes=100, first_seen=TODAY - timedelta(days=6), picked=TODAY), [new]
    )
    assert fresh == back == pytest.approx(scores.UPVOTES)
    assert old == pytest.approx(scores.UPVOTES * np.log1p(25) / np.log1p(100))


def test_readers_thumbs_fade_by_their_own_age() -> None:
    old = make_paper(1, upvotes=6, first_seen=TODAY - timedelta(days=30))
    today, last_week = ({1: [age] * 6} for age in (0.0, 9.0))
    assert upvotes_part(old, [make_paper(99)], today) == pytest.approx(
        scores.UPVOTES * np.log1p(6) / np.log1p(100)
    )
    assert upvotes_part(old, [make_paper(99)], last_week) == pytest.approx(
        scores.UPVOTES * np.log1p(6 / 8) / np.log1p(100)
    )
    assert upvotes_part(make_paper(1, upvotes=6), [], {1: [-0.5] * 9}) == pytest.approx(
        scores.UPVOTES * np.log1p(9) / np.log1p(100)
    )


def test_later_thumbs_do_not_raise_recent_papers() -> None:
    recent = [replace(paper, upvotes=7) for paper in RECENT]
    day = scores.make_day(
        [make_paper(1)],
        make_rows([make_paper(1)]),
        recent,
        make_rows(recent),
        thumbs={paper.id: [0.1] * 7 for paper in recent},
    )
    assert (day.trending[0] == 0).all()


def test_co_like_boosts_are_a_named_part_of_the_sum() -> None:
    reader_profile = replace(
        train_profile(),
        co_like_boosts=(
            (2, 'Old "favourite"', 0.05),
            (77, "Of a paper that does not compete", 0.05),
        ),
    )
    plain, boosted = (
        explain(profile, make_day([make_paper(1), make_paper(2)], RECENT))
        for profile in (train_profile(), reader_profile)
    )
    assert [score.paper_id for score in boosted] == [2, 1]
    best = boosted[0]
    assert best.value == pytest.approx(
        next(score.value for score in plain if score.paper_id == 2) + 0.05
    )
    assert part_of(best, "readers").value == 0.05
    assert sum(part.value for part in best.parts) + best.rest == pytest.approx(best.value, abs=1e-6)
    assert scores.write_reason(best) == 'Liked by readers who liked “Old "favourite"”, as you did.'
    assert scores.find_pinned(reader_profile, make_day([make_paper(2)])) == frozenset()


# ----------------------------------------------------------------------------------------------
# unusual input


def test_a_day_without_papers_has_no_scores() -> None:
    for reader_profile in (
        train_profile(),
        train_profile(Interest(keywords=("robot",)), liked=PAPERS[:2]),
    ):
        assert scores.score(reader_profile, make_day([])).shape == (0,)
        assert explain(reader_profile, make_day([], RECENT)) == []


def test_papers_without_words_are_scored() -> None:
    (score,) = explain(
        train_profile(Interest(keywords=("robot",)), liked=PAPERS[:2]),
        make_day([make_paper(1, "?")]),
    )
    assert np.isfinite(score.value)


def test_identical_papers_score_the_same() -> None:
    values = scores.score(
        train_profile(liked=PAPERS[:2]),
        make_day([make_paper(number, "robot grasping") for number in range(1, 40)]),
    )
    assert len(set(values.tolist())) == 1


def test_fifty_thousand_papers_are_scored() -> None:
    many = [make_paper(number) for number in range(1, 50_001)]
    few = make_rows(PAPERS)
    day = scores.make_day(many, few[np.arange(len(many)) % len(PAPERS)])  # type: ignore[index]
    explained = list(
        itertools.islice(
            scores.explain(train_profile(liked=PAPERS[:1]), day, words_of=features.words_of), 3
        )
    )
    assert [score.paper_id for score in explained] == [1, 31, 61]


def test_papers_and_rows_must_agree() -> None:
    with pytest.raises(ValueError, match="2 papers with 1 rows"):
        scores.make_day(PAPERS[:2], make_rows(PAPERS[:1]))


def test_a_day_and_a_profile_can_be_pickled() -> None:
    reader_profile, day = (
        train_profile(Interest(keywords=("robot",)), liked=PAPERS[:2]),
        make_day(PAPERS, RECENT),
    )
    there = pickle.loads(pickle.dumps((reader_profile, day)))
    assert explain(*there) == explain(reader_profile, day)
