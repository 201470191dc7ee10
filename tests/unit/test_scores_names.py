"""Categories, authors and what is trending, in a score."""

from __future__ import annotations

import itertools
from datetime import timedelta

import numpy as np
import pytest

from digest.model import Interest
from digest.ranking import features, profiles, scores
from tests.unit.scored import (
    BACKGROUND,
    PAPERS,
    TODAY,
    count_frequencies,
    explain,
    make_day,
    make_paper,
    part_of,
    train_profile,
)

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
