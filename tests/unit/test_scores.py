"""The sum and its parts."""

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
    PAPERS,
    RECENT,
    TODAY,
    WORDS,
    day,
    frequencies,
    paper,
    part,
    profile,
    ranked,
    rows,
)

# ----------------------------------------------------------------------------------------------
# parts add up

_papers = st.builds(
    lambda number, words, upvotes, picked, rank, categories, authors: paper(
        number,
        " ".join(words),
        upvotes=upvotes,
        picked=picked,
        rank=rank,
        categories=categories,
        authors=authors,
    ),
    st.integers(1, 50),
    st.lists(st.sampled_from(WORDS), max_size=8),
    st.integers(0, 500),
    st.sampled_from([None, TODAY, TODAY - timedelta(days=9)]),
    st.sampled_from([None, 1, 7]),
    st.sampled_from([(), ("cs.RO",), ("cs.LG", "cs.RO"), ("stat.ML",)]),
    st.sampled_from([(), ("Jane Doe",), ("J. Roe", "Doe, Jane")]),
)
_interests = st.builds(
    Interest,
    keywords=st.lists(
        st.sampled_from(
            ["tactile sensing", "-survey", "robot", "neural networks", "-climate rainfall"]
        ),
        max_size=4,
    ).map(tuple),
    categories=st.lists(st.sampled_from(["cs.RO", "-cs.LG", "cs", "stat.*"]), max_size=2).map(
        tuple
    ),
    authors=st.lists(st.sampled_from(["Jane Doe", "-J. Roe"]), max_size=2).map(tuple),
)


@settings(max_examples=examples(80))
@given(
    st.lists(_papers, min_size=1, max_size=6, unique_by=lambda each: each.id),
    _interests,
    st.lists(st.sampled_from(PAPERS), max_size=4),
    st.lists(st.sampled_from(RECENT), max_size=3),
)
def test_the_parts_of_a_score_add_up_to_it(
    papers: list[Paper], interest: Interest, liked: list[Paper], disliked: list[Paper]
) -> None:
    who, when = profile(interest, liked, disliked), day(papers, RECENT)
    values = dict(zip(when.ids.tolist(), scores.score(who, when).tolist(), strict=False))
    for score in ranked(who, when, shown=10_000):
        assert score.value == values[score.paper_id]
        assert sum(each.value for each in score.parts) == pytest.approx(score.value, abs=1e-6)
        assert score.rest == pytest.approx(0, abs=1e-6)
    for score in ranked(who, when):
        assert len(score.parts) <= scores.SHOWN
        assert sum(each.value for each in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-12
        )
        assert [abs(each.value) for each in score.parts] == sorted(
            (abs(each.value) for each in score.parts), reverse=True
        )
        assert 0 <= score.percentile <= 100
        assert scores.reason(score)


def test_the_words_shown_are_words_of_the_paper() -> None:
    shown = {
        score.paper_id: {each.name for each in score.parts if each.kind == "word"}
        for score in ranked(profile(liked=PAPERS[:2]), day(PAPERS))
    }
    assert sum(map(bool, shown.values())) > len(PAPERS) / 2
    for ident, names in shown.items():
        assert names <= set(
            features.words_of(PAPERS[ident - 1].title, PAPERS[ident - 1].abstract).values()
        )


def test_scores_come_best_first_and_ties_by_paper_id() -> None:
    same = [paper(number, "robot grasping") for number in (9, 3, 5)]
    assert [score.paper_id for score in ranked(profile(), day(same))] == [3, 5, 9]
    values = [score.value for score in ranked(profile(liked=PAPERS[:2]), day(PAPERS))]
    assert values == sorted(values, reverse=True)


def test_a_score_does_not_depend_on_the_other_papers() -> None:
    who = profile(Interest(keywords=("robot",)), liked=PAPERS[3:5])
    alone = ranked(who, day(PAPERS[:1]))[0].value
    assert [score.value for score in ranked(who, day(PAPERS)) if score.paper_id == 1] == [alone]


def test_only_the_papers_that_compete_for_the_reader_are_scored() -> None:
    assert {score.paper_id for score in ranked(profile(), day(PAPERS), among={3, 5, 999})} == {3, 5}
    assert ranked(profile(), day(PAPERS), among=()) == []


