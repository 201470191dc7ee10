"""A lone word counts where the reader's other keywords and likes agree with the paper."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Interest
from digest.ranking import features, profiles, scores
from digest.ranking.profiles.contexts import NEAR, find_contexts
from digest.ranking.rows import COLUMNS, Phrase
from tests.unit.scored import has_title_keyword, make_paper, make_rows

#: directions of the dense columns
SCANS, GAMES, CITIES = np.eye(3, dtype=np.float32)
NO_PAPERS = np.empty((0, 0), np.float32)


def phrase(text: str, vector: NDArray[np.float32]) -> Phrase:
    (plain,) = features.parse_keywords([text], features.Frequencies())
    return plain.with_dense(np.arange(COLUMNS, COLUMNS + 3, dtype=np.int32), vector)


DICE = phrase("dice", SCANS + GAMES)
SEGMENTATION = phrase("image segmentation", SCANS)


def test_other_keywords_and_likes_are_the_context() -> None:
    context, none = find_contexts([DICE, SEGMENTATION], NO_PAPERS)
    assert context == pytest.approx(SCANS)
    assert none is None
    (context,) = find_contexts([DICE], np.stack([SCANS, 3 * SCANS]))
    assert context == pytest.approx(SCANS)
    context, _ = find_contexts([DICE, SEGMENTATION], GAMES[None])
    assert context == pytest.approx((SCANS + GAMES) / np.sqrt(2))


@pytest.mark.parametrize(
    "phrases",
    [
        [DICE],
        [DICE, phrase("city traffic", CITIES)],
        [phrase("+dice", SCANS + GAMES), SEGMENTATION],
        [phrase("-dice", SCANS + GAMES), SEGMENTATION],
        [DICE, phrase("-image segmentation", SCANS)],
        features.parse_keywords(["dice", "image segmentation"], features.Frequencies()),
    ],
)
def test_a_word_alone_or_of_its_own_subject_has_no_context(phrases: list[Phrase]) -> None:
    assert find_contexts(phrases, NO_PAPERS)[0] is None


def make_day(*dense: NDArray[np.float32], categories: tuple[str, ...] = ()) -> scores.Day:
    papers = [
        make_paper(number, f"Dice in case {number}", categories=categories)
        for number in range(1, len(dense) + 1)
    ]
    rows = sp.hstack((make_rows(papers), sp.csr_matrix(np.stack(dense))), format="csr")
    return scores.make_day(papers, rows)


def train(*phrases: Phrase, categories: tuple[str, ...] = ()) -> profiles.Profile:
    background = profiles.Background.from_papers([], sp.csr_matrix((0, COLUMNS + 3)))
    return profiles.train([Interest(categories=categories)], background, phrases=phrases)


def test_only_papers_near_the_context_hold_the_word() -> None:
    near = NEAR * SCANS + np.sqrt(1 - NEAR**2) * GAMES
    day = make_day(SCANS, GAMES, near * 1.01 + 0.01 * SCANS, np.zeros(3, np.float32), -SCANS)
    word, _ = scores.find_keywords(train(DICE, SEGMENTATION), day)
    assert word.rows.tolist() == word.title_rows.tolist() == [0, 2, 3]
    assert has_title_keyword(train(DICE, SEGMENTATION), day).tolist() == [
        True,
        False,
        True,
        True,
        False,
    ]
    (alone,) = scores.find_keywords(train(DICE), day)
    assert alone.rows.tolist() == [0, 1, 2, 3, 4]


def test_a_followed_category_is_near_enough() -> None:
    day = make_day(GAMES, categories=("cs.CV",))
    for followed, expected in ((("cs.CV",), True), (("cs",), True), (("-cs.CV", "cs.LG"), False)):
        profile = train(DICE, SEGMENTATION, categories=followed)
        assert has_title_keyword(profile, day).tolist() == [expected]


def test_the_word_of_a_far_paper_brings_no_bonus() -> None:
    day = make_day(SCANS, GAMES)
    profile = train(DICE, SEGMENTATION)
    rows = [rows.tolist() for _, rows in scores.parts.keyword_rows(profile, day)]
    assert rows == [[0], []]
    plain = scores.score_plainly(
        profile, day.papers, sp.hstack((_wide(day), sp.csr_matrix(day.dense)), format="csr")
    )
    assert np.allclose(scores.score(profile, day), plain, atol=1e-6)


def _wide(day: scores.Day) -> sp.csr_matrix:
    words = day.words
    return sp.csr_matrix(
        (words.data, day.vocabulary[words.indices], words.indptr), shape=(len(day.ids), COLUMNS)
    )
