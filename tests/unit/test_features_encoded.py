"""An encoder's columns beside those of word vectors, and their part of scores."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Paper
from digest.ranking import features, profiles, scores
from digest.ranking.features.encoded import ENCODER_WEIGHT
from tests.examples import examples

DAY = date(2026, 6, 9)
D = 16


def vectors(number: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((number, D)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def fit(number: int = 100, absent: int = 0) -> features.Encoding | None:
    encoded = vectors(number)
    encoded[:absent] = 0
    return features.fit_encoding("tiny-1", encoded)


def test_encoder_columns_follow_the_others_and_have_their_length() -> None:
    encoding = fit()
    assert encoding is not None
    rows = sp.csr_matrix(np.eye(3, 7, dtype=np.float32))
    encoded = vectors(3, seed=1)
    encoded[1] = 0
    both = encoding.append_columns(rows, encoded)
    assert both.shape == (3, 7 + D)
    assert (both[:, :7] != rows).nnz == 0
    assert np.allclose(
        np.linalg.norm(both[:, 7:].toarray(), axis=1), [ENCODER_WEIGHT**0.5, 0, ENCODER_WEIGHT**0.5]
    )
    assert encoding.append_zeros(rows).shape == both.shape
    assert (encoding.append_zeros(rows)[:, :7] != rows).nnz == 0


def test_features_that_all_papers_share_count_little() -> None:
    """Encoders put all papers of one subject into a narrow cone."""
    cone = vectors(200) * 0.3 + vectors(1, seed=9)
    encoding = features.fit_encoding("tiny-1", cone)
    assert encoding is not None
    white = encoding.append_columns(sp.csr_matrix((200, 0)), cone).toarray() / ENCODER_WEIGHT**0.5
    assert (cone @ cone.T / np.outer(*[np.linalg.norm(cone, axis=1)] * 2)).mean() > 0.3
    assert abs((white @ white.T).mean()) < 0.02


@pytest.mark.parametrize(
    ("number", "absent", "used"),
    [(100, 0, True), (100, 5, True), (100, 6, False), (29, 0, False), (0, 0, False)],
)
def test_an_encoding_needs_nearly_all_recent_papers(number: int, absent: int, used: bool) -> None:
    assert (fit(number, absent) is not None) == used


def test_packed_rows_are_read_back_to_three_digits() -> None:
    encoded = vectors(5)
    packed = features.pack_encoded(encoded)
    assert [len(row) for row in packed] == [2 * D] * 5
    back = features.unpack_encoded([*packed, None, b"cut", packed[0][:-2], b"\xff" * 2 * D], D)
    assert np.allclose(back[:5], encoded, atol=1e-3)
    assert not back[5:].any()  # absent, damaged, of another encoder, not a number
    assert features.unpack_encoded([], D).shape == (0, D)


# ----------------------------------------------------------------------------------------------
# scores

WORDS = (
    "octopus",
    "reef",
    "arm",
    "squid",
    "planet",
    "orbit",
    "telescope",
    "moon",
    "court",
    "ruling",
)
TEXTS = [" ".join(WORDS[(n * k) % 10] for k in (1, 3, 7)) for n in range(60)]
PAPERS = [Paper(id=n + 1, title=text, abstract="", first_seen=DAY) for n, text in enumerate(TEXTS)]


def day_of(
    encodings: np.ndarray, weigh: float = 1.0
) -> tuple[scores.Day, sp.csr_matrix, profiles.Background]:
    counts = features.vectorize(TEXTS)
    space = features.fit_space(
        features.load_base_table(), features.Frequencies().add(counts), counts
    )
    encoding = features.fit_encoding("tiny-1", encodings)
    assert encoding is not None
    rows = encoding.append_columns(space.rows(counts), encodings)
    return (
        scores.make_day(PAPERS, rows, contributions=space.contributions(counts)),
        rows,
        profiles.Background.from_papers(PAPERS, rows),
    )


@given(
    seed=st.integers(0, 1000),
    likes=st.sets(st.integers(0, 59), min_size=1, max_size=8),
    dislikes=st.sets(st.integers(0, 59), max_size=5),
)
@settings(max_examples=examples(40))
def test_parts_and_rest_add_up_to_the_score(seed: int, likes: set[int], dislikes: set[int]) -> None:
    day, rows, background = day_of(vectors(60, seed))
    up, down = sorted(likes), sorted(dislikes - likes)
    profile = profiles.train(
        [],
        background,
        liked=profiles.Rated.from_papers([PAPERS[n] for n in up], rows[up]),
        disliked=profiles.Rated.from_papers([PAPERS[n] for n in down], rows[down]),
    )
    values = scores.score(profile, day)
    for score in scores.explain(profile, day, words_of=features.words_of):
        assert sum(part.value for part in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-6
        )
        assert score.value == pytest.approx(values[score.paper_id - 1], abs=1e-6)
        near = [part for part in score.parts if part.kind == "near"]
        assert all(part.name in {TEXTS[n] for n in up} and part.value > 0 for part in near)
        assert len(near) <= 1


def test_the_encoder_part_is_named_by_the_nearest_liked_paper() -> None:
    """Two papers without a word in common that the encoder puts together."""
    encodings = vectors(60)
    liked = next(n for n in range(60) if "octopus" in TEXTS[n])
    twin = next(n for n in range(60) if not set(TEXTS[n].split()) & set(TEXTS[liked].split()))
    encodings[twin] = encodings[liked]
    day, rows, background = day_of(encodings)
    profile = profiles.train(
        [], background, liked=profiles.Rated.from_papers([PAPERS[liked]], rows[[liked]])
    )
    scored = {
        score.paper_id: score for score in scores.explain(profile, day, words_of=features.words_of)
    }
    assert next(iter(scored)) == liked + 1
    (near,) = [part for part in scored[twin + 1].parts if part.kind == "near"]
    columns = rows[[twin], -D:].toarray().ravel()
    assert near.value == pytest.approx(float(columns @ profile.dense_weights[-D:]), abs=1e-6)
    assert near.name == TEXTS[liked]
    assert scores.write_reason(scored[twin + 1]) == f"Like “{TEXTS[liked]}”, which you liked."
