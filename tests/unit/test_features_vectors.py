"""Word vectors: the table, its bytes, training, and rows made with them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Paper
from digest.ranking import features, scores
from tests.examples import examples

TOPICS = (
    [
        "robot",
        "grasp",
        "gripper",
        "tactile",
        "manipulation",
        "arm",
        "hand",
        "finger",
        "contact",
        "dexterous",
    ],
    [
        "protein",
        "folding",
        "enzyme",
        "sequence",
        "residue",
        "structure",
        "binding",
        "ligand",
        "molecule",
        "peptide",
    ],
    [
        "galaxy",
        "telescope",
        "redshift",
        "star",
        "dust",
        "cluster",
        "halo",
        "spectrum",
        "luminosity",
        "survey",
    ],
)


def _papers(number: int, seed: int = 0) -> list[tuple[str, str]]:
    """Invent titles and abstracts of three topics.

    A title shares no more words with its abstract than any two texts of the topic.
    """
    rng = np.random.default_rng(seed)
    return [
        (" ".join(rng.choice(TOPICS[i % 3], 2)), " ".join(rng.choice(TOPICS[i % 3], 3)))
        for i in range(number)
    ]


def _counts(papers: list[tuple[str, str]]) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    return features.vectorize([title for title, _ in papers]), features.vectorize(
        [abstract for _, abstract in papers]
    )


@pytest.fixture(scope="module")
def table() -> features.Table:
    return features.train(*_counts(_papers(300)))


@pytest.fixture(scope="module")
def space(table: features.Table) -> features.Space:
    """The space of 300 papers, for the tests that try many examples in it."""
    return _space(table, _papers(300))


@pytest.fixture(scope="module")
def base_space() -> features.Space:
    """The space of 40 papers with the table that ships."""
    return _space(features.load_base_table(), _papers(40))


def _space(table: features.Table, papers: list[tuple[str, str]]) -> features.Space:
    counts = features.vectorize([features.text_of(*paper) for paper in papers])
    return features.fit_space(table, features.Frequencies().add(counts), counts)


def _dense(space: features.Space, texts: list[str]) -> np.ndarray:
    return space.rows(features.vectorize(texts))[:, features.COLUMNS :].toarray()


def test_texts_of_one_topic_are_alike_without_a_common_word(
    table: features.Table,
) -> None:
    # Too few papers to whiten by: the vectors as they are.
    dense = _dense(_space(table, _papers(20)), ["robot grasp", "tactile finger", "enzyme ligand"])
    near, far = dense[0] @ dense[1], dense[0] @ dense[2]
    assert near > 0.2 > far


def test_training_is_repeatable_and_depends_on_the_seed(table: features.Table) -> None:
    assert features.train(*_counts(_papers(300))).to_bytes() == table.to_bytes()
    assert features.train(*_counts(_papers(300)), seed=1).to_bytes() != table.to_bytes()


def test_continued_training_keeps_known_words_and_learns_new_ones(table: features.Table) -> None:
    new = ["ocean", "tide", "current", "salinity", "plankton", "wave", "reef", "coast"]
    rng = np.random.default_rng(2)
    papers = [(" ".join(rng.choice(new, 2)), " ".join(rng.choice(new, 3))) for _ in range(100)]
    papers += _papers(300, seed=3)
    further = features.train(*_counts(papers), start=table)
    assert set(table.columns) < set(further.columns)
    assert further.papers == table.papers + 400
    dense = _dense(_space(further, _papers(20)), ["ocean tide", "reef plankton", "enzyme ligand"])
    assert dense[0] @ dense[1] > dense[0] @ dense[2]


def test_a_word_of_two_papers_lies_near_their_topic(table: features.Table) -> None:
    papers = [
        *_papers(300, seed=3),
        ("soft robot", "octobot grasp hand"),
        ("soft gripper", "octobot tactile finger"),
    ]
    further = features.train(*_counts(papers), start=table)
    dense = _dense(
        _space(further, _papers(20)), ["octobot", "dexterous manipulation", "enzyme ligand"]
    )
    near, far = (
        dense[0] @ dense[1] / (dense[0] @ dense[0]),
        dense[0] @ dense[2] / (dense[0] @ dense[0]),
    )
    assert near > 0.42  # it is 0.31 without the pull of words to their papers
    assert far < 0.15


def test_too_few_papers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 50 papers"):
        features.train(*_counts(_papers(10)))


def test_papers_without_abstracts_are_trained_on_by_their_titles() -> None:
    titles = [f"{a} {b}" for a, b in _papers(200)]
    table = features.train(features.vectorize(titles), features.vectorize([""] * 200))
    dense = _dense(_space(table, _papers(20)), ["robot grasp", "tactile finger", "enzyme ligand"])
    assert dense[0] @ dense[1] > dense[0] @ dense[2]


# ----------------------------------------------------------------------------------------------
# bytes


def test_the_table_is_read_back_as_it_was_written(table: features.Table) -> None:
    again = features.Table.from_bytes(table.to_bytes())
    assert np.array_equal(again.columns, table.columns)
    assert np.array_equal(again.document_counts, table.document_counts)
    assert (again.papers, again.version) == (table.papers, table.version)
    assert np.array_equal(again.vectors, table.vectors)


def test_four_bits_keep_the_direction() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((50, features.DIMENSIONS)).astype(np.float32)
    table = features.Table(
        columns=np.arange(50, dtype=np.int32),
        document_counts=np.ones(50, np.uint32),
        papers=9,
        vectors=vectors,
    )
    again = table.quantized().vectors
    cosines = (
        (again * vectors).sum(axis=1)
        / np.linalg.norm(again, axis=1)
        / np.linalg.norm(vectors, axis=1)
    )
    assert cosines.min() > 0.98


@given(data=st.data())
@settings(max_examples=examples(60))
def test_a_truncated_or_damaged_table_is_refused(
    table: features.Table, data: st.DataObject
) -> None:
    blob = table.to_bytes()
    if data.draw(st.booleans()):
        broken = blob[: data.draw(st.integers(0, len(blob) - 1))]
    else:
        place = data.draw(st.integers(0, len(blob) - 1))
        broken = (
            blob[:place] + bytes([blob[place] ^ data.draw(st.integers(1, 255))]) + blob[place + 1 :]
        )
        if 8 <= place < 12:
            return  # no check covers the number of papers
    with pytest.raises(ValueError, match="word vectors"):
        features.Table.from_bytes(broken)


def test_the_base_table_ships_and_is_small() -> None:
    base = features.load_base_table()
    assert len(base.columns) > 20_000
    assert len(base.to_bytes()) <= 8_000_000


# ----------------------------------------------------------------------------------------------
# rows


@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=5))
@settings(max_examples=examples(100))
def test_any_text_is_a_finite_row_of_bounded_length(
    base_space: features.Space, texts: list[str]
) -> None:
    rows = base_space.rows(features.vectorize(texts))
    assert rows.shape == (len(texts), features.WIDTH)
    assert np.isfinite(rows.data).all()
    assert np.diff(rows.indptr).min() >= 0
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)))
    assert lengths.max() <= 1.27


def test_a_text_without_words_is_a_row_of_zeros(table: features.Table) -> None:
    assert _space(table, _papers(300)).rows(features.vectorize(["", "?!"])).nnz == 0


@pytest.mark.parametrize("number", [0, 1, 2, 29, 300])
def test_a_corpus_of_any_size_has_a_space(table: features.Table, number: int) -> None:
    space = _space(table, _papers(number))
    assert np.isfinite(
        space.rows(features.vectorize(["robot grasp of a star", "enzyme"])).data
    ).all()


def test_without_vectors_rows_are_the_words_alone() -> None:
    space = _space(features.Table(), _papers(40))
    rows = space.rows(features.vectorize(["robot grasp"]))
    assert rows[:, features.COLUMNS :].nnz == 0
    assert rows.nnz == 3
    assert space.version == ""


@given(seed=st.integers(0, 10_000))
@settings(max_examples=examples(30))
def test_contributions_of_words_add_up_to_the_dense_columns(
    space: features.Space, seed: int
) -> None:
    (title, abstract), *_ = _papers(1, seed)
    counts = features.vectorize([features.text_of(title, abstract)])
    contributions = space.contributions(counts)
    per_word, (constant,) = contributions.per_word(0), contributions.constants
    dense = _dense(space, [features.text_of(title, abstract)])[0]
    assert np.allclose(per_word.sum(axis=0) + constant, dense, atol=1e-5)
    words, shares = contributions.words_of(0)
    assert set(space.table.columns[words]) <= set(features.words_of(title, abstract))
    weights = np.random.default_rng(seed).standard_normal(features.DIMENSIONS)
    amounts = shares * (space.table.vectors[words] @ (space.whitening @ weights))
    assert np.allclose(amounts, per_word @ weights, atol=1e-4)
    assert np.isclose(amounts.sum() + constant @ weights, dense @ weights, atol=1e-4)


def test_an_unknown_text_has_no_contributions(table: features.Table) -> None:
    contributions = _space(table, _papers(300)).contributions(features.vectorize(["zzyzx", ""]))
    assert not contributions.shares.nnz
    assert not contributions.constants.any()


def test_keywords_get_dense_columns(table: features.Table) -> None:
    space = _space(table, _papers(300))
    (phrase,) = space.parse_keywords(["robot grasp"])
    rows = space.rows(features.vectorize(["tactile finger contact", "enzyme ligand"]))
    weights = np.zeros(features.WIDTH)
    weights[phrase.columns] = phrase.weights
    robots, proteins = rows @ weights
    assert robots > proteins


@given(
    texts=st.lists(
        st.sampled_from(
            [" ".join(topic) for topic in TOPICS] + ["robot grasp", "enzyme", "zzyzx", ""]
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=examples(40))
def test_cosines_of_a_day_equal_those_of_unit_rows(space: features.Space, texts: list[str]) -> None:
    papers = [
        Paper(id=n + 1, title=text or "?", abstract="", first_seen=date(2026, 6, 1))
        for n, text in enumerate(texts)
    ]
    counts = features.vectorize([text or "?" for text in texts])
    day = scores.make_day(papers, space.rows(counts), contributions=space.contributions(counts))
    paper_ids = [paper.id for paper in papers]
    cosines = scores.cosines(day, paper_ids, paper_ids)
    assert np.allclose(cosines, cosines.T, atol=1e-5)
    assert cosines.max() <= 1 + 1e-5
    filled = np.diff(day.words.indptr) > 0
    assert np.allclose(np.diag(cosines), filled, atol=1e-5)
    for row, text in enumerate(texts):
        for column, other in enumerate(texts):
            assert (cosines[row, column] > 0.99) == (text == other and bool(filled[row]))
