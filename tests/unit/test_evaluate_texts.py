"""The recommender on plain texts."""

from __future__ import annotations

import numpy as np
import pytest

from digest import evaluate

TOPICS = (
    "Robot hands. Grasping with tactile sensing, slip and fingers",
    "Warm oceans. Rainfall and glaciers in climate records",
    "Old verse. Metre and rhyme of medieval poetry",
)
TEXTS = [f"{topic} case{number}" for number in range(12) for topic in TOPICS]
CANDIDATES = TEXTS[:9]


@pytest.fixture(autouse=True)
def prepare_texts() -> None:
    evaluate.prepare(TEXTS)


def best(scores: np.ndarray) -> int:
    return int(np.argmax(scores)) % 3


def test_likes_rank_papers_like_them_first() -> None:
    scores = evaluate.recommend(TEXTS[10:20:3], TEXTS[20:], CANDIDATES)
    assert scores.shape == (9,)
    assert best(scores) == 1


def test_keywords_alone_rank_papers_with_them_first() -> None:
    assert best(evaluate.recommend([], TEXTS[20:], CANDIDATES, keywords=["rhyme", "poetry"])) == 2


def test_dislikes_push_papers_like_them_down() -> None:
    scores = evaluate.recommend(
        [TEXTS[10]], TEXTS[20:], CANDIDATES, disliked_texts=[TEXTS[9], TEXTS[12]]
    )
    assert best(-scores) == 0


def test_texts_that_were_not_prepared_are_vectorised() -> None:
    scores = evaluate.recommend(
        ["New verse. More rhyme and metre"], TEXTS[20:], ["Robot fingers", "Poetry with rhyme"]
    )
    assert scores[1] > scores[0]


def test_a_text_may_come_twice_and_be_empty() -> None:
    evaluate.prepare([*TEXTS, *TEXTS, ""])
    scores = evaluate.recommend([TEXTS[0], ""], ["", TEXTS[4]], ["", TEXTS[3], TEXTS[3]])
    assert np.isfinite(scores).all()
    assert scores[1] == scores[2]


def test_without_known_papers_or_candidates_scores_are_finite_or_empty() -> None:
    assert np.isfinite(evaluate.recommend([], [], CANDIDATES)).all()
    assert evaluate.recommend(TEXTS[:1], [], []).shape == (0,)


def test_equal_calls_give_equal_scores() -> None:
    calls = [
        evaluate.recommend(TEXTS[:5], TEXTS[20:], CANDIDATES, ["rhyme"], TEXTS[6:8])
        for _ in range(2)
    ]
    assert np.array_equal(*calls)


def test_encoder_vectors_count_beside_the_words() -> None:
    """The encoder puts two topics together, which share no word."""
    rng = np.random.default_rng(0)
    about = rng.standard_normal((2, 16))
    encoded = np.array(
        [about[int(text in TEXTS[1::3])] for text in [TEXTS[5], *TEXTS]]
    ) + 0.1 * rng.standard_normal((len(TEXTS) + 1, 16))
    liked = TEXTS[9:15:3]
    alone = evaluate.recommend(liked, TEXTS[20:], CANDIDATES)
    evaluate.prepare([TEXTS[5], *TEXTS], encoded.astype(np.float32))
    scores = evaluate.recommend(liked, TEXTS[20:], CANDIDATES)
    assert scores[2::3].mean() - scores[1::3].mean() > alone[2::3].mean() - alone[1::3].mean() + 0.1
    assert np.isfinite(
        evaluate.recommend(
            ["Unseen robots"], TEXTS[20:], ["Unseen robots", TEXTS[0]], keywords=["robot"]
        )
    ).all()