def test_a_paper_is_explained_only_when_asked_for() -> None:
    named: list[str] = []

    def words_of(title: str, abstract: str) -> dict[int, str]:
        named.append(title)
        return {}

    list(
        itertools.islice(
            scores.explain(profile(liked=PAPERS[:1]), day(PAPERS), words_of=words_of), 2
        )
    )
    assert len(named) == 2


# ----------------------------------------------------------------------------------------------
# names


def test_a_phrase_matches_whole_and_its_words_stand_for_themselves() -> None:
    who = profile(Interest(keywords=("tactile sensing",)))
    whole, half, none = ranked(
        who, day([paper(1, "tactile sensing"), paper(2, "sensing rainfall"), paper(3, "poetry")])
    )
    assert (whole.paper_id, half.paper_id, none.paper_id) == (1, 2, 3)
    assert part(whole, "keyword").name == "tactile sensing"
    assert [each.name for each in half.parts if each.kind != "recency"] == ["sensing"]
    assert part(half, "word").value > 0


@pytest.mark.parametrize(
    ("keyword", "title", "abstract", "held"),
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
def test_a_phrase_is_held_only_where_it_stands(
    keyword: str, title: str, abstract: str, held: bool
) -> None:
    one = paper(1, title, abstract)
    for when in (day([one, paper(2)]), day([paper(2)], [one])):
        mine = profile(Interest(keywords=(keyword,)))
        ((_, found),) = scores.values.holding(mine, when)
        assert found.tolist() == ([when.ids.tolist().index(1)] if held else [])
    ids = frozenset({1} if held else ())
    when = day([one, paper(2)])
    assert scores.pinned(mine, when) | scores.muted(mine, when) == (
        ids if keyword[0] in "+-" else frozenset()
    )
    kept = next(
        score
        for score in scores.explain(mine, when, words_of=features.words_of)
        if score.paper_id == 1
    )
    assert any(part.kind == "keyword" for part in kept.parts) is held
    assert sum(part.value for part in kept.parts) + kept.rest == pytest.approx(kept.value, abs=1e-6)


def test_two_words_that_share_a_column_are_told_apart() -> None:
    columns: dict[int, str] = {}
    for number in itertools.count():
        word = f"word{number}"
        column = int(features.vectorize([word]).indices[0])
        if column in columns:
            break
        columns[column] = word
    when = day([paper(1, columns[column]), paper(2, word)])
    ((_, found),) = scores.values.holding(profile(Interest(keywords=(word,))), when)
    assert when.ids[found].tolist() == [2]


def test_a_keyword_that_is_common_or_rare_in_the_corpus_still_matches() -> None:
    many = [paper(number, "learning robots") for number in range(1, features.MIN_PAPERS)] + [
        paper(999, "zebrafish")
    ]
    weights = frequencies(many)
    counts = features.vectorize(["learning robots", "zebrafish", "poetry"])
    when = scores.day(
        [paper(1, "learning robots"), paper(2, "zebrafish"), paper(3, "poetry")],
        features.weigh(counts, weights),
    )
    for keyword, number in (("learning", 1), ("zebrafish", 2)):
        who = profiles.train(
            [Interest(keywords=(keyword,))],
            BACKGROUND,
            phrases=features.parse_keywords([keyword], weights),
        )
        assert ranked(who, when)[0].paper_id == number


@pytest.mark.parametrize(
    ("wanted", "printed", "same"),
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
def test_an_author_is_known_by_name_and_initial(wanted: str, printed: str, same: bool) -> None:
    (score,) = ranked(profile(Interest(authors=(wanted,))), day([paper(1, authors=(printed,))]))
    assert any(each.kind == "author" for each in score.parts) is same


@pytest.mark.parametrize(
    ("wanted", "categories", "same"),
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
def test_a_category_holds_its_parts(wanted: str, categories: tuple[str, ...], same: bool) -> None:
    (score,) = ranked(
        profile(Interest(categories=(wanted,))), day([paper(1, categories=categories)])
    )
    assert any(each.kind == "category" for each in score.parts) is same


def test_a_first_category_counts_more_than_a_second() -> None:
    first, second = paper(2, categories=("cs.RO", "cs.LG")), paper(1, categories=("cs.LG", "cs.RO"))
    assert [
        score.paper_id
        for score in ranked(profile(Interest(categories=("cs.RO",))), day([first, second]))
    ] == [2, 1]


@pytest.mark.parametrize(
    "interest",
    [
        Interest(keywords=("-robot",)),
        Interest(categories=("-cs.RO",)),
        Interest(authors=("-Jane Doe",)),
    ],
)
def test_what_is_unwanted_comes_last_whatever_was_liked(interest: Interest) -> None:
    bad = paper(
        1,
        "robot grasping tactile sensing climate",
        categories=("cs.LG", "cs.RO"),
        authors=("Jane Doe",),
        upvotes=900,
    )
    (*_, last) = ranked(profile(interest, liked=[PAPERS[0]]), day([bad, paper(2, "poetry")]))
    assert last.paper_id == 1


# ----------------------------------------------------------------------------------------------
# trending


def test_without_interests_upvotes_and_picks_lead() -> None:
    papers = [
        paper(1),
        paper(2, upvotes=80),
        paper(3, upvotes=80, picked=TODAY, rank=1),
        paper(4, first_seen=TODAY - timedelta(days=6)),
    ]
    assert [score.paper_id for score in ranked(profile(), day(papers))] == [3, 2, 1, 4]


def test_a_higher_and_fresher_pick_counts_more() -> None:
    papers = [
        paper(1, picked=TODAY, rank=9),
        paper(2, picked=TODAY - timedelta(days=7), rank=1),
        paper(3, picked=TODAY, rank=1),
    ]
    assert [score.paper_id for score in ranked(profile(), day(papers))] == [3, 1, 2]


def test_a_close_match_beats_a_popular_paper() -> None:
    close, popular = (
        paper(1, PAPERS[0].title),
        paper(2, "auction price", upvotes=300, picked=TODAY, rank=1),
    )
    assert ranked(profile(liked=[PAPERS[0]]), day([close, popular]))[0].paper_id == 1


def test_negative_upvotes_and_ranks_do_no_harm() -> None:
    (score,) = ranked(
        profile(), day([paper(1, upvotes=-5, picked=TODAY + timedelta(days=3), rank=-2)])
    )
    assert np.isfinite(score.value)


# ----------------------------------------------------------------------------------------------
# match and nearest


def test_match_is_the_share_of_recent_papers_that_score_lower() -> None:
    who = profile(Interest(keywords=("tactile sensing",)))
    best, *_, worst = ranked(
        who, day([paper(1, "tactile sensing robot"), paper(2, "poetry")], RECENT)
    )
    lower = sum(value < best.value for value in scores.score(who, day(RECENT)))
    assert best.percentile == 100 * lower // len(RECENT)
    assert best.percentile > worst.percentile


def test_an_old_recent_paper_is_measured_as_on_its_first_day() -> None:
    old = [replace(each, first_seen=TODAY - timedelta(days=20)) for each in RECENT]
    (score,) = ranked(profile(), day([paper(1)], old))
    assert score.percentile == 0


def test_without_recent_papers_the_day_is_the_measure() -> None:
    assert [
        score.percentile for score in ranked(profile(), day([paper(1, upvotes=3), paper(2)]))
    ] == [50, 0]


def test_the_nearest_liked_paper_is_named_with_its_cosine() -> None:
    liked = [paper(51, "tactile sensing robot"), paper(52, "poetry rhyme glacier")]
    (score,) = ranked(profile(liked=liked), day([paper(1, "tactile sensing robot")]))
    assert score.nearest == ("tactile sensing robot", pytest.approx(1, abs=1e-5))


def test_no_liked_paper_is_near_a_stranger_or_itself() -> None:
    liked = [paper(51, "tactile sensing robot")]
    stranger, itself = ranked(profile(liked=liked), day([paper(1, "auction price"), liked[0]]))
    assert stranger.nearest is None
    assert itself.nearest is None


# ----------------------------------------------------------------------------------------------
# what others say


def upvotes_part(
    some: Paper, among: Sequence[Paper] = (), thumbs: dict[int, list[float]] | None = None
) -> float:
    papers = [some, *among]
    made = scores.day(papers, rows(papers), thumbs=thumbs)
    return next(
        (
            part.value
            for score in ranked(profile(), made, among=[some.id])
            for part in score.parts
            if part.kind == "upvotes"
        ),
        0.0,
    )


def test_upvotes_fade_with_the_days_since_a_paper_came_or_was_picked() -> None:
    new = paper(99)
    fresh = upvotes_part(paper(1, upvotes=100), [new])
    old = upvotes_part(paper(1, upvotes=100, first_seen=TODAY - timedelta(days=6)), [new])
    back = upvotes_part(
        paper(1, upvotes=100, first_seen=TODAY - timedelta(days=6), picked=TODAY), [new]
    )
    assert fresh == back == pytest.approx(scores.UPVOTES)
    assert old == pytest.approx(scores.UPVOTES * np.log1p(25) / np.log1p(100))


def test_readers_thumbs_fade_by_their_own_age_and_not_by_the_paper_s() -> None:
    old = paper(1, upvotes=6, first_seen=TODAY - timedelta(days=30))
    today, last_week = ({1: [age] * 6} for age in (0.0, 9.0))
    assert upvotes_part(old, [paper(99)], today) == pytest.approx(
        scores.UPVOTES * np.log1p(6) / np.log1p(100)
    )
    assert upvotes_part(old, [paper(99)], last_week) == pytest.approx(
        scores.UPVOTES * np.log1p(6 / 8) / np.log1p(100)
    )
    assert upvotes_part(paper(1, upvotes=6), [], {1: [-0.5] * 9}) == pytest.approx(
        scores.UPVOTES * np.log1p(9) / np.log1p(100)
    )


def test_what_readers_thumbed_later_does_not_raise_the_measure() -> None:
    recent = [replace(each, upvotes=7) for each in RECENT]
    made = scores.day(
        [paper(1)],
        rows([paper(1)]),
        recent,
        rows(recent),
        thumbs={each.id: [0.1] * 7 for each in recent},
    )
    assert (made.trending[0] == 0).all()


def test_others_likes_are_a_part_of_the_sum_that_the_sentence_names() -> None:
    who = replace(
        profile(),
        co_like_boosts=(
            (2, 'Old "favourite"', 0.05),
            (77, "Of a paper that does not compete", 0.05),
        ),
    )
    plain, lifted = (ranked(one, day([paper(1), paper(2)], RECENT)) for one in (profile(), who))
    assert [score.paper_id for score in lifted] == [2, 1]
    best = lifted[0]
    assert best.value == pytest.approx(
        next(score.value for score in plain if score.paper_id == 2) + 0.05
    )
    assert part(best, "readers").value == 0.05
    assert sum(each.value for each in best.parts) + best.rest == pytest.approx(best.value, abs=1e-6)
    assert scores.reason(best) == 'Liked by readers who liked "Old "favourite"", as you did.'
    assert scores.pinned(who, day([paper(2)])) == frozenset()


# ---------------------------------------------------------------------------------------------- bad
# input


def test_a_day_without_papers_has_no_scores() -> None:
    for who in (profile(), profile(Interest(keywords=("robot",)), liked=PAPERS[:2])):
        assert scores.score(who, day([])).shape == (0,)
        assert ranked(who, day([], RECENT)) == []


def test_papers_without_words_are_scored() -> None:
    (score,) = ranked(
        profile(Interest(keywords=("robot",)), liked=PAPERS[:2]), day([paper(1, "?")])
    )
    assert np.isfinite(score.value)


def test_identical_papers_score_the_same() -> None:
    values = scores.score(
        profile(liked=PAPERS[:2]), day([paper(number, "robot grasping") for number in range(1, 40)])
    )
    assert len(set(values.tolist())) == 1


def test_fifty_thousand_papers_are_scored() -> None:
    many = [paper(number) for number in range(1, 50_001)]
    few = rows(PAPERS)
    when = scores.day(many, few[np.arange(len(many)) % len(PAPERS)])  # type: ignore[index]
    found = list(
        itertools.islice(
            scores.explain(profile(liked=PAPERS[:1]), when, words_of=features.words_of), 3
        )
    )
    assert [score.paper_id for score in found] == [1, 31, 61]


def test_papers_and_rows_must_agree() -> None:
    with pytest.raises(ValueError, match="2 papers with 1 rows"):
        scores.day(PAPERS[:2], rows(PAPERS[:1]))


def test_a_day_and_a_profile_travel_to_another_process() -> None:
    who, when = profile(Interest(keywords=("robot",)), liked=PAPERS[:2]), day(PAPERS, RECENT)
    there = pickle.loads(pickle.dumps((who, when)))
    assert ranked(*there) == ranked(who, when)
